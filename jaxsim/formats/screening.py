"""A look at an XML file before a parser of trust sees it: no entities, no bottomless nesting, no flood.

libSBML reads MathML by recursion and would overflow the stack of the process; here the file is only streamed through.
"""

from pathlib import Path
from xml.parsers import expat

from jaxsim.formats.problems import Problem, Refused

LARGEST = 64 << 20  # bytes; the largest published models are a tenth of this
DEEPEST = 150  # levels of elements
MOST_ELEMENTS = 3_000_000


def screen(text: bytes) -> Problem | None:
    """Return what makes an XML text unsafe or unreadable, or None.

    Examples
    --------
    >>> print(screen(b"<a><b></a>"))
    line 1: is not well-formed XML (mismatched tag)
    >>> print(screen(b"<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>"))
    line 1: has a document type declaration, which SBML does not use; remove it
    """
    if len(text) > LARGEST:
        return Problem("", f"has {len(text)} bytes, more than {LARGEST}")
    parser = expat.ParserCreate()
    found: list[Problem] = []
    depth, elements = 0, 0

    def stop(why: str) -> None:
        found.append(Problem("", why, parser.CurrentLineNumber))
        raise Refused

    def start(_name: str, _attributes: object) -> None:
        nonlocal depth, elements
        depth, elements = depth + 1, elements + 1
        if depth > DEEPEST:
            stop(f"is nested deeper than {DEEPEST} elements; write its formulas in parts")
        if elements > MOST_ELEMENTS:
            stop(f"has more than {MOST_ELEMENTS} elements")

    def end(_name: str) -> None:
        nonlocal depth
        depth -= 1

    def declaration(*_: object) -> None:
        stop("has a document type declaration, which SBML does not use; remove it")

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.StartDoctypeDeclHandler = declaration
    try:
        parser.Parse(text, True)
    except Refused:
        pass
    except expat.ExpatError as error:
        return Problem("", f"is not well-formed XML ({expat.ErrorString(error.code)})", error.lineno)
    except (LookupError, ValueError) as error:
        return Problem("", f"is in an encoding that cannot be read ({error})")
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
    with path.open("rb") as file:
        return file.read(LARGEST + 1)
