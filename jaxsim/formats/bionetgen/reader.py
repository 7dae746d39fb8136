"""Read a .net file: parameters, functions, species, reactions and groups, in pure Python."""

import re
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import NamedTuple

from jaxsim.errors import ExpressionError, NetworkError
from jaxsim.formats.bionetgen.formulas import NAME, RATE_LAWS, UNSUPPORTED, Formulas, constant, elementary
from jaxsim.formats.names import Identifiers, start_refusal, whole_start
from jaxsim.formats.reading import Problems, Reading
from jaxsim.formats.screening import LARGEST_FILE, read_bytes
from jaxsim.network import Binary, Expression, Name, Network, Number, Reaction

# The blocks of a .net file: ``begin species`` ... ``end species``, as numbered lines without comments.

_BEGIN = re.compile(r"begin\s+([a-z][a-z ]*?)\s*$")
_END = re.compile(r"end\s+([a-z][a-z ]*?)\s*$")
_KNOWN = (
    *("parameters", "functions", "species", "reactions", "groups"),
    # written by BioNetGen beside them, and already contained in them
    *("molecule types", "observables", "reaction rules", "compartments", "energy patterns", "population maps"),
)
LONGEST_LINE = 500_000


class _Line(NamedTuple):
    """One line of a block."""

    number: int
    """In the file, from 1."""
    text: str
    """Without its comment and the spaces around it."""


def split_blocks(text: str, problems: Problems) -> dict[str, list[_Line]]:
    """Return the lines of each block; note blocks that are unknown, nested, doubled or not closed."""
    blocks: dict[str, list[_Line]] = {}
    open_block, began = "", 0
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.partition("#")[0].strip()
        if len(line) > LONGEST_LINE:
            problems.add("", f"has a line of {len(line)} characters, more than {LONGEST_LINE}", number)
            continue
        if found := _BEGIN.match(line):
            if open_block:
                problems.add("", f"begins '{found[1]}' inside the block '{open_block}' of line {began}", number)
            open_block, began = found[1], number
            if open_block not in _KNOWN:
                problems.add(f"block '{open_block}'", "is not known", number)
            elif open_block in blocks:
                problems.add(f"block '{open_block}'", "is there twice", number)
            blocks.setdefault(open_block, [])
        elif found := _END.match(line):
            if found[1] != open_block:
                problems.add("", f"ends '{found[1]}', which has not begun", number)
            open_block = ""
        elif line and open_block:
            blocks[open_block].append(_Line(number, line))
    if open_block:
        problems.add(f"block '{open_block}'", "does not end", began)
    return blocks


def without_index(line: _Line) -> str:
    """Return the text after the running number that BioNetGen puts first.

    Examples
    --------
    >>> without_index(_Line(3, "1 kp1   10"))
    'kp1   10'
    """
    first, *rest = line.text.split(maxsplit=1)
    return rest[0] if rest and first.isdigit() else line.text


FUNCTION = re.compile(r"([A-Za-z_]\w*)\s*\(\s*\)\s*=?\s*(.+)")
REACTION = re.compile(r"([\d,]+)\s+([\d,]+)\s+(.+)")
TERM = re.compile(r"(?:([^*\s]+)\*)?(\d+)")
_FIXED = "$"  # before the compartment, the name or a molecule, as the version of BioNetGen has it; in no name
LONGEST_NUMBER = 12  # digits of a species' number


@dataclass
class _Model:
    """What has been read so far."""

    problems: Problems
    formulas: Formulas = field(default_factory=lambda: Formulas(Identifiers()))
    parameters: dict[str, float] = field(default_factory=dict)
    species: list[str] = field(default_factory=list)
    fixed: set[str] = field(default_factory=set)
    beside: dict[str, str] = field(default_factory=dict)
    """Groups with the name of a parameter, and their own in the network."""
    initial: dict[str, int] = field(default_factory=dict)
    observables: dict[str, Expression] = field(default_factory=dict)
    reactions: list[Reaction] = field(default_factory=list)
    rounded: bool = False
    notes: list[str] = field(default_factory=list)


def read_net(path: Path, rounded: bool = False) -> Reading:
    """Read a .net file.

    Raises
    ------
    OSError
        If the file cannot be read; what is wrong with its content is returned in the reading.
    """
    content = read_bytes(path)
    reading = Reading(head=str(path))
    if len(content) > LARGEST_FILE:
        reading.problems.add("", f"has {len(content)} bytes, more than {LARGEST_FILE}")
        return reading
    return read_net_text(content.decode("utf-8", errors="replace"), str(path), rounded)


