"""Models: networks of the general engine with sourced parameters, and the studies made with them."""

from jaxsim.models.cell.network import cell, cell_parameters
from jaxsim.models.cell.study import CellArm, cell_arms, cell_study, dose_response_arms, interval_arms
from jaxsim.models.coupled.study import compare_couplings, coupled_study
from jaxsim.models.coupled.table import Grid, coupling_table
from jaxsim.models.coupled.tabulated import tabulated_tumour
from jaxsim.models.organism.animals import virtual_animals
from jaxsim.models.organism.decomposition import organism_decomposition
from jaxsim.models.organism.network import organism, organism_parameters, steady_state
from jaxsim.models.organism.restoration import restoration
from jaxsim.models.organism.scenarios import OrganismArm, scenarios, standard_regimen
from jaxsim.models.organism.sensitivity import organism_sensitivity
from jaxsim.models.organism.study import organism_study
from jaxsim.models.organism.targets import gather_evidence, target_table
from jaxsim.models.organism.trial import organism_trial
from jaxsim.models.parameters import ModelParameter, read_parameters

__all__ = [
    "CellArm",
    "Grid",
    "ModelParameter",
    "OrganismArm",
    "cell",
    "cell_arms",
    "cell_parameters",
    "cell_study",
    "compare_couplings",
    "coupled_study",
    "coupling_table",
    "dose_response_arms",
    "gather_evidence",
    "interval_arms",
    "organism",
    "organism_decomposition",
    "organism_parameters",
    "organism_sensitivity",
    "organism_study",
    "organism_trial",
    "read_parameters",
    "restoration",
    "scenarios",
    "standard_regimen",
    "steady_state",
    "tabulated_tumour",
    "target_table",
    "virtual_animals",
]
