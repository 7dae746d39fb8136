"""Report on a model file: what it becomes, how its rates vary, what is conserved, and all that is refused."""

import numpy as np

from jaxsim.formats.reading import Reading
from jaxsim.network import Network, conservation_laws, rate_class, to_string
from jaxsim.network.expression import write_number

MOST_SPECIES_FOR_LAWS = 500  # above it exact elimination takes long


def report(reading: Reading) -> str:
    """Return the report as text.

    Examples
    --------
    >>> net = Network({"A": 9, "B": 0}, ["A -> B, k"], {"k": 1.0})
    >>> print(report(Reading("model.net", net)))
    model.net
    species (2)
      A = 9
      B = 0
    parameters (1)
      k = 1
    reactions (1)
      A -> B @ k*A   [constant]
    conserved (1)
      A + B = 9
    refused: nothing
    """
    parts = [reading.head]
    if reading.network is not None:
        parts += _network(reading.network)
    if reading.names:
        parts += _block("renamed", [f"{old} is called {new}" for old, new in reading.names.items()])
    parts += _block("left out, without effect on the law", list(reading.notes))
    problems = sorted(reading.problems, key=lambda problem: problem.line)
    parts += _block("refused", list(map(str, problems))) if problems else ["refused: nothing"]
    return "\n".join(parts)


def _network(network: Network) -> list[str]:
    structure = network.structure
    classes = rate_class(structure)
    reactions = [f"{reaction}   [{kind}]" for reaction, kind in zip(structure.reactions, classes, strict=True)]
    return [
        *_block("species", [f"{name} = {value}" for name, value in network.initial.items()]),
        *_block("variables", [f"{name} = {_text(value)}" for name, value in network.variables.items()]),
        *_block("parameters", [f"{name} = {_text(value)}" for name, value in network.parameters.items()]),
        *_block("observables", [f"{name} = {to_string(value)}"[:400] for name, value in structure.observables]),
        *_block("reactions", reactions),
        *_block("events", list(map(str, structure.events))),
        *_block("conserved", _laws(network)),
    ]


def _laws(network: Network) -> list[str]:
    structure = network.structure
    if len(structure.species) > MOST_SPECIES_FOR_LAWS:
        return []
    start = np.array([float(network.initial[name]) for name in structure.species])
    lines = []
    for law in conservation_laws(structure):
        terms = [
            f"{'- ' if weight < 0 else '+ '}{'' if abs(weight) == 1 else f'{abs(weight)} '}{name}"
            for weight, name in zip(law.tolist(), structure.species, strict=True)
            if weight
        ]
        text = " ".join(terms).removeprefix("+ ")
        lines.append(f"{text} = {write_number(float(law @ start))}")
    return lines


def _text(value: object) -> str:
    return write_number(value) if isinstance(value, float) else str(value)


def _block(title: str, lines: list[str]) -> list[str]:
    return [f"{title} ({len(lines)})", *(f"  {line}" for line in lines)] if lines else []
