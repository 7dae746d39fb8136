"""Dosing: doses, dispositions, schedules and the timeline a kernel reads."""

from .concentration import area_under_curve, concentration
from .disposition import Disposition
from .dose import Dose
from .one_compartment import OneCompartment
from .schedule import Schedule, every
from .set import Set
from .timeline import Timeline, build_timeline, input_values
from .two_compartment import TwoCompartment

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
