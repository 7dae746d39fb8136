"""Model files in and out: SBML, BioNetGen .net, Antimony."""

from jaxsim.formats.read import inspect_file, read
from jaxsim.formats.reading import Reading
from jaxsim.formats.write import write

__all__ = ["Reading", "inspect_file", "read", "write"]
