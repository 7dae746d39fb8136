"""Dosing: doses, dispositions, schedules and the timeline a kernel reads."""

from jaxsim.dosing.disposition import Disposition
from jaxsim.dosing.entries import Dose, Set
from jaxsim.dosing.one_compartment import OneCompartment
from jaxsim.dosing.schedule import Schedule, every
from jaxsim.dosing.superposition import area_under_curve, concentration
from jaxsim.dosing.timeline import Timeline, build_timeline, input_values
from jaxsim.dosing.two_compartment import TwoCompartment

__all__ = [
    "Disposition",
    "Dose",
    "OneCompartment",
    "Schedule",
    "Set",
    "Timeline",
    "TwoCompartment",
    "area_under_curve",
    "build_timeline",
    "concentration",
    "every",
    "input_values",
]
