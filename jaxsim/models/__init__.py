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
from jaxsim.models.organism_agents import il1a_counts
from jaxsim.models.organism_animals import virtual_animals
from jaxsim.models.organism_calibration import calibrate_organism
from jaxsim.models.organism_evidence import gather_evidence
from jaxsim.models.organism_profile import profile_organism
from jaxsim.models.organism_scenarios import OrganismArm, scenarios, standard_regimen
from jaxsim.models.organism_sensitivity import organism_sensitivity
from jaxsim.models.organism_steady_state import steady_state
from jaxsim.models.organism_study import organism_study
from jaxsim.models.organism_trial import organism_trial
from jaxsim.models.organism_validation import validate
from jaxsim.models.organism_verdicts import target_table
from jaxsim.models.parameters import ModelParameter, read_parameters

__all__ = [
    "CellArm",
    "Grid",
    "ModelParameter",
    "OrganismArm",
    "calibrate_organism",
    "cell",
    "cell_arms",
    "cell_parameters",
    "cell_study",
    "compare_couplings",
    "coupled_study",
    "coupling_table",
    "dose_response_arms",
    "gather_evidence",
    "il1a_counts",
    "interval_arms",
    "organism",
    "organism_parameters",
    "organism_sensitivity",
    "organism_study",
    "organism_trial",
    "profile_organism",
    "read_parameters",
    "scenarios",
    "standard_regimen",
    "steady_state",
    "tabulated_tumour",
    "target_table",
    "validate",
    "virtual_animals",
]
