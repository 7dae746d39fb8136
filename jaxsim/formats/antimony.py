"""Read Antimony, a text form of SBML, through the package that defines it."""

import re
from collections import Counter
from pathlib import Path
from typing import Any

from jaxsim.formats.read import require
from jaxsim.formats.reading import Reading
from jaxsim.formats.screening import LARGEST_FILE, read_bytes

_DEEPEST = 60  # parentheses; its parser and MathML nest with them
MOST_OPERATORS = 4_000  # of a statement; its parser takes time with their square, and the stack with their number
MOST_MODULES = 2_000  # written out
OPERATOR = re.compile(r"&&|\|\||[<>=!]=|[-+*/^<>!,=]")
_MODULE = re.compile(r"\b(?:model|module)\s+\*?(?P<model>\w+)|:\s*(?P<part>[A-Za-z_]\w*)\s*\(")


def read_antimony(path: Path, rounded: bool = False) -> Reading:
    """Read an Antimony file; the main model of it, with its modules written out.

    Raises
    ------
    FormatError
        If the package is not installed.
    OSError
        If the file cannot be read; what is wrong with its content is returned in the reading.
    """
    content = read_bytes(path)
    reading = Reading(head=str(path))
    why = _unsafe(content)
    if why:
        reading.problems.add("", why)
        return reading
    antimony = require("antimony", "Antimony")
    antimony.clearPreviousLoads()
    if antimony.loadAntimonyString(content.decode("utf-8")) < 0:
        reading.problems.add("", _last_error(antimony))
        return reading
    from jaxsim.formats.sbml.reader import read_sbml_text

    text = antimony.getSBMLString(antimony.getMainModuleName())
    found = read_sbml_text(text.encode(), str(path), rounded)
    for problem in found.problems:
        reading.problems.add(problem.place, problem.why)  # lines of the SBML would mislead
    found.problems = reading.problems
    return found


def _last_error(antimony: Any) -> str:
    try:
        return " ".join(antimony.getLastError().split())
    except UnicodeDecodeError:  # its sentences are cut within characters
        return "cannot be read by Antimony, whose message is not UTF-8 text; look for characters beyond ASCII"


def _unsafe(content: bytes) -> str:
    if len(content) > LARGEST_FILE:
        return f"has {len(content)} bytes, more than {LARGEST_FILE}"
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        return f"is not UTF-8 text ({error.reason} at byte {error.start})"
    return _too_deep(text) or _too_long(text) or _too_many(text)


def _too_deep(text: str) -> str:
    depth = deepest = 0
    for character in text:
        depth += (character == "(") - (character == ")")
        deepest = max(deepest, depth)
    return f"is nested deeper than {_DEEPEST} parentheses" if deepest > _DEEPEST else ""


def _too_long(text: str) -> str:
    longest = max(len(OPERATOR.findall(statement)) for statement in re.split(r"[;\n]", text))
    if longest <= MOST_OPERATORS:
        return ""
    return (
        f"has a statement with {longest} operators, of at most {MOST_OPERATORS} that its parser reads in good time; "
        f"write it in parts, or the model as SBML"
    )


def _too_many(text: str) -> str:
    """Refuse modules of modules that would be written out to more than can be held."""
    parts: dict[str, Counter[str]] = {}
    name = ""
    for found in _MODULE.finditer(text):
        if found["model"]:
            name = found["model"]
            parts.setdefault(name, Counter())
        elif name:
            parts[name][found["part"]] += 1
    copies = dict.fromkeys(parts, 1)
    for _ in parts:  # so often at most does a module stand in another
        copies = {m: 1 + sum(n * copies.get(part, 0) for part, n in inside.items()) for m, inside in parts.items()}
        if max(copies.values()) > MOST_MODULES:
            return f"has modules of modules that are written out more than {MOST_MODULES} times; use fewer"
    return ""
