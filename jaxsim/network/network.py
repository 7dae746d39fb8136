"""The Network: species, parameters, reactions and observables with their values."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import jax

from jaxsim._html import block, html_table, line
from jaxsim.errors import NetworkError, closest, naming_closest_keyword
from jaxsim.network.event import Event
from jaxsim.network.expression import to_string, write_number
from jaxsim.network.parameter import (
    Parameter,
    checked_count,
    checked_input,
    checked_value,
    checked_variable,
    common_time_unit,
)
from jaxsim.network.reaction import Reaction
from jaxsim.network.structure import Structure, build_structure

# Write a network as a readable listing.

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
    return html_table(title, head, [*rows[:MOST_SHOWN], *([(f"and {rest} more",)] if rest > 0 else [])])


def _head(network: "Network") -> str:
    label = f" '{network.name}'" if network.name else ""
    count = len(network.reactions)
    return f"Network{label} of {len(network.species)} species and {count} reaction{'' if count == 1 else 's'}"


def _values(values: Mapping[str, Any], units: Mapping[str, str]) -> list[str]:
    shown = list(values.items())[:MOST_SHOWN]
    texts = [f"{key} = {_value(value)} {units.get(key, '')}".rstrip() for key, value in shown]
    rest = len(values) - len(shown)
    return [*texts, f"and {rest} more"] if rest else texts


def _value(value: float | int) -> str:
    return write_number(value) if isinstance(value, float) else repr(value)


def _row(title: str, texts: list[str]) -> str:
    return f"  {title:<10}  {', '.join(texts)}" if texts else ""


def _block(title: str, texts: Iterable[str], count: int) -> list[str]:
    if not count:
        return []
    shown = [f"    {text}" for _, text in zip(range(MOST_SHOWN), texts, strict=False)]
    rest = count - len(shown)
    return [f"  {title}", *shown, *([f"    ... and {rest} more"] if rest else [])]


class _Parts(NamedTuple):
    """What a network holds."""

    structure: Structure
    parameters: dict[str, Any]
    initial: dict[str, Any]
    inputs: dict[str, Any]
    variables: dict[str, Any]
    units: tuple[tuple[str, str], ...]
    descriptions: tuple[tuple[str, str], ...]
    name: str


class Network:
    """A reaction network: an immutable pytree of values over a static structure.

    Parameters
    ----------
    species
        Initial count (an integer from 0 on, in molecules) of each species, or a distribution over
        trajectories.
    reactions
        Text such as ``"S + I -> 2 I @ beta*S*I/N"`` (see :func:`parse_reaction`) or Reaction objects.
    parameters
        Numbers, Parameter objects with units, or distributions over trajectories.
    observables
        Named expressions of species and parameters, which rates may use.
    inputs
        Named functions of time, such as drug concentrations: a number or a disposition object.
    events
        Assignments triggered by the state or the time.
    name
        For listings.
    variables
        Initial value of each real-valued quantity that events or effects set: not a count, and changed by
        nothing else. Rates and triggers may read them.

    Raises
    ------
    NetworkError
        If the network does not make sense; the message names the offending reaction or name.

    Notes
    -----
    The leaves are parameter values, initial counts and what the inputs hold, so ``jax.grad`` and
    ``jax.vmap`` see through a network. Networks of equal structure share compiled programs.

    Examples
    --------
    >>> Network(
    ...     species={"S": 990, "I": 10, "R": 0},
    ...     parameters={"beta": 0.3, "gamma": 0.1},
    ...     reactions=["S + I -> 2 I @ beta*S*I/1000", "I -> R @ gamma*I"],
    ... )
    Network of 3 species and 2 reactions
      species     S = 990, I = 10, R = 0
      parameters  beta = 0.3, gamma = 0.1
      reactions
        S + I -> 2 I @ beta*S*I/1000
        I -> R @ gamma*I
    """

    __slots__ = ("__weakref__", "_parts")
    _parts: "_Parts"

    @naming_closest_keyword
    def __init__(
        self,
        species: Mapping[str, Any],
        reactions: Iterable[Any],
        parameters: Mapping[str, Any] | None = None,
        observables: Mapping[str, Any] | None = None,
        inputs: Mapping[str, Any] | None = None,
        events: Iterable[Any] = (),
        name: str = "",
        variables: Mapping[str, Any] | None = None,
    ) -> None:
        _refuse_list("species", species, "{'S': 990}")
        _refuse_list("parameters", parameters or {}, "{'k': 0.1}")
        given = {key: _as_parameter(value) for key, value in dict(parameters or {}).items()}
        inputs, variables = dict(inputs or {}), dict(variables or {})
        parts = _Parts(
            build_structure(
                tuple(species),
                tuple(given),
                reactions,
                dict(observables or {}),
                tuple(inputs),
                events,
                tuple(variables),
            ),
            {key: checked_value(item.value, f"parameter '{key}'") for key, item in given.items()},
            {key: checked_count(value, f"species '{key}'") for key, value in species.items()},
            {key: checked_input(value, f"input '{key}'") for key, value in inputs.items()},
            {key: checked_variable(value, f"variable '{key}'") for key, value in variables.items()},
            tuple((key, item.unit) for key, item in given.items() if item.unit),
            tuple((key, item.description) for key, item in given.items() if item.description),
            name,
        )
        object.__setattr__(self, "_parts", parts)

    def __setattr__(self, attribute: str, value: Any) -> None:
        raise AttributeError(f"a Network is immutable; use with_parameters or with_initial, not '{attribute} = ...'")

    def __delattr__(self, attribute: str) -> None:
        raise AttributeError("a Network is immutable")

    @property
    def structure(self) -> Structure:
        """The static part: names, reactions, events."""
        return self._parts.structure

    @property
    def name(self) -> str:
        """The label given at construction."""
        return self._parts.name

    @property
    def species(self) -> Mapping[str, Any]:
        """Initial count of each species by name, as in the constructor; read-only."""
        return self.initial

    @property
    def reactions(self) -> tuple[Reaction, ...]:
        """The reactions, in order."""
        return self._parts.structure.reactions

    @property
    def observables(self) -> Mapping[str, str]:
        """Expression of each observable, as text; read-only."""
        return MappingProxyType({key: to_string(value) for key, value in self._parts.structure.observables})

    @property
    def events(self) -> tuple[Event, ...]:
        """The events, in order."""
        return self._parts.structure.events

    @property
    def initial(self) -> Mapping[str, Any]:
        """Initial count of each species, in molecules; read-only."""
        return MappingProxyType(self._parts.initial)

    @property
    def parameters(self) -> Mapping[str, Any]:
        """Value of each parameter, in its own unit; read-only."""
        return MappingProxyType(self._parts.parameters)

    @property
    def inputs(self) -> Mapping[str, Any]:
        """What drives each named function of time; read-only."""
        return MappingProxyType(self._parts.inputs)

    @property
    def variables(self) -> Mapping[str, Any]:
        """Initial value of each real-valued quantity that events set; read-only."""
        return MappingProxyType(self._parts.variables)

    @property
    def units(self) -> Mapping[str, str]:
        """Unit of each parameter that has one; read-only."""
        return MappingProxyType(dict(self._parts.units))

    @property
    def time_unit(self) -> str:
        """Unit of time, if the units of the rates name one and the same, as ``1/h`` and ``L/h/kg`` do; else empty.

        Examples
        --------
        >>> Network({"A": 9}, ["A -> , d"], parameters={"d": Parameter(1.0, "1/h")}).time_unit
        'h'
        """
        return common_time_unit(self.units.values())

    @property
    def descriptions(self) -> Mapping[str, str]:
        """Description of each parameter that has one; read-only."""
        return MappingProxyType(dict(self._parts.descriptions))

    def with_parameters(self, **values: Any) -> "Network":
        """Return a network with some parameter values replaced; the structure is shared.

        Examples
        --------
        >>> net = Network({"A": 9}, ["A -> , d"], parameters={"d": 1.0})
        >>> net.with_parameters(d=2.0).parameters["d"]
        2.0
        """
        for key in values:
            _require_known(key, self._parts.parameters, "parameter")
        new = {key: checked_value(value, f"parameter '{key}'") for key, value in values.items()}
        return _build(self._parts._replace(parameters={**self._parts.parameters, **new}))

    def with_initial(self, **values: Any) -> "Network":
        """Return a network with some initial counts replaced; the structure is shared.

        Examples
        --------
        >>> Network({"A": 9}, ["A -> , 1"]).with_initial(A=3).initial["A"]
        3
        """
        for key in values:
            _require_known(key, self._parts.initial, "species")
        new = {key: checked_count(value, f"species '{key}'") for key, value in values.items()}
        return _build(self._parts._replace(initial={**self._parts.initial, **new}))

    def with_observables(self, **expressions: Any) -> "Network":
        """Return a network with more observables, or with others under the same names.

        Examples
        --------
        >>> net = Network({"A": 9}, ["A -> , 1"]).with_observables(twice="2*A")
        >>> [name for name, _ in net.structure.observables]
        ['twice']
        """
        old = self._parts.structure
        structure = build_structure(
            old.species,
            old.parameters,
            old.reactions,
            {**dict(old.observables), **expressions},
            old.inputs,
            old.events,
            old.variables,
        )
        return _build(self._parts._replace(structure=structure))

    def __reduce__(self) -> tuple[Any, ...]:
        return _build, (self._parts,)

    def __repr__(self) -> str:
        return listing(self)

    def _repr_html_(self) -> str:
        return html_listing(self)


def _build(parts: _Parts) -> Network:
    """Make a network of parts that were checked before or are traced."""
    network = object.__new__(Network)
    object.__setattr__(network, "_parts", parts)
    return network


def _refuse_list(kind: str, given: Any, example: str) -> None:
    """Refuse names without values."""
    if not isinstance(given, Mapping):
        raise NetworkError(f"{kind} are a {type(given).__name__}; give a dictionary of values, as in {kind}={example}")


def _as_parameter(value: Any) -> Parameter:
    return value if isinstance(value, Parameter) else Parameter(value)


def _require_known(name: str, known: Mapping[str, Any], kind: str) -> None:
    if name not in known:
        raise NetworkError(f"the network has no {kind} '{name}'{closest(name, known)}")


def _flatten_with_keys(network: Network) -> tuple[Any, Any]:
    parts = network._parts
    children = [
        (jax.tree_util.GetAttrKey(f"{group}['{key}']"), value)
        for group in ("parameters", "initial", "inputs", "variables")
        for key, value in getattr(parts, group).items()
    ]
    return children, (parts.structure, parts.units, parts.descriptions, parts.name)


def _unflatten(auxiliary: tuple[Any, ...], children: Any) -> Network:
    structure, units, descriptions, name = auxiliary
    values = iter(children)
    # In the order of the structure, which jax's own handling of dictionaries would not keep.
    groups = (structure.parameters, structure.species, structure.inputs, structure.variables)
    parameters, initial, inputs, variables = ({key: next(values) for key in keys} for keys in groups)
    return _build(_Parts(structure, parameters, initial, inputs, variables, units, descriptions, name))


jax.tree_util.register_pytree_with_keys(Network, _flatten_with_keys, _unflatten)
