"""A network with every distribution at its median: where a method looks before it is chosen or its step set."""

from typing import Any

from jaxsim.ensemble.values import median
from jaxsim.network import Network, is_distribution


def typical_network(network: Network) -> Network:
    """Return the network with parameters and initial counts at their medians.

    Examples
    --------
    >>> import jaxsim as js
    >>> net = js.Network({"X": js.Poisson(7.0)}, ["X -> , d"], {"d": js.Lognormal(0.5, 1.0)})
    >>> typical_network(net).initial["X"], round(typical_network(net).parameters["d"], 6)
    (7, 0.5)
    """
    parameters, initial = _medians(network.parameters), _medians(network.initial)
    return network.with_parameters(**parameters).with_initial(**{k: round(v) for k, v in initial.items()})


def _medians(values: Any) -> dict[str, float]:
    drawn = {name: value for name, value in values.items() if is_distribution(value)}
    return {name: median(value) for name, value in drawn.items()}
