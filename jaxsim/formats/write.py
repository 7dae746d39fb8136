"""write: a network becomes a model file."""

from pathlib import Path
from typing import Any

from jaxsim.errors import FormatError
from jaxsim.formats.sbml.writer import write_sbml
from jaxsim.network import Network

WRITERS = {".xml": write_sbml, ".sbml": write_sbml}


def write(network: Network, path: Any) -> None:
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
    WRITERS[ending](network, path)
