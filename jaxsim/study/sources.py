"""The files and functions that a study file names: where they are, and which code of the user's it may run.

A function is run if its module is a file beside the study file, or if the user, not the study file, has named the
module as trusted. A store has copies of all files, under names of its own, and goes on with those.
"""

import hashlib
import importlib.util
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.machinery import SourceFileLoader
from pathlib import Path
from typing import Any

from jaxsim._files import read_regular
from jaxsim.errors import StudyError
from jaxsim.study.schema import StudyFile

MODEL, TABLE, MODULE = "model", "table", "module "  # roles of files; that of a module goes on with its name


@dataclass(frozen=True)
class Copy:
    """The copy of a file in a store."""

    path: Path
    original: Path


@dataclass(frozen=True)
class Sources:
    """Where the files that a study file names are found.

    Parameters
    ----------
    folder
        Of the study file: names in it are relative to it.
    trusted
        Modules, by name, that may be imported wherever they are installed.
    copies
        Copies that are taken instead, by role: those of a store.
    """

    folder: Path
    trusted: tuple[str, ...] = ()
    copies: Mapping[str, Copy] | None = None

    def file(self, role: str, name: str) -> Path:
        """Return the path of the model file or of the table of a design."""
        return self.copies[role].path if self.copies and role in self.copies else self.folder / name

    def module_file(self, module: str) -> Path | None:
        """Return the file of a module that lies beside the study file; None if there is none."""
        if not module.isidentifier():
            return None
        if self.copies is not None:
            copy = self.copies.get(MODULE + module)
            return copy.path if copy else None
        beside = self.folder / f"{module}.py"
        return beside if beside.is_file() else None

    def function(self, text: str) -> Callable[..., Any]:
        """Return the function that ``module:function`` names.

        Raises
        ------
        StudyError
            If the module is neither beside the study file nor trusted, or the function is not one of its own.

        Examples
        --------
        >>> Sources(Path("."), trusted=("math",)).function("math:sqrt")(4.0)
        2.0
        >>> Sources(Path(".")).function("os:system")
        Traceback (most recent call last):
        jaxsim.errors.StudyError: the module of the entry point 'os:system' cannot be imported: there is no file ...
        """
        module, _, name = text.partition(":")
        if not all(part.isidentifier() for part in module.split(".")) or not name.isidentifier():
            raise StudyError(f"the entry point {text!r} is not of the form 'module:function'")
        if name.startswith("_"):
            raise StudyError(f"the entry point '{text}' names a private function; give one without '_' at the start")
        found = self._module(module, text)
        function = getattr(found, name, None)
        if not callable(function):
            raise StudyError(f"the module '{module}' of the entry point '{text}' has no function '{name}'")
        home = str(getattr(function, "__module__", None))
        if home.partition(".")[0] != found.__name__.partition(".")[0]:
            raise StudyError(
                f"the function '{name}' of the entry point '{text}' is not defined in '{module}' but imported there "
                f"from '{home}'; define a function in '{module}' that calls it"
            )
        return function

    def _module(self, name: str, text: str) -> Any:
        beside = self.module_file(name)
        if beside is not None:  # by path, so that a module of that name elsewhere is not taken for it
            copy = (self.copies or {}).get(MODULE + name)
            return _executed(beside, copy.original if copy else beside)
        if name not in self.trusted:
            where = "in the store" if self.copies is not None else "beside the study file"
            raise StudyError(
                f"the module of the entry point '{text}' cannot be imported: there is no file '{name}.py' {where}, and "
                f"modules elsewhere are run only if you trust them: --trust {name} (trust=['{name}'] in Python)"
            )
        try:
            return import_module(name)
        except ImportError as error:
            raise StudyError(f"the module of the entry point '{text}' cannot be imported ({error})") from error


def files_of(study: StudyFile, sources: Sources) -> dict[str, Path]:
    """Return the files that a study file names, by role: its model, the table of its design, modules beside it."""
    found = {}
    if study.model.file is not None:
        found[MODEL] = sources.file(MODEL, study.model.file)
    if study.design is not None and study.design.file is not None:
        found[TABLE] = sources.file(TABLE, study.design.file)
    for entry in (study.model.entry, *study.statistics.reductions.values()):
        module = (entry or "").partition(":")[0]
        path = sources.module_file(module)
        if path is not None:
            found[MODULE + module] = path
    return found


def _executed(path: Path, original: Path) -> Any:
    """Return the module that a file makes, run once for each content; it finds its data beside the original."""
    key = f"jaxsim_entry_{hashlib.sha256(str(original).encode() + read_regular(path)).hexdigest()[:24]}"
    if key not in sys.modules:
        spec = importlib.util.spec_from_file_location(key, path, loader=_Uncached(key, str(path)))
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        module.__file__ = str(original)
        sys.modules[key] = module
        try:
            spec.loader.exec_module(module)
        except BaseException:
            del sys.modules[key]
            raise
    return sys.modules[key]


class _Uncached(SourceFileLoader):
    """A loader that neither reads nor writes compiled code beside the source, where nobody checks it."""

    def path_stats(self, path: str) -> Any:
        """Say that there is nothing to compare compiled code with."""
        raise OSError(f"no compiled code of '{path}'")
