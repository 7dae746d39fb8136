"""Random numbers as pure functions: counter-based streams, samplers by inversion, laws of variability."""

from jaxsim.random.binomial import binomial
from jaxsim.random.distributions import Bernoulli, Lognormal, Normal, Poisson, Uniform
from jaxsim.random.draws import bernoulli, draw_from, lognormal
from jaxsim.random.normal import normal
from jaxsim.random.poisson import poisson
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
from jaxsim.random.trajectory import stream_of, uniform_at, word_at

__all__ = [
    "EFFECTS",
    "EVENTS",
    "INITIAL",
    "PARAMETERS",
    "PURPOSES",
    "Bernoulli",
    "Lognormal",
    "Normal",
    "Poisson",
    "Uniform",
    "bernoulli",
    "binomial",
    "draw_from",
    "exponential",
    "lognormal",
    "normal",
    "poisson",
    "seed_words",
    "stream_of",
    "threefry2x32",
    "trajectory_key",
    "uniform",
    "uniform_at",
    "word_at",
]
