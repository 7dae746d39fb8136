"""Write a network as SBML Level 3 Version 2, or refuse by name what SBML cannot say."""

import re
from collections.abc import Callable, Iterator
from functools import reduce
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from jaxsim.formats.names import Identifiers, is_whole
from jaxsim.formats.reading import Problems
from jaxsim.formats.sbml.mathml import DISTRIBUTIONS, INFINITE
from jaxsim.network import (
    Binary,
    Call,
    Compare,
    Event,
    Expression,
    FallingFactorial,
    Logic,
    Name,
    Network,
    Number,
    Reaction,
    Unary,
    is_distribution,
    names,
)
from jaxsim.network.expression import fold
from jaxsim.network.functions import is_random

# Our expression tree as MathML text.

NAMESPACE = "http://www.w3.org/1998/Math/MathML"
SYMBOLS = "http://www.sbml.org/sbml/symbols/"
ELEMENTS = {
    "+": "plus",
    "-": "minus",
    "*": "times",
    "/": "divide",
    "^": "power",
    "<": "lt",
    "<=": "leq",
    ">": "gt",
    ">=": "geq",
    "==": "eq",
    "!=": "neq",
    "and": "and",
    "or": "or",
    "exp": "exp",
    "log": "ln",
    "sqrt": "root",
    "sin": "sin",
    "cos": "cos",
    "tan": "tan",
    "asin": "arcsin",
    "acos": "arccos",
    "atan": "arctan",
    "sinh": "sinh",
    "cosh": "cosh",
    "tanh": "tanh",
    "asinh": "arcsinh",
    "acosh": "arccosh",
    "atanh": "arctanh",
    "abs": "abs",
    "min": "min",
    "max": "max",
    "floor": "floor",
    "ceil": "ceiling",
}
DRAWS = {name: kind.lower() for kind, (name, _) in DISTRIBUTIONS.items() if kind != "CHISQUARE"}


def mathml(expression: Expression) -> str:
    """Return the ``math`` element of an expression.

    Examples
    --------
    >>> from jaxsim.network import parse
    >>> mathml(parse("k*A"))
    '<math xmlns="http://www.w3.org/1998/Math/MathML"><apply><times/><ci>k</ci><ci>A</ci></apply></math>'
    """
    return f'<math xmlns="{NAMESPACE}">{fold(expression, _element)}</math>'


def _element(node: Expression, below: list[str]) -> str:
    match node:
        case Number(value):
            return _number(value)
        case Name("t"):
            return f'<csymbol encoding="text" definitionURL="{SYMBOLS}time">t</csymbol>'
        case Name(name):
            return f"<ci>{escape(name)}</ci>"
        case FallingFactorial(name, order):
            factors = [f"<ci>{escape(name)}</ci>"]
            factors += [_apply("minus", factors[0], _number(float(step))) for step in range(1, order)]
            return reduce(lambda left, right: _apply("times", left, right), factors)
        case Unary(op, _):
            return _apply("minus" if op == "-" else "not", *below)
        case Binary(op, _, _) | Compare(op, _, _) | Logic(op, _, _):
            return _apply(ELEMENTS[op], *below)
        case Call(function, _):
            return _call(function, below)
    raise TypeError(f"{type(node).__name__} is not an expression node")


def _call(function: str, below: list[str]) -> str:
    if function in FORMS:
        return FORMS[function](*below)
    if function in DRAWS:
        name = DRAWS[function]
        head = f'<csymbol encoding="text" definitionURL="{SYMBOLS}distrib/{name}">{name}</csymbol>'
        return f"<apply>{head}{''.join(below)}</apply>"
    return _apply(ELEMENTS[function], *below)


def unsaid(expression: Expression) -> set[str]:
    """Return the functions that an expression calls and MathML cannot say.

    Examples
    --------
    >>> unsaid(Call("exp", (Call("a_new_law", (Name("A"),)),)))
    {'a_new_law'}
    """
    called: set[str] = set()

    def visit(node: Expression, _: list[None]) -> None:
        if isinstance(node, Call):
            called.add(node.function)

    fold(expression, visit)
    return called - FORMS.keys() - DRAWS.keys() - ELEMENTS.keys()


def _choice(condition: str, chosen: str, other: str) -> str:
    return f"<piecewise><piece>{chosen}{condition}</piece><otherwise>{other}</otherwise></piecewise>"


