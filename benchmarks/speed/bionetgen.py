"""Large networks in BioNetGen's .net format as cases, where JAXSIM_NETWORKS names the folder that holds them.

multistate, multisite2 and egfr_net are those of the benchmarks of Catalyst (Loman et al., PLOS Comput Biol 19 (2023)
e1011530), in the repository SciML/Catalyst_PLOS_COMPBIO_2023.
"""

import math
import os
from pathlib import Path

from benchmarks.speed.cases import Case, Step

TIMES = {"multistate": (10.0, 1.9e4), "multisite2": (0.2, 1.4e4), "egfr_net": (0.2, 5.5e4)}  # end, events


def names() -> list[str]:
    """The networks that are there."""
    return [name for name in TIMES if _path(name).is_file()]


def _path(name: str) -> Path:
    return Path(os.environ.get("JAXSIM_NETWORKS", "")) / f"{name}.net"


def read(name: str) -> Case:
    """Read a network of mass action; its species are numbered, since peers restrict names."""
    import jaxsim as js
    from jaxsim.kernels.rates import as_mass_action
    from jaxsim.network import evaluate

    path = _path(name)
    network = js.read(path)
    number = {species: f"S{i}" for i, species in enumerate(network.structure.species)}
    steps = []
    for reaction in network.structure.reactions:
        form = as_mass_action(reaction.rate, frozenset(number))
        if form is None:
            raise ValueError(f"{path}: {reaction} is not of mass action up to second order")
        rate = math.prod(float(evaluate(factor, network.parameters)) for factor in form.constants)
        sides = [
            " + ".join(number[s] for s, n in side for _ in range(n)) for side in (reaction.reactants, reaction.products)
        ]
        steps.append(Step(" -> ".join(sides), rate))
    initial = {number[species]: int(count) for species, count in network.initial.items()}
    time, events = TIMES[name]
    moving = max(number.values(), key=lambda s: sum(abs(step.change.get(s, 0)) for step in steps))
    return Case(name, initial, tuple(steps), time, moving, events=events)
