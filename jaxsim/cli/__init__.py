"""The command line: ``jaxsim COMMAND``, one command per file."""

from jaxsim.cli.main import main, program

__all__ = ["main", "program"]
