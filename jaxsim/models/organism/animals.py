"""Virtual animals: the parameters in which the members of an ensemble differ."""

import numpy as np
from jaxtyping import Float

from jaxsim.network import Network, is_distribution
from jaxsim.random import PARAMETERS, seed_words, stream_of, uniform_at
from jaxsim.random.distributions import Lognormal


def virtual_animals(network: Network, number: int, seed: int = 0) -> dict[str, Float[np.ndarray, " animal"]]:
    """Return the sampled parameters of the first `number` trajectories of an ensemble.

    They are those that :func:`jaxsim.simulate` draws for the trajectories of one design point with this seed, so that
    an ensemble of trajectories and a batch of rate equations concern the same animals.

    Parameters
    ----------
    network
        With distributions among its parameters, such as ``organism(virtual=True)``.
    number
        Of animals.
    seed
        From 0 to 2**64 - 1.

    Returns
    -------
    dict
        Parameter name to float64 values.

    Examples
    --------
    >>> from jaxsim.models import organism
    >>> network = organism(virtual=True)
    >>> animals = virtual_animals(network, 500, seed=1)
    >>> found = np.median(animals["damage_exposure"]) / network.parameters["damage_exposure"].median
    >>> sorted(animals)[:2], bool(abs(found - 1) < 0.1)
    (['body_gcsf_gain', 'damage_exposure'], True)
    """
    laws = {name: value for name, value in network.parameters.items() if is_distribution(value)}
    return {name: _draw(law, position, number, seed) for position, (name, law) in enumerate(laws.items())}


def _draw(law: Lognormal, position: int, number: int, seed: int) -> np.ndarray:
    zero = np.uint32(0)
    key = stream_of(seed_words(seed), zero, (zero, zero), np.arange(number, dtype=np.uint32), PARAMETERS)
    return np.asarray(law.sample(uniform_at(key, position)), np.float64)
