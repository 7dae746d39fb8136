"""Write a network as a readable listing."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from jaxsim.network.printer import to_string, write_number

if TYPE_CHECKING:
    from jaxsim.network.network import Network

MOST_SHOWN = 20


def listing(network: "Network") -> str:
    """Write species, parameters and reactions with rates; long lists are cut and counted.

    Examples
    --------
    >>> from jaxsim.network import Network
    >>> print(listing(Network({"A": 9}, ["A -> , d"], parameters={"d": 0.5}, name="decay")))
    Network 'decay' of 1 species and 1 reaction
      species     A = 9
      parameters  d = 0.5
      reactions
        A -> @ d*A
    """
    structure = network.structure
    label = f" '{network.name}'" if network.name else ""
    count = len(structure.reactions)
    head = f"Network{label} of {len(structure.species)} species and {count} reaction{'' if count == 1 else 's'}"
    observables = (f"{name} = {to_string(value)}" for name, value in structure.observables)
    rows = [
        _row("species", _values(network.initial, {})),
        _row("parameters", _values(network.parameters, network.units)),
        _row("inputs", _values(network.inputs, {})),
        _row("variables", _values(network.variables, {})),
        *_block("observables", observables, len(structure.observables)),
        *_block("reactions", map(str, structure.reactions), count),
        *_block("events", map(str, structure.events), len(structure.events)),
    ]
    return "\n".join([head, *filter(None, rows)])


def _values(values: Mapping[str, Any], units: Mapping[str, str]) -> list[str]:
    shown = list(values.items())[:MOST_SHOWN]
    texts = [f"{key} = {_value(value)} {units.get(key, '')}".rstrip() for key, value in shown]
    rest = len(values) - len(shown)
    return [*texts, f"and {rest} more"] if rest else texts


def _value(value: Any) -> str:
    return write_number(value) if isinstance(value, float) else repr(value)


def _row(title: str, texts: list[str]) -> str:
    return f"  {title:<10}  {', '.join(texts)}" if texts else ""


def _block(title: str, texts: Iterable[str], count: int) -> list[str]:
    if not count:
        return []
    shown = [f"    {text}" for _, text in zip(range(MOST_SHOWN), texts, strict=False)]
    rest = count - len(shown)
    return [f"  {title}", *shown, *([f"    ... and {rest} more"] if rest else [])]
