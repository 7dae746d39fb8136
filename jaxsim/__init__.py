"""Exact stochastic simulation of reaction networks in JAX: the table of public names.

A name is loaded from its module at first use, so that ``import jaxsim`` is quick and touches no device.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from jaxsim._identity import refuse_robotics_package
from jaxsim._version import __version__

refuse_robotics_package()

if TYPE_CHECKING:  # the same table for type checkers and editors; a test compares the two
    from jaxsim import models as models
    from jaxsim.dosing import Dose as Dose
    from jaxsim.dosing import OneCompartment as OneCompartment
    from jaxsim.dosing import Schedule as Schedule
    from jaxsim.dosing import Set as Set
    from jaxsim.dosing import TwoCompartment as TwoCompartment
    from jaxsim.dosing import concentration as concentration
    from jaxsim.dosing import every as every
    from jaxsim.ensemble import mean_field as mean_field
    from jaxsim.ensemble import replay as replay
    from jaxsim.ensemble import simulate as simulate
    from jaxsim.errors import FormatError as FormatError
    from jaxsim.errors import FormatWarning as FormatWarning
    from jaxsim.errors import JaxsimError as JaxsimError
    from jaxsim.errors import NetworkError as NetworkError
    from jaxsim.errors import NoEffectWarning as NoEffectWarning
    from jaxsim.errors import ScheduleError as ScheduleError
    from jaxsim.errors import SimulationError as SimulationError
    from jaxsim.errors import SimulationWarning as SimulationWarning
    from jaxsim.errors import StudyError as StudyError
    from jaxsim.estimation import Estimate as Estimate
    from jaxsim.estimation import estimate as estimate
    from jaxsim.formats import read as read
    from jaxsim.formats import write as write
    from jaxsim.gradient import Objective as Objective
    from jaxsim.gradient import RareProbability as RareProbability
    from jaxsim.gradient import auc as auc
    from jaxsim.gradient import check_gradient as check_gradient
    from jaxsim.gradient import cvar as cvar
    from jaxsim.gradient import gradient as gradient
    from jaxsim.gradient import maximum as maximum
    from jaxsim.gradient import mean as mean
    from jaxsim.gradient import mean_log10 as mean_log10
    from jaxsim.gradient import minimum as minimum
    from jaxsim.gradient import probability as probability
    from jaxsim.gradient import quantile as quantile
    from jaxsim.gradient import rare_probability as rare_probability
    from jaxsim.gradient import switching_function as switching_function
    from jaxsim.gradient import time_above as time_above
    from jaxsim.gradient import time_below as time_below
    from jaxsim.gradient import variance as variance
    from jaxsim.network import Event as Event
    from jaxsim.network import Network as Network
    from jaxsim.network import Parameter as Parameter
    from jaxsim.network import Reaction as Reaction
    from jaxsim.network import quasi_steady as quasi_steady
    from jaxsim.optimise import Optimum as Optimum
    from jaxsim.optimise import free as free
    from jaxsim.optimise import optimise as optimise
    from jaxsim.plots import plot as plot
    from jaxsim.random import Bernoulli as Bernoulli
    from jaxsim.random import Lognormal as Lognormal
    from jaxsim.random import Normal as Normal
    from jaxsim.random import Poisson as Poisson
    from jaxsim.random import Uniform as Uniform
    from jaxsim.study import open_study as open_study
    from jaxsim.study import resume_study as resume_study
    from jaxsim.study import run_study as run_study

_TABLE = {
    "Network": "jaxsim.network",
    "Reaction": "jaxsim.network",
    "Parameter": "jaxsim.network",
    "Event": "jaxsim.network",
    "quasi_steady": "jaxsim.network",
    "Schedule": "jaxsim.dosing",
    "Dose": "jaxsim.dosing",
    "Set": "jaxsim.dosing",
    "OneCompartment": "jaxsim.dosing",
    "TwoCompartment": "jaxsim.dosing",
    "every": "jaxsim.dosing",
    "concentration": "jaxsim.dosing",
    "Lognormal": "jaxsim.random",
    "Normal": "jaxsim.random",
    "Uniform": "jaxsim.random",
    "Bernoulli": "jaxsim.random",
    "Poisson": "jaxsim.random",
    "simulate": "jaxsim.ensemble",
    "mean_field": "jaxsim.ensemble",
    "replay": "jaxsim.ensemble",
    "Estimate": "jaxsim.estimation",
    "estimate": "jaxsim.estimation",
    "gradient": "jaxsim.gradient",
    "check_gradient": "jaxsim.gradient",
    "switching_function": "jaxsim.gradient",
    "Objective": "jaxsim.gradient",
    "RareProbability": "jaxsim.gradient",
    "auc": "jaxsim.gradient",
    "cvar": "jaxsim.gradient",
    "maximum": "jaxsim.gradient",
    "mean": "jaxsim.gradient",
    "mean_log10": "jaxsim.gradient",
    "minimum": "jaxsim.gradient",
    "probability": "jaxsim.gradient",
    "quantile": "jaxsim.gradient",
    "rare_probability": "jaxsim.gradient",
    "time_above": "jaxsim.gradient",
    "time_below": "jaxsim.gradient",
    "variance": "jaxsim.gradient",
    "optimise": "jaxsim.optimise",
    "free": "jaxsim.optimise",
    "Optimum": "jaxsim.optimise",
    "plot": "jaxsim.plots",
    "run_study": "jaxsim.study",
    "resume_study": "jaxsim.study",
    "open_study": "jaxsim.study",
    "read": "jaxsim.formats",
    "write": "jaxsim.formats",
    "FormatError": "jaxsim.errors",
    "FormatWarning": "jaxsim.errors",
    "JaxsimError": "jaxsim.errors",
    "NetworkError": "jaxsim.errors",
    "NoEffectWarning": "jaxsim.errors",
    "ScheduleError": "jaxsim.errors",
    "SimulationError": "jaxsim.errors",
    "SimulationWarning": "jaxsim.errors",
    "StudyError": "jaxsim.errors",
}

_MODULES = ("models",)  # reached as attributes: jaxsim.models.cell()

__all__ = ["__version__", *_TABLE, *_MODULES]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(f"jaxsim.{name}")
    if name not in _TABLE:
        raise AttributeError(f"module 'jaxsim' has no attribute '{name}'")
    value = getattr(import_module(_TABLE[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*__all__, *(name for name in globals() if name.startswith("__"))})
