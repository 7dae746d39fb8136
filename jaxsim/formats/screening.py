"""Screen an XML file before a parser of trust sees it: no entities, no bottomless nesting, no flood.

libSBML reads MathML by recursion and would overflow the stack of the process; here the file is only streamed through.
"""

import errno
from pathlib import Path
from stat import S_ISREG
from xml.parsers import expat

from jaxsim.formats.reading import FormatProblem, Refused

LARGEST_FILE = 64 << 20  # bytes; the largest published models are a tenth of this
_DEEPEST = 150  # levels of elements
MOST_ELEMENTS = 1_500_000
LONGEST_FORMULA = 50_000  # elements; libSBML makes a sum of n terms a chain n deep, which it walks by recursion


def screen(text: bytes) -> FormatProblem | None:
    """Return what makes an XML text unsafe or unreadable, or None.

    Examples
    --------
    >>> print(screen(b"<a><b></a>"))
    line 1: is not well-formed XML (mismatched tag)
    >>> print(screen(b"<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>"))
    line 1: has a document type declaration, which SBML does not use; remove it
    """
    if len(text) > LARGEST_FILE:
        return FormatProblem("", f"has {len(text)} bytes, more than {LARGEST_FILE}")
    parser = expat.ParserCreate()
    found: list[FormatProblem] = []
    depth, elements, formula = 0, 0, 0  # the last: elements before the formula that is open

    def stop(why: str) -> None:
        found.append(FormatProblem("", why, parser.CurrentLineNumber))
        raise Refused

    def start(name: str, _attributes: object) -> None:
        nonlocal depth, elements, formula
        depth, elements = depth + 1, elements + 1
        if name.rpartition(":")[2] == "math":
            formula = elements
        if formula and elements - formula > LONGEST_FORMULA:
            stop(f"has a formula of more than {LONGEST_FORMULA} elements; write it in parts, by assignment rules")
        if depth > _DEEPEST:
            stop(f"is nested deeper than {_DEEPEST} elements; write its formulas in parts")
        if elements > MOST_ELEMENTS:
            stop(
                f"has more than {MOST_ELEMENTS} elements; write a smaller model, or its reactions in jaxsim's own form"
            )

    def end(name: str) -> None:
        nonlocal depth, formula
        depth -= 1
        if name.rpartition(":")[2] == "math":
            formula = 0

    def declaration(*_: object) -> None:
        stop("has a document type declaration, which SBML does not use; remove it")

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.StartDoctypeDeclHandler = declaration
    try:
        parser.Parse(text, True)
    except Refused:
        pass
    except expat.ExpatError as error:
        return FormatProblem("", f"is not well-formed XML ({expat.ErrorString(error.code)})", error.lineno)
    except (LookupError, ValueError) as error:
        return FormatProblem("", f"is in an encoding that cannot be read ({error})")
    return found[0] if found else None


def read_bytes(path: Path) -> bytes:
    """Return the content of a file that is not larger than any model.

    Raises
    ------
    OSError
        If it cannot be read.

    Examples
    --------
    >>> len(read_bytes(Path(__file__))) > 100
    True
    """
    if not S_ISREG(path.stat().st_mode):  # a pipe would be waited for
        raise OSError(errno.EINVAL, "it is no ordinary file")
    with path.open("rb") as file:
        return file.read(LARGEST_FILE + 1)
