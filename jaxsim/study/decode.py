"""Read a study file strictly: what is unknown, of the wrong type or not finite is refused in one sentence."""

import math
import re
import tomllib
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar, Union, get_args, get_origin

import msgspec

from jaxsim._files import read_regular
from jaxsim.errors import StudyError, closest
from jaxsim.study.schema import StudyFile

File = TypeVar("File")

MOST_CHARACTERS = 1_000_000
MOST_BYTES = 16 << 20  # of the file
MOST_DOTS = 200  # in one key: the standard library's reader takes quadratic time
DEEPEST = 32  # levels of nesting; a study file needs five
#: What msgspec says, and what the author of a study file understands; the order matters.
WORDS = {
    "Object missing required field": "the section lacks the key",
    " | null": "", "array": "list", "object": "table", "float": "number", "int | number": "number",
    "int": "whole number", "str": "text", "bool": "true or false", "`": "'",
}  # fmt: skip


def study_text(path: Path) -> str:
    """Return the text of a study file.

    Raises
    ------
    StudyError
        If it cannot be read; a pipe or a device, which might never end, is not tried.

    Examples
    --------
    >>> study_text(Path("nowhere.toml"))
    Traceback (most recent call last):
    jaxsim.errors.StudyError: the study file 'nowhere.toml' cannot be read (No such file or directory); give a ...
    """
    if path.is_dir():
        raise StudyError(f"'{path}' is a folder; give a study file (TOML), or go on with a store by 'jaxsim resume'")
    try:
        return read_regular(path, MOST_BYTES).decode()
    except UnicodeDecodeError as error:
        raise StudyError(f"the study file '{path}' is no text; give a TOML file in UTF-8") from error
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise StudyError(f"the study file '{path}' cannot be read ({why}); give a TOML file in UTF-8") from error


def decode(text: str | bytes) -> StudyFile:
    """Return what a study file says.

    Parameters
    ----------
    text
        The file's content, TOML.

    Raises
    ------
    StudyError
        In one sentence, naming the key and, for an unknown one, the nearest that exists.

    Examples
    --------
    >>> study = decode('''
    ... [model]
    ... name = "cell"
    ... [simulation]
    ... times = {stop = 96.0, step = 2.0}
    ... ''')
    >>> study.model.name, study.simulation.trajectories
    ('cell', 1000)
    >>> decode('[model]\\nnmae = "cell"\\n[simulation]\\ntimes = 1.0')
    Traceback (most recent call last):
    jaxsim.errors.StudyError: the study file has the unknown key 'model.nmae'; did you mean 'name'?
    """
    return decode_as(text, StudyFile)


def decode_as(text: str | bytes, kind: type[File]) -> File:
    """Return what a file of another kind says, as strictly."""
    table = parsed(text)
    _refuse_unknown(table, kind, "")
    _refuse_odd_numbers(table)
    try:
        return msgspec.convert(table, kind, strict=True)
    except (msgspec.ValidationError, OverflowError, RecursionError) as error:
        raise StudyError(_sentence(str(error))) from error


def parsed(text: str | bytes) -> dict[str, Any]:
    """Return a TOML document as nested tables, neither very long nor very deep."""
    if len(text) > MOST_CHARACTERS:
        raise StudyError(f"the study file has {len(text)} characters; put tables of values into a CSV file")
    try:
        read = text.decode() if isinstance(text, bytes) else text
        _refuse_long_keys(read)
        return tomllib.loads(read)
    except RecursionError as error:
        raise StudyError("the study file nests its tables too deeply to be read") from error
    except StudyError:
        raise
    except ValueError as error:
        raise StudyError(f"the study file is no TOML: {_one_line(str(error))}") from error


def _refuse_long_keys(text: str) -> None:
    for number, line in enumerate(text.splitlines()):
        if line.count(".") > MOST_DOTS:
            longest = max(piece.count(".") for piece in re.split("[,={}]", line.replace(" ", "").replace("\t", "")))
            if longest > MOST_DOTS:
                raise StudyError(f"line {number + 1} of the study file has a key of {longest + 1} parts; shorten it")


def _refuse_unknown(value: Any, kind: Any, place: str) -> None:
    """Refuse keys that no section has, wherever a section is expected."""
    section = _section(kind)
    if isinstance(value, dict) and section is not None:
        known = {field.encode_name: field.type for field in msgspec.structs.fields(section)}
        for key, inner in value.items():
            if key not in known:
                guess = closest(key, known) or f"; choose from {', '.join(known)}"
                raise StudyError(f"the study file has the unknown key '{_shown(place + key)}'{guess}")
            _refuse_unknown(inner, known[key], f"{place}{key}.")
    elif isinstance(value, dict):
        for key, inner in value.items():
            _refuse_unknown(inner, _inside(kind, dict), f"{place}{key}.")
    elif isinstance(value, list):
        for inner in value:
            _refuse_unknown(inner, _inside(kind, list), place)


def _section(kind: Any) -> Any:
    return next((k for k in _options(kind) if isinstance(k, type) and issubclass(k, msgspec.Struct)), None)


def _inside(kind: Any, container: type) -> Any:
    """Return the type of what a table or an array of this type holds."""
    return next((get_args(k)[-1] for k in _options(kind) if get_origin(k) is container), None)


def _options(kind: Any) -> tuple[Any, ...]:
    return get_args(kind) if get_origin(kind) in (Union, types.UnionType) else (kind,)


def _refuse_odd_numbers(table: dict[str, Any]) -> None:
    for place, value in _leaves(table, "", 0):
        if isinstance(value, float) and not math.isfinite(value):
            raise StudyError(f"'{_shown(place)}' is {value} in the study file; give a finite number")
        if isinstance(value, int) and not -(2**63) <= value < 2**64:
            raise StudyError(
                f"'{_shown(place)}' is a number of more than 64 bits in the study file; give a smaller one"
            )


def _leaves(value: Any, place: str, depth: int) -> Iterator[tuple[str, Any]]:
    if depth > DEEPEST:
        raise StudyError(f"'{_shown(place)}' is nested too deeply in the study file")
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(inner, f"{place}.{key}" if place else key, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(inner, place, depth + 1)
    else:
        yield place, value


def _sentence(message: str) -> str:
    """Turn msgspec's "Expected `int`, got `str` - at `$.simulation.trajectories`" into a sentence of ours."""
    what, _, place = message.partition(" - at `")
    where = place.rstrip("`").removeprefix("$").removeprefix(".") or "the study file"
    for theirs, ours in WORDS.items():
        what = what.replace(theirs, ours)
    return _one_line(f"'{_shown(where)}' cannot be read in the study file: {what[:1].lower()}{what[1:]}")


def _one_line(text: str) -> str:
    return " ".join(repr(text)[1:-1].split())[:300]


def _shown(name: str) -> str:
    """Return a key as it may stand in one line."""
    return repr(name)[1:-1][:80]
