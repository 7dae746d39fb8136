"""Read Antimony, a text form of SBML, through the package that defines it."""

from pathlib import Path

from jaxsim.formats.extra import require
from jaxsim.formats.reading import Reading
from jaxsim.formats.screening import LARGEST, read_bytes

DEEPEST = 60  # parentheses; its parser and MathML nest with them


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
    reading = Reading(str(path))
    why = _unsafe(content)
    if why:
        reading.problems.add("", why)
        return reading
    antimony = require("antimony", "Antimony")
    antimony.clearPreviousLoads()
    if antimony.loadAntimonyString(content.decode("utf-8")) < 0:
        reading.problems.add("", " ".join(antimony.getLastError().split()))
        return reading
    from jaxsim.formats.sbml.reader import read_sbml_text

    text = antimony.getSBMLString(antimony.getMainModuleName())
    found = read_sbml_text(text.encode(), str(path), rounded)
    for problem in found.problems:
        reading.problems.add(problem.place, problem.why)  # lines of the SBML would mislead
    found.problems = reading.problems
    return found


def _unsafe(content: bytes) -> str:
    if len(content) > LARGEST:
        return f"has {len(content)} bytes, more than {LARGEST}"
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        return f"is not UTF-8 text ({error.reason} at byte {error.start})"
    depth = deepest = 0
    for character in text:
        depth += (character == "(") - (character == ")")
        deepest = max(deepest, depth)
    return f"is nested deeper than {DEEPEST} parentheses" if deepest > DEEPEST else ""
