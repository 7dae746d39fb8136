"""Figures: each takes a Dataset and returns a Figure; nothing is kept in pyplot."""

from jaxsim.plots.coupling import plot_coupling
from jaxsim.plots.dose_response import plot_dose_response
from jaxsim.plots.fates import plot_fates
from jaxsim.plots.inhibitor_interval import plot_inhibitor_interval
from jaxsim.plots.landscape import plot_landscape
from jaxsim.plots.lysis import plot_lysis
from jaxsim.plots.organism_arms import plot_organism_arms
from jaxsim.plots.organism_courses import plot_organism_courses
from jaxsim.plots.organism_decomposition import plot_organism_decomposition
from jaxsim.plots.organism_headline import plot_organism_headline
from jaxsim.plots.organism_ladder import plot_organism_ladder
from jaxsim.plots.organism_onsets import plot_onsets, plot_when_to_block
from jaxsim.plots.organism_sensitivity import plot_organism_sensitivity
from jaxsim.plots.organism_verdicts import plot_organism_verdicts
from jaxsim.plots.regimen_courses import plot_regimen_courses
from jaxsim.plots.release import plot_release
from jaxsim.plots.result import plot
from jaxsim.plots.study_courses import plot_study_courses
from jaxsim.plots.study_heat_map import plot_study_heat_map
from jaxsim.plots.study_response import plot_study_response
from jaxsim.plots.study_survival import plot_study_survival
from jaxsim.plots.switching_function import plot_switching_function

__all__ = [
    "plot",
    "plot_coupling",
    "plot_dose_response",
    "plot_fates",
    "plot_inhibitor_interval",
    "plot_landscape",
    "plot_lysis",
    "plot_onsets",
    "plot_organism_arms",
    "plot_organism_courses",
    "plot_organism_decomposition",
    "plot_organism_headline",
    "plot_organism_ladder",
    "plot_organism_sensitivity",
    "plot_organism_verdicts",
    "plot_regimen_courses",
    "plot_release",
    "plot_study_courses",
    "plot_study_heat_map",
    "plot_study_response",
    "plot_study_survival",
    "plot_switching_function",
    "plot_when_to_block",
]
