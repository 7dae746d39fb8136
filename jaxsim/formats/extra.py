"""Packages that only some files need, loaded when one of them comes."""

from importlib import import_module
from typing import Any

from jaxsim.errors import FormatError


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