def _logarithm_of_ten(x: str) -> str:
    return f"<apply><log/><logbase>{_number(10.0)}</logbase>{x}</apply>"


def _hill(x: str, half: str, exponent: str) -> str:
    power, level = _apply("power", x, exponent), _apply("power", half, exponent)
    return _apply("divide", power, _apply("plus", level, power))


def _michaelis_menten(x: str, fastest: str, half: str) -> str:
    return _apply("divide", _apply("times", fastest, x), _apply("plus", half, x))


FORMS: dict[str, Callable[..., str]] = {  # functions that are no element of MathML
    "if": _choice,
    "log10": _logarithm_of_ten,
    "pow": lambda base, exponent: _apply("power", base, exponent),
    "hill": _hill,
    "michaelis_menten": _michaelis_menten,
}


def _number(value: float) -> str:
    if abs(value) == INFINITE:  # an end of a truncated law at infinity
        return _apply("minus", "<infinity/>") if value < 0 else "<infinity/>"
    text = repr(value)
    if "e" in text:
        mantissa, exponent = text.split("e")
        return f'<cn type="e-notation">{mantissa}<sep/>{int(exponent)}</cn>'
    return f"<cn>{text}</cn>"


def _apply(element: str, *operands: str) -> str:
    return f"<apply><{element}/>{''.join(operands)}</apply>"


COMPARTMENT = "cell"
IDENTIFIER = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<sbml xmlns="http://www.sbml.org/sbml/level3/version2/core" level="3" version="2"{packages}>\n'
)
DISTRIB = ' xmlns:distrib="http://www.sbml.org/sbml/level3/version1/distrib/version1" distrib:required="true"'


def write_sbml(network: Network, path: Path) -> None:
    """Write a network as an SBML file.

    Raises
    ------
    FormatError
        With everything in the network that SBML cannot say, by name.
    OSError
        If the file cannot be written.
    """
    Path(path).write_text(sbml_text(network), encoding="utf-8")


def sbml_text(network: Network) -> str:
    """Return a network as SBML.

    Species are amounts in molecules in a compartment of size 1, rates are kinetic laws in firings per unit time,
    observables are assignment rules, variables are parameters that events set.

    Raises
    ------
    FormatError
        With everything in the network that SBML cannot say, by name.

    Examples
    --------
    >>> text = sbml_text(Network({"A": 9}, ["A -> , d"], parameters={"d": 0.5}))
    >>> "<ci>d</ci><ci>A</ci>" in text
    True
    """
    _refuse(network)
    identifiers = Identifiers()
    structure = network.structure
    identifiers.taken |= {*structure.species, *structure.parameters, *structure.inputs, *structure.variables}
    identifiers.taken |= set(dict(structure.observables))
    compartment = identifiers.name(COMPARTMENT)
    rules = [
        f'<assignmentRule variable="{name}">{mathml(value)}</assignmentRule>' for name, value in structure.observables
    ]
    random = any(is_random(value) for event in structure.events for _, value in event.set)
    parts = [
        _listed("Compartments", [f'<compartment id="{compartment}" spatialDimensions="3" size="1" constant="true"/>']),
        _listed("Species", [_species(name, value, compartment) for name, value in network.initial.items()]),
        _listed("Parameters", _parameters(network)),
        _listed("Rules", rules),
        _listed("Reactions", [_reaction(reaction, network, identifiers) for reaction in structure.reactions]),
        _listed("Events", [_event(event, network, identifiers) for event in structure.events]),
    ]
    name = f" name={quoteattr(network.name)}" if network.name else ""
    units = 'substanceUnits="item" extentUnits="item"'
    body = "\n".join(filter(None, parts))
    return f"{_HEAD.format(packages=DISTRIB if random else '')}<model{name} {units}>\n{body}\n</model>\n</sbml>\n"


