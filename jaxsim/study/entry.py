"""Functions of the user, by ``module:function``."""

import importlib.util
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from jaxsim.errors import StudyError


def load_entry(text: str, folder: Path) -> Callable[..., Any]:
    """Return the function that ``module:function`` names; the module may lie in `folder`.

    Examples
    --------
    >>> load_entry("math:sqrt", Path("."))(4.0)
    2.0
    """
    module, _, name = text.partition(":")
    if not module or not name.isidentifier():
        raise StudyError(f"the entry point '{text}' is not of the form 'module:function'")
    found = _module(module, text, folder)
    function = getattr(found, name, None)
    if not callable(function):
        raise StudyError(f"the module '{module}' of the entry point '{text}' has no function '{name}'")
    return function


def _module(name: str, text: str, folder: Path) -> Any:
    beside = folder / f"{name}.py"
    if beside.is_file():  # by path, so that a module of that name elsewhere is not taken for it
        key = f"jaxsim_study_entry.{beside.resolve()}"
        if key not in sys.modules:
            spec = importlib.util.spec_from_file_location(name, beside)
            assert spec is not None
            assert spec.loader is not None
            module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
            sys.modules[key] = module
        return sys.modules[key]
    try:
        return import_module(name)
    except ImportError as error:
        raise StudyError(f"the module of the entry point '{text}' cannot be imported ({error})") from error
