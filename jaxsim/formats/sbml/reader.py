"""Read SBML: the steps from the document to the network, each of which notes its problems and goes on."""

from pathlib import Path
from typing import Any

from jaxsim.errors import NetworkError
from jaxsim.formats.read import require
from jaxsim.formats.reading import Problems, Reading
from jaxsim.formats.sbml.declare import assign_roles, declare
from jaxsim.formats.sbml.draft import Draft, Quantity, Role
from jaxsim.formats.sbml.events import (
    Planned,
    build_events,
    draw_at_start,
    read_events,
    refuse_conflicts,
    settle_counts,
)
from jaxsim.formats.sbml.reactions import read_reactions
from jaxsim.formats.sbml.rules import (
    mark_sized_at_start,
    observables,
    read_initial_assignments,
    read_rules,
    settle_values,
)
from jaxsim.formats.screening import read_bytes, screen
from jaxsim.network import Expression, Name, Network, Number, names

# Open an SBML file: screened, read by libSBML, and refused where a required package is not supported.

SUPPORTED_PACKAGES = ("distrib", "l3v2extendedmath")
MOST_MESSAGE = 200  # characters of a sentence of libSBML


def open_document(text: bytes, problems: Problems, notes: list[str]) -> Any:
    """Return the document of libSBML, which owns all that is in it, or None after noting why there is no model."""
    unsafe = screen(text)
    if unsafe is not None:
        problems.add(unsafe.place, unsafe.why, unsafe.line)
        return None
    libsbml = require("libsbml", "SBML")
    try:
        document = libsbml.readSBMLFromString(text.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        problems.add("", f"is not UTF-8 text ({error.reason} at byte {error.start})")
        return None
    for i in range(document.getNumErrors()):
        _note_error(document.getError(i), libsbml, problems)
    if document.getModel() is None and not len(problems):
        problems.add("", "holds no SBML model")
    if document.getLevel() == 1:
        problems.add(
            "", "is SBML Level 1; convert it to Level 2 or 3 (for instance by libSBML's setLevelAndVersion)", 2
        )
    _check_packages(document, problems, notes)
    return document if document.getModel() is not None else None


def _note_error(error: Any, libsbml: Any, problems: Problems) -> None:
    if error.getSeverity() < libsbml.LIBSBML_SEV_ERROR:
        return
    message = " ".join(error.getMessage().split()) or error.getShortMessage()
    problems.add("", message[:MOST_MESSAGE], error.getLine())


def _check_packages(document: Any, problems: Problems, notes: list[str]) -> None:
    known = set()
    if document.getLevel() < 3:
        return  # where packages are annotations
    for i in range(document.getNumPlugins()):
        name = document.getPlugin(i).getPackageName()
        known.add(name)
        if name in SUPPORTED_PACKAGES:
            continue
        if document.getPackageRequired(name):
            problems.add("", f"requires the package '{name}', which is not supported", document.getLine())
        else:
            notes.append(f"the package '{name}' is left out; it does not change what the model means")
    for i in range(document.getNumUnknownPackages()):
        prefix = document.getUnknownPackagePrefix(i)
        if prefix not in known:
            problems.add("", f"uses the package '{prefix}', which is not supported", document.getLine())


_EMPTY = "no_counts"  # the species of a network whose quantities are all real


def read_sbml(path: Path, rounded: bool = False, real: bool = False) -> Reading:
    """Read an SBML file of Level 2 or 3.

    Raises
    ------
    FormatError
        If libSBML is not installed; what is wrong with the file is returned in the reading.
    OSError
        If the file cannot be read.
    """
    return read_sbml_text(read_bytes(path), str(path), rounded, real)


def read_sbml_text(text: bytes, head: str, rounded: bool = False, real: bool = False) -> Reading:
    """Read SBML text; `head` begins the sentences about it.

    With `real` species may start at amounts that are no whole numbers, for rate equations: the network holds them
    rounded, and ``starts`` of the reading as they are.
    """
    problems, notes = Problems(), list[str]()
    document = open_document(text, problems, notes)
    if document is None:
        return Reading(head=head, network=None, problems=problems, notes=notes)
    draft = Draft(document.getModel(), problems, notes, rounded=rounded, real=real)
    found = translate(draft)
    network = _network(draft, found) if not len(problems) else None
    renamed = {q.id: q.name for q in draft.quantities.values() if q.id != q.name}
    volumes = {
        q.id: volume
        for q in draft.quantities.values()
        if q.compartment is not None and (volume := _meant(draft, q.compartment)) is not None
    }
    numbers = {q.id: q.value for q in draft.quantities.values() if q.role is Role.NUMBER and q.value is not None}
    starts = {q.name: _start(q) for q in draft.quantities.values() if q.role is Role.COUNT}
    per_volume = frozenset(q.id for q in draft.quantities.values() if q.per_volume)
    notes = list(dict.fromkeys(draft.notes))
    return Reading(
        head=head,
        network=network,
        problems=problems,
        notes=notes,
        names=renamed,
        volumes=volumes,
        per_volume=per_volume,
        numbers=numbers,
        starts=starts,
    )


def _meant(draft: Draft, quantity: Quantity) -> Expression | None:
    """Return what formulas mean by a compartment, None if it has no size."""
    if quantity.role is Role.NUMBER:
        return None if quantity.value is None else Number(quantity.value)
    return Name(quantity.name)


def translate(draft: Draft) -> dict[str, Expression]:
    """Fill the draft from its model; return the observables."""
    declare(draft)
    assign_roles(draft)
    mark_sized_at_start(draft)
    read_rules(draft)
    read_initial_assignments(draft)
    drawn = settle_values(draft)
    for quantity in draft.quantities.values():
        if quantity.drawn and quantity.role is Role.CONSTANT:
            quantity.role = Role.VARIABLE
    planned = read_events(draft)
    sets = draw_at_start(draft, drawn)
    sets += [(name, value, event.place, event.element) for event in planned for name, value in event.set.items()]
    settle_counts(draft, sets)
    for name, value, _, _ in sets:
        draft.assigned.setdefault(name, []).append(value)
    found = observables(draft)
    read_reactions(draft)
    build_events(draft, planned)
    refuse_conflicts(draft, planned, found)
    _refuse_triggers_of_draws(draft, planned)
    _refuse_missing(draft, found)
    return found


def _refuse_triggers_of_draws(draft: Draft, planned: list[Planned]) -> None:
    drawn = {quantity.name for quantity in draft.quantities.values() if quantity.drawn}
    for event in planned:
        read = names(event.trigger) & drawn
        if read and not event.at_start:
            why = f"is triggered by '{min(read)}', which is drawn at the start, and counts as triggered before it"
            draft.problems.add(event.place, f"{why}; set initialValue to false", int(event.element.getLine()))


def _refuse_missing(draft: Draft, found: dict[str, Expression]) -> None:
    """Refuse quantities that are read and have no value."""
    read: set[str] = set()
    for reaction in draft.reactions:
        read |= names(reaction.rate)
    for event in draft.events:
        read |= names(event.trigger).union(*(names(value) for _, value in event.set))
    for value in found.values():
        read |= names(value)
    for quantity in draft.quantities.values():
        if quantity.value is not None or quantity.drawn or quantity.role in (Role.RULE, Role.CLOCK, Role.NUMBER):
            continue
        if quantity.name in read or quantity.kind == "species":
            draft.problems.add(quantity.place, "has no value at the start; give it one", quantity.line)
        else:
            draft.notes.append(f"{quantity.place} has no value and is read nowhere")


def _network(draft: Draft, found: dict[str, Expression]) -> Network | None:
    species = {name: round(value) for name, value in _values(draft, Role.COUNT).items()}
    variables = _values(draft, Role.VARIABLE) | draft.extra_variables
    label = draft.model.getName() or draft.model.getId() or ""
    try:
        return Network(
            species or {draft.identifiers.name(_EMPTY): 0},
            draft.reactions,
            _values(draft, Role.CONSTANT) | draft.extra_parameters,
            found,
            events=draft.events,
            variables=variables,
            name=label,
        )
    except NetworkError as error:
        draft.problems.add("", str(error))
        return None


def _values(draft: Draft, role: Role) -> dict[str, float]:
    return {
        quantity.name: _start(quantity)
        for quantity in draft.quantities.values()
        if quantity.role is role and (quantity.value is not None or quantity.drawn)
    }


def _start(quantity: Quantity) -> float:
    return 0.0 if quantity.value is None else float(quantity.value)