def _refuse(network: Network) -> None:
    problems, structure = Problems(), network.structure
    groups = {"parameter": network.parameters, "species": network.initial, "input": network.inputs}
    for kind, values in groups.items():
        for name, value in values.items():
            if is_distribution(value):
                problems.add(f"{kind} '{name}'", "is a distribution over trajectories, which SBML cannot say")
            elif not _is_number(value):
                problems.add(f"{kind} '{name}'", "is driven by doses, which SBML cannot say; give it a number")
    every = [*structure.species, *structure.parameters, *structure.inputs, *structure.variables]
    for name in [*every, *dict(structure.observables)]:
        if not IDENTIFIER.fullmatch(name):
            problems.add(f"'{name}'", "is not made of ASCII letters, digits and '_' alone, as SBML demands; rename it")
    for reaction in structure.reactions:
        if reaction.effects:
            why = "sets species when it fires, and SBML has reactions of constant changes alone"
            problems.add(f"reaction '{reaction}'", why)
    for event in structure.events:
        if event.persistent and event.once and not event.reads_what_it_sets:
            why = "acts once however often it was triggered, which SBML says only of events that read what they set"
            problems.add(f"event '{event}'", why)
    for place, value in _formulas(network):
        for function in sorted(unsaid(value)):
            problems.add(place, f"calls '{function}', which SBML cannot say; write it by other functions")
    problems.refuse("this network cannot be written as SBML")


def _formulas(network: Network) -> Iterator[tuple[str, Expression]]:
    """Give every formula of a network with its place."""
    structure = network.structure
    for reaction in structure.reactions:
        yield f"reaction '{reaction}'", reaction.rate
    for event in structure.events:
        for value in (event.trigger, *(value for _, value in event.set)):
            yield f"event '{event}'", value
    for name, value in structure.observables:
        yield f"observable '{name}'", value


def _is_number(value: Any) -> bool:
    try:
        return bool(float(value) == float(value))
    except TypeError:
        return False


def _species(name: str, value: int, compartment: str) -> str:
    flags = 'hasOnlySubstanceUnits="true" boundaryCondition="false" constant="false"'
    return f'<species id="{name}" compartment="{compartment}" initialAmount="{int(value)}" {flags}/>'


def _parameters(network: Network) -> list[str]:
    constant = {**network.parameters, **network.inputs}
    rows = [f'<parameter id="{n}" value="{float(v)!r}" constant="true"/>' for n, v in constant.items()]
    rows += [f'<parameter id="{n}" value="{float(v)!r}" constant="false"/>' for n, v in network.variables.items()]
    rows += [f'<parameter id="{name}" constant="false"/>' for name, _ in network.structure.observables]
    return rows


def _reaction(reaction: Reaction, network: Network, identifiers: Identifiers) -> str:
    name = identifiers.name(reaction.name or "reaction")
    sides = ""
    for kind, side in (("Reactants", reaction.reactants), ("Products", reaction.products)):
        rows = [f'<speciesReference species="{n}" stoichiometry="{count}" constant="true"/>' for n, count in side]
        sides += _listed(kind, rows)
    read = names(reaction.rate) & set(network.structure.species) - {species for species, _ in reaction.reactants}
    modifiers = [f'<modifierSpeciesReference species="{species}"/>' for species in sorted(read)]
    law = f"<kineticLaw>{mathml(reaction.rate)}</kineticLaw>"
    return f'<reaction id="{name}" reversible="false">{sides}{_listed("Modifiers", modifiers)}{law}</reaction>'


def _event(event: Event, network: Network, identifiers: Identifiers) -> str:
    flags = f'initialValue="{_truth(not event.at_start)}" persistent="{_truth(event.persistent)}"'
    sets = "".join(
        f'<eventAssignment variable="{target}">{mathml(_count(target, value, network))}</eventAssignment>'
        for target, value in event.set
    )
    priority = f'<priority><math xmlns="http://www.w3.org/1998/Math/MathML"><cn>{event.priority}</cn></math></priority>'
    frozen = _truth(event.once and event.persistent)
    head = f'<event id="{identifiers.name(event.name or "event")}" useValuesFromTriggerTime="{frozen}">'
    assignments = f"<listOfEventAssignments>{sets}</listOfEventAssignments>"
    return f"{head}<trigger {flags}>{mathml(event.trigger)}</trigger>{priority}{assignments}</event>"


def _count(target: str, value: Expression, network: Network) -> Expression:
    """Return what an event sets; a count is rounded down, as it is in a network."""
    species = network.structure.species
    return value if target not in species or is_whole(value, species) else Call("floor", (value,))


def _truth(value: bool) -> str:
    return "true" if value else "false"


def _listed(kind: str, items: list[str]) -> str:
    return f"<listOf{kind}>{''.join(items)}</listOf{kind}>" if items else ""
