"""One file per simulator, all with the same verbs in the same order.

``available()``
    Raise `Unsupported`, with the remedy, where the simulator cannot be loaded.
``prepare(case)``
    Build and compile the case, and return ``run``; raise `Unsupported` if the simulator cannot do it.
``run(n, seed)``
    Simulate `n` trajectories and return an `Outcome`. `n` is a multiple of ``run.batch``.

``OWN_THREADS`` says whether one call uses every core by itself; the others are run once per core.
"""

from dataclasses import dataclass

import numpy as np


class Unsupported(Exception):
    """A simulator that is not here, or a case it cannot do; the message says which and what would help."""


@dataclass(frozen=True)
class Outcome:
    """What a run yields: the observable's law at the end, and how many reactions fired if the simulator counts them."""

    trajectories: int
    mean: float
    variance: float
    kurtosis: float | None = None  # fourth central moment over the squared variance, where end states are at hand
    events: int | None = None
    compile_seconds: float = 0.0  # time spent compiling inside the call, where the simulator tells


def outcome(ends: np.ndarray, events: int | None = None) -> Outcome:
    """Summarise end states of the observable, one per trajectory."""
    x = np.asarray(ends, np.float64)
    centred = x - x.mean()
    variance = float(np.mean(centred**2))
    kurtosis = float(np.mean(centred**4) / variance**2) if variance > 0 else None
    unbiased = variance * x.size / max(x.size - 1, 1)
    return Outcome(x.size, float(x.mean()), unbiased, kurtosis, events)


PEERS = (
    "jaxsim_direct",
    "numba_special",
    "numba_graph",
    "rebop",
    "gillespy2",
    "copasi",
    "stochastix",
    "crn_jax",
    "jumpax",
    "cpp_scalar",
)