def read_net_text(text: str, head: str, rounded: bool = False) -> Reading:
    """Read the text of a .net file; `head` begins the sentences about it."""
    problems = Problems()
    blocks = split_blocks(text, problems)
    model = _Model(problems, rounded=rounded)
    if not blocks.get("species"):
        problems.add("", "has no species; is it a .net file that BioNetGen generated?")
    _name_species(model, blocks.get("species", []))
    _declare(model, blocks)
    _parameters(model, blocks.get("parameters", []))
    _species(model, blocks.get("species", []))
    _functions(model, blocks.get("functions", []))
    _groups(model, blocks.get("groups", []))
    for line in blocks.get("reactions", []):
        _reaction(model, line)
    network = None
    if not len(problems):
        try:
            network = Network(model.initial, model.reactions, model.parameters, model.observables, name=Path(head).stem)
        except NetworkError as error:
            problems.add("", str(error))
    renamed = {name: new for name, new in model.formulas.names.items() if name != new}
    return Reading(head=head, network=network, problems=problems, notes=model.notes, names=renamed)


def _declare(model: _Model, blocks: dict[str, list[_Line]]) -> None:
    """Give names to parameters, functions and groups before any formula is read."""
    parameters = [(without_index(line).split(maxsplit=1)[0], line) for line in blocks.get("parameters", [])]
    for name, line in parameters:
        _new(model, f"parameter '{name}'", name, line)
    for line in blocks.get("groups", []):
        name, *rest = without_index(line).split(maxsplit=1)
        alone = rest[0].strip() if rest else ""
        if name not in model.formulas.names and name == _species_at(model, alone):
            model.formulas.names[name] = name  # a group of nothing but the species of its own name
            continue
        if name in dict(parameters) and name not in model.beside and NAME.fullmatch(name):
            model.beside[name] = model.formulas.identifiers.name(name)
            model.notes.append(f"group '{name}' has the name of a parameter and is called {model.beside[name]}")
            continue
        _new(model, f"group '{name}'", name, line)
    for line in blocks.get("functions", []):
        if found := FUNCTION.match(without_index(line)):
            _new(model, f"function '{found[1]}'", found[1], line)


def _species_at(model: _Model, text: str) -> str:
    """Return the species of a number written as text, an empty name if there is none."""
    index = int(text) if text.isdecimal() and len(text) < LONGEST_NUMBER else 0
    return model.species[index - 1] if 1 <= index <= len(model.species) else ""


def _new(model: _Model, place: str, name: str, line: _Line) -> None:
    if not NAME.fullmatch(name):
        model.problems.add(place, "has no name made of letters, digits and '_'", line.number)
    elif name in model.formulas.names:
        model.problems.add(place, "has the name of another parameter, function or group", line.number)
    else:
        model.formulas.declare(name)


def _parameters(model: _Model, lines: list[_Line]) -> None:
    """Compute every parameter once those that it reads are known."""
    texts: dict[str, tuple[str, _Line]] = {}
    for line in lines:
        name, *rest = without_index(line).split(maxsplit=1)
        text = rest[0] if rest else ""
        texts[name] = text, line
        if not text:
            model.problems.add(f"parameter '{name}'", "has no value", line.number)
    sorter = TopologicalSorter({n: [m for m in NAME.findall(t) if m in texts] for n, (t, _) in texts.items()})
    try:
        order = list(sorter.static_order())
    except CycleError as error:
        cycle = "', '".join(dict.fromkeys(error.args[1]))
        model.problems.add("", f"the parameters '{cycle}' read each other in a circle; break it")
        return
    for name in order:
        text, line = texts[name]
        if not text or name not in model.formulas.names:
            continue
        try:
            value = constant(model.formulas.read(text, model.parameters), model.parameters)
            model.parameters[model.formulas.names[name]] = value
        except ExpressionError as error:
            model.problems.add(f"parameter '{name}'", str(error), line.number)


def _name_species(model: _Model, lines: list[_Line]) -> None:
    """Name the species first, so that they keep their names where a group is called like one."""
    for line in lines:
        pattern = [*line.text.split(maxsplit=2), ""][1]
        name = model.formulas.identifiers.name(pattern.replace(_FIXED, "").lstrip("@").replace("()", ""))
        model.species.append(name)
        if _FIXED in pattern:
            model.fixed.add(name)


