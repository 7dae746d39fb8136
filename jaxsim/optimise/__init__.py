"""The best times, amounts and durations of doses: ``js.optimise(network, schedule, maximise=..., subject_to=[...])``.

A schedule holds ``js.free(low, high, start=...)`` where a number is to be chosen; comparing an objective with a number
makes a limit. The search is in two stages (`scout`, `refine`; `polish`), its result comes with paired gains on fresh
trajectories and a certificate.
"""

import sys
import types
from typing import Any

from jaxsim.optimise.optimise import optimise
from jaxsim.optimise.optimum import Certificate, Gain, Optimum, Ranking
from jaxsim.optimise.trial import Trial
from jaxsim.optimise.unknown import Unknown, free

__all__ = ["Certificate", "Gain", "Optimum", "Ranking", "Trial", "Unknown", "free", "optimise"]


class _CallablePackage(types.ModuleType):
    """The package under its own name is the function: ``js.optimise(...)`` and ``jaxsim.optimise.free`` both work."""

    def __call__(self, *given: Any, **named: Any) -> Any:
        return optimise(*given, **named)


sys.modules[__name__].__class__ = _CallablePackage
