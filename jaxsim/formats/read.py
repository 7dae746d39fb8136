"""read: a model file of any known format becomes a network."""

import warnings
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from jaxsim.errors import FormatError, FormatWarning, closest
from jaxsim.formats.reading import Reading
from jaxsim.formats.sbml.writer import write_sbml
from jaxsim.network import Network

# Ending, module and function; a new format is a line here.
READERS = {
    ".xml": ("jaxsim.formats.sbml.reader", "read_sbml"),
    ".sbml": ("jaxsim.formats.sbml.reader", "read_sbml"),
    ".net": ("jaxsim.formats.bionetgen.reader", "read_net"),
    ".ant": ("jaxsim.formats.antimony", "read_antimony"),
}


def read(path: str | Path, rounded: bool = False) -> Network:
    """Read a model file: SBML (``.xml``, ``.sbml``), BioNetGen (``.net``) or Antimony (``.ant``).

    Parameters
    ----------
    path : str or Path
        The ending picks the reader.
    rounded
        Whether to round initial amounts that are no whole numbers of molecules; they are refused otherwise.

    Returns
    -------
    Network
        Species are counts: amounts of SBML are molecules, concentrations times the size of their compartment.
        Quantities that assignment rules determine are observables, those that events set to real values are
        variables; names that a network does not accept (``t``, ``exp``) get an underscore.

    Raises
    ------
    FormatError
        With everything that is wrong or not supported, each by name and line.

    Warns
    -----
    FormatWarning
        If the file says something that the network does not keep.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> text = "begin parameters\\n 1 k 2\\nend parameters\\nbegin species\\n 1 A() 9\\nend species\\n"
    >>> text += "begin reactions\\n 1 1 0 k\\nend reactions\\n"
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "decay.net"
    >>> _ = file.write_text(text)
    >>> read(file).structure.reactions[0].rate
    parse('k*A')
    """
    reading = inspect_file(path, rounded)
    network = reading.or_refuse()
    for note in reading.notes:
        warnings.warn(f"{reading.head}: {note}", FormatWarning, stacklevel=2)
    return network


def inspect_file(path: Path | str, rounded: bool = False) -> Reading:
    """Read a model file and return the network, or everything that is wrong with the file.

    Raises
    ------
    FormatError
        If the ending is unknown, or there is no such file.

    Examples
    --------
    >>> inspect_file("model.pdf")
    Traceback (most recent call last):
    jaxsim.errors.FormatError: model.pdf: has an unknown ending; known are .xml, .sbml, .net, .ant
    """
    file = Path(path)
    ending = file.suffix.lower()
    if ending not in READERS:
        raise FormatError(str(file), [f"has an unknown ending; known are {', '.join(READERS)}"])
    module, name = READERS[ending]
    reader: Callable[[Path, bool], Reading] = getattr(import_module(module), name)
    try:
        return reader(file, rounded)
    except OSError as error:
        there = [other.name for other in file.parent.iterdir()] if file.parent.is_dir() else []
        raise FormatError(str(file), [f"cannot be read: {error.strerror}{closest(file.name, there)}"]) from error


# write: a network becomes a model file.

WRITERS = {".xml": write_sbml, ".sbml": write_sbml}


def write(network: Network, path: str | Path) -> None:
    """Write a network as a model file: SBML (``.xml``, ``.sbml``), Level 3 Version 2.

    Parameters
    ----------
    network : Network
        With numbers for parameters and initial counts.
    path : str or Path
        The ending picks the writer.

    Raises
    ------
    FormatError
        With everything in the network that the format cannot say, by name: effects of reactions, distributions over
        trajectories, inputs that doses drive.
    OSError
        If the file cannot be written.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "decay.xml"
    >>> write(Network({"A": 9}, ["A -> , d"], parameters={"d": 0.5}), file)
    >>> file.read_text().count("<reaction ")
    1
    """
    ending = Path(path).suffix.lower()
    if ending not in WRITERS:
        raise FormatError(str(path), [f"has an ending that is not written; known are {', '.join(WRITERS)}"])
    WRITERS[ending](network, Path(path))


# Packages that only some files need, loaded when one of them comes.


def require(module: str, form: str) -> Any:
    """Return a module of the extra ``sbml``.

    Parameters
    ----------
    module
        Its name.
    form
        The form of files that needs it.

    Raises
    ------
    FormatError
        If it is not installed, with the command that installs it.

    Examples
    --------
    >>> require("antimonie", "Antimony")
    Traceback (most recent call last):
        ...
    jaxsim.errors.FormatError: Antimony: needs the package 'antimonie'; install it by: pip install 'jaxsim-bio[sbml]'
    """
    try:
        return import_module(module)
    except ImportError as error:
        why = f"needs the package '{module}'; install it by: pip install 'jaxsim-bio[sbml]'"
        raise FormatError(form, [why]) from error