def _species(model: _Model, lines: list[_Line]) -> None:
    for expected, line in enumerate(lines, 1):
        number, *rest = line.text.split(maxsplit=2)
        if number != str(expected) or len(rest) != 2:
            model.problems.add("a species", "needs its number in sequence, its pattern and its amount", line.number)
            continue
        pattern, amount = rest
        name = model.species[expected - 1]
        try:
            value = constant(model.formulas.read(amount, model.parameters), model.parameters)
        except ExpressionError as error:
            model.problems.add(f"species '{pattern}'", str(error), line.number)
            continue
        count = whole_start(value, model.rounded)
        if count is None:
            model.problems.add(f"species '{pattern}'", start_refusal(value), line.number)
        else:
            model.initial[name] = count
            if count != value:
                model.notes.append(f"species '{pattern}' starts at {value:g} and is rounded to {count}")


def _functions(model: _Model, lines: list[_Line]) -> None:
    for line in lines:
        found = FUNCTION.match(without_index(line))
        if not found:
            model.problems.add("a function", "is not of the form 'name() expression'", line.number)
            continue
        for name in model.beside.keys() & set(NAME.findall(found[2])):
            why = f"reads '{name}', which is both a parameter and a group; rename one of the two"
            model.problems.add(f"function '{found[1]}'", why, line.number)
        try:
            model.observables[model.formulas.names[found[1]]] = model.formulas.read(found[2], model.parameters)
        except (ExpressionError, KeyError) as error:
            model.problems.add(f"function '{found[1]}'", str(error), line.number)


def _groups(model: _Model, lines: list[_Line]) -> None:
    for line in lines:
        name, *rest = without_index(line).split(maxsplit=1)
        total: Expression | None = None
        for text in rest[0].split(",") if rest else []:
            term = TERM.fullmatch(text.strip())
            species = _species_at(model, term[2]) if term else ""
            if term is None or not species:
                why = f"has the term '{text.strip():.40}', which names no species"
                model.problems.add(f"group '{name}'", why, line.number)
                continue
            part: Expression = Name(species)
            if term[1]:
                part = _weighted(model, name, term[1], part, line)
            total = part if total is None else Binary("+", total, part)
        own = model.beside.get(name, model.formulas.names.get(name))
        if own is not None and own not in model.species:
            model.observables[own] = Number(0.0) if total is None else total


def _weighted(model: _Model, name: str, weight: str, part: Expression, line: _Line) -> Expression:
    try:
        return Binary("*", Number(constant(model.formulas.read(weight), {})), part)
    except ExpressionError as error:
        model.problems.add(f"group '{name}'", str(error), line.number)
        return part


def _reaction(model: _Model, line: _Line) -> None:
    text = without_index(line)
    place = f"reaction {line.text.split(maxsplit=1)[0]}"
    found = REACTION.fullmatch(text)
    if not found:
        model.problems.add(place, "is not of the form 'reactants products rate'", line.number)
        return
    reactants, products = (_side(model, place, side, line) for side in (found[1], found[2]))
    if reactants is None or products is None:
        return
    try:
        rate = _rate(model, found[3].strip(), reactants)
        model.reactions.append(Reaction(_counted(model, reactants), _counted(model, products), rate))
    except NetworkError as error:
        model.problems.add(place, str(error), line.number)


def _side(model: _Model, place: str, text: str, line: _Line) -> list[str] | None:
    """Return the species of one side, one entry for each molecule; ``0`` is nothing."""
    names = []
    for part in text.split(","):
        index = int(part) if part and len(part) < LONGEST_NUMBER else -1
        if not 0 <= index <= len(model.species):
            model.problems.add(
                place, f"names species '{part:.20}', of which there are {len(model.species)}", line.number
            )
            return None
        if index:
            names.append(model.species[index - 1])
    return names


def _counted(model: _Model, names: list[str]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for name in names:
        if name not in model.fixed:
            counts[name] = counts.get(name, 0) + 1
    return counts


def _rate(model: _Model, text: str, reactants: list[str]) -> Expression:
    first, *arguments = text.split()
    factor, _, law = first.rpartition("*")
    if law in UNSUPPORTED:
        raise ExpressionError(f"has the rate law {law}, which is not supported")
    if law in RATE_LAWS and arguments:
        given = [model.formulas.read(argument.strip('"'), model.parameters) for argument in arguments]
        rate = RATE_LAWS[law](given, reactants)
        return Binary("*", model.formulas.read(factor, model.parameters), rate) if factor else rate
    return elementary(model.formulas.read(text, model.parameters), reactants)
