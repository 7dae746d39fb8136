"""Write a network as a readable listing."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from jaxsim._html import block, line, table
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
    observables = (f"{name} = {to_string(value)}" for name, value in structure.observables)
    rows = [
        _row("species", _values(network.initial, {})),
        _row("parameters", _values(network.parameters, network.units)),
        _row("inputs", _values(network.inputs, {})),
        _row("variables", _values(network.variables, {})),
        *_block("observables", observables, len(structure.observables)),
        *_block("reactions", map(str, structure.reactions), len(structure.reactions)),
        *_block("events", map(str, structure.events), len(structure.events)),
    ]
    return "\n".join([_head(network), *filter(None, rows)])


def html_listing(network: "Network") -> str:
    """Write the same as tables for a notebook.

    Examples
    --------
    >>> from jaxsim.network import Network
    >>> "0.5" in html_listing(Network({"A": 9}, ["A -> , d"], parameters={"d": 0.5}))
    True
    """
    units, descriptions = network.units, network.descriptions
    parameters = (
        (key, _value(value), units.get(key, ""), descriptions.get(key, "")) for key, value in network.parameters.items()
    )
    named = (
        ("species", network.initial, "count"),
        ("inputs", network.inputs, "value"),
        ("variables", network.variables, "value"),
    )
    return block(
        line(_head(network)),
        *(_table(title, ("name", last), [(k, _value(v)) for k, v in values.items()]) for title, values, last in named),
        _table("parameters", ("name", "value", "unit", "description"), list(parameters)),
        _table("observables", ("name", "expression"), list(network.observables.items())),
        _table("reactions", ("reaction",), [(str(reaction),) for reaction in network.reactions]),
        _table("events", ("event",), [(str(event),) for event in network.events]),
    )


def _table(title: str, head: tuple[str, ...], rows: list[tuple[Any, ...]]) -> str:
    """Write a table, cut and counted like the lists in text."""
    rest = len(rows) - MOST_SHOWN
    return table(title, head, [*rows[:MOST_SHOWN], *([(f"and {rest} more",)] if rest > 0 else [])])


def _head(network: "Network") -> str:
    label = f" '{network.name}'" if network.name else ""
    count = len(network.reactions)
    return f"Network{label} of {len(network.species)} species and {count} reaction{'' if count == 1 else 's'}"


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
