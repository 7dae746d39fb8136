"""Open an SBML file: screened, read by libSBML, and refused where a required package is not supported."""

from typing import Any

from jaxsim.formats.extra import require
from jaxsim.formats.problems import Problems
from jaxsim.formats.screening import screen

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
