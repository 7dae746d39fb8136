"""Models: networks of the general engine with sourced parameters, and the studies made with them."""

from jaxsim.models.cell import cell, cell_parameters
from jaxsim.models.cell_arms import CellArm, cell_arms, dose_response_arms, interval_arms
from jaxsim.models.cell_study import cell_study
from jaxsim.models.coupling import coupled_study
from jaxsim.models.coupling_table import Grid
from jaxsim.models.coupling_table_file import coupling_table
from jaxsim.models.coupling_tabulated import tabulated_tumour
from jaxsim.models.coupling_validation import compare_couplings
from jaxsim.models.organism import organism, organism_parameters
from jaxsim.models.organism_animals import virtual_animals
from jaxsim.models.organism_decomposition import organism_decomposition
from jaxsim.models.organism_restoration import restoration
from jaxsim.models.organism_scenarios import OrganismArm, scenarios, standard_regimen
from jaxsim.models.organism_sensitivity import organism_sensitivity
from jaxsim.models.organism_steady_state import steady_state
from jaxsim.models.organism_study import organism_study
from jaxsim.models.organism_trial import organism_trial
from jaxsim.models.organism_verdicts import gather_evidence, target_table
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
