"""Model files in and out: SBML, BioNetGen .net, Antimony."""

from jaxsim.formats.read import inspect_file, read, write
from jaxsim.formats.reading import Reading

__all__ = ["Reading", "inspect_file", "read", "write"]
