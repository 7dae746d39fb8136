"""Read a file of ``jaxsim optimise`` as the arguments of js.optimise."""

from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from jaxsim.dosing import Schedule
from jaxsim.errors import StudyError, closest
from jaxsim.gradient.objective import Limit, Objective
from jaxsim.network import Network
from jaxsim.optimise import free
from jaxsim.study.optimise_schema import ChosenDose, ChosenFile, FreeNumber, Limited, Wanted
from jaxsim.study.schema import (
    Given,
    decode_as,
    study_text,
)
from jaxsim.study.setup import study_network, study_schedule
from jaxsim.study.sources import Sources

_AT = ("mean", "mean_log10", "variance")
DURING = ("auc", "minimum", "maximum")
_KINDS = (*_AT, *DURING, "probability", "time_above", "time_below", "quantile", "cvar")


class Chosen(NamedTuple):
    """What a file asks for."""

    file: ChosenFile
    network: Network
    schedule: Schedule
    arguments: dict[str, Any]
    """Of js.optimise, beside network and schedule."""


def read_chosen(path: Path, trusted: tuple[str, ...] = ()) -> Chosen:
    """Read a file of ``jaxsim optimise``.

    Parameters
    ----------
    path
        The file, TOML.
    trusted
        Modules whose functions it may name, beside those in its folder.

    Raises
    ------
    JaxsimError
        In one sentence, naming the key.
    """
    file = decode_as(study_text(path), ChosenFile)
    network = study_network(file, Sources(path.parent, trusted))
    search = file.search
    return Chosen(
        file,
        network,
        _schedule(file.schedule),
        {
            "minimise": _objective("minimise", file.minimise),
            "maximise": _objective("maximise", file.maximise),
            "subject_to": [_limit(number, one) for number, one in enumerate(file.limits)],
            "compare": {name: study_schedule(given) or Schedule() for name, given in file.compare.items()},
            "seed": file.study.seed,
            "batch": (search.smallest_batch, search.largest_batch),
            **{
                name: getattr(search, name)
                for name in ("start", "end", "step", "method", "scored", "starts", "steps", "budget", "trajectories")
            },
            "check": search.check,
        },
    )


def _schedule(given: dict[str, ChosenDose | list[ChosenDose]]) -> Schedule:
    plain: dict[str, Given | list[Given]] = {
        agent: [_entry(agent, one) for one in (entries if isinstance(entries, list) else [entries])]
        for agent, entries in given.items()
    }
    return study_schedule(plain) or Schedule()


def _entry(agent: str, one: ChosenDose) -> Given:
    """Return the entry of a study with js.free in place of what is free."""
    duration = _number(f"schedule.{agent}.duration", one.duration, None)
    fields: dict[str, Any] = {
        **msgspec.structs.asdict(one),
        "duration": duration,
        "amount": _number(f"schedule.{agent}.amount", one.amount, duration),
        "at": _number(f"schedule.{agent}.at", one.at, None),
    }
    return Given(**fields)


def _number(place: str, value: Any, duration: Any) -> Any:
    if not isinstance(value, FreeNumber):
        return value
    given = msgspec.structs.asdict(value)
    if given.pop("rate"):
        if duration is None or (not hasattr(duration, "initial") and not duration):
            raise StudyError(f"'{place}' is a rate, but its dose has no duration; give one")
        given["over"] = duration
    if any(len(window) != 2 for window in value.forbidden):
        raise StudyError(f"'{place}.forbidden' is a list of windows; give each its start and its end")
    return free(given.pop("low"), given.pop("high"), **given)


def _objective(place: str, wanted: Wanted | list[Wanted] | None) -> Objective | None:
    if wanted is None:
        return None
    parts = wanted if isinstance(wanted, list) else [wanted]
    if not parts:
        raise StudyError(f"'{place}' is an empty list; give an objective")
    found = _one(place, parts[0])
    for part in parts[1:]:
        found = found + _one(place, part)
    return found


def _limit(number: int, one: Limited) -> Limit:
    place = f"limits[{number}]"
    if (one.at_most is None) == (one.at_least is None):
        raise StudyError(f"'{place}' gives neither or both of 'at_most' and 'at_least'; give one of them")
    found = _one(place, one)
    return found <= one.at_most if one.at_most is not None else found >= one.at_least


def _one(place: str, wanted: Wanted) -> Objective:
    if wanted.kind not in _KINDS:
        raise StudyError(
            f"'{place}' has the kind '{wanted.kind}'{closest(wanted.kind, _KINDS)}; choose from {', '.join(_KINDS)}"
        )
    given = _arguments(place, wanted)
    found: Objective = getattr(import_module("jaxsim.gradient"), wanted.kind)(*given.pop("positional"), **given)
    return wanted.weight * found if wanted.weight != 1.0 else found


def _arguments(place: str, wanted: Wanted) -> dict[str, Any]:
    """Return the arguments of the function of this kind; refuse those that it does not take."""
    takes = {"at"} if wanted.kind in _AT else {"during"} if wanted.kind in DURING else {"at", "during"}
    positional: list[Any] = [wanted.of]
    if wanted.kind in ("time_above", "time_below"):
        takes = {"during", "line"}
        positional.append(_needed(place, wanted, "line"))
    if wanted.kind in ("quantile", "cvar"):
        takes = {"at", "share", "upper"} if wanted.kind == "cvar" else {"at", "share"}
        positional.append(_needed(place, wanted, "share"))
    for name, usual in (("at", None), ("during", None), ("line", None), ("share", None), ("upper", True)):
        if getattr(wanted, name) != usual and name not in takes:
            raise StudyError(f"'{place}' is a {wanted.kind}, which takes no '{name}'; leave it out")
    if wanted.during is not None and len(wanted.during) != 2:
        raise StudyError(f"'{place}.during' is a start and an end; give two numbers")
    named: dict[str, Any] = {name: getattr(wanted, name) for name in ("at", "during", "upper") if name in takes}
    return {"positional": positional, **named}


def _needed(place: str, wanted: Wanted, name: str) -> float:
    value = getattr(wanted, name)
    if value is None:
        raise StudyError(f"'{place}' is a {wanted.kind}, which needs '{name}'; give it")
    return float(value)
