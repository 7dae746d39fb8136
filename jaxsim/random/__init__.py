"""Random numbers as pure functions: counter-based streams, and samplers by inversion."""

from jaxsim.random.streams import (
    EFFECTS,
    EVENTS,
    INITIAL,
    PARAMETERS,
    PURPOSES,
    exponential,
    seed_words,
    threefry2x32,
    trajectory_key,
    uniform,
)

__all__ = [
    "EFFECTS",
    "EVENTS",
    "INITIAL",
    "PARAMETERS",
    "PURPOSES",
    "exponential",
    "seed_words",
    "threefry2x32",
    "trajectory_key",
    "uniform",
]
