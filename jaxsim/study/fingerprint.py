"""A digest of a network, by which a changed model is noticed."""

import hashlib

import jax
import numpy as np

from jaxsim.network import Network


def fingerprint(network: Network) -> str:
    """Return a digest of structure and values.

    Examples
    --------
    >>> net = Network({"X": 0}, ["-> X, k"], {"k": 1.0})
    >>> fingerprint(net) == fingerprint(net.with_parameters(k=1.0)) != fingerprint(net.with_parameters(k=2.0))
    True
    """
    structure = network.structure
    parts = [
        repr(structure.species), repr(structure.parameters), "\n".join(map(str, structure.reactions)),
        repr(structure.observables), repr(structure.inputs), repr(structure.events),
        repr(sorted(f"{name}={value!r}" for name, value in network.initial.items())),
        repr(sorted(f"{name}={value!r}" for name, value in network.parameters.items())),
        repr(sorted(f"{name}={value!r}" for name, value in network.variables.items())),
    ]  # fmt: skip
    found = hashlib.sha256("\n".join(parts).encode())
    for leaf in jax.tree.leaves(dict(network.inputs)):
        found.update(np.asarray(leaf, np.float64).tobytes())
    return found.hexdigest()[:32]
