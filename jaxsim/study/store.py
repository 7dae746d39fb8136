"""The store of a study: a folder that holds the study file, the plan, the ledger, the sums and the results.

Every file of it is known by a digest. ``manifest.json``, of which there are two copies, is sealed and holds those of
all files that are written when the store is made; the ledger holds those of sums and results.
"""

import difflib
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from jaxsim._files import read_regular, sweep, temporary_beside
from jaxsim.errors import StudyError
from jaxsim.network.fingerprint import fingerprint
from jaxsim.study.arrays import Results, Sums
from jaxsim.study.designs import DesignPoints
from jaxsim.study.engines import Continuous, Counted
from jaxsim.study.ledger import Ledger, digest_of_file, read_json, read_sealed, sealed, write_file
from jaxsim.study.plan import StudyPlan
from jaxsim.study.provenance import present_versions
from jaxsim.study.schema import decode, parsed, study_text
from jaxsim.study.setup import Setup, read_setup
from jaxsim.study.sources import MODEL, MODULE, TABLE, Copy, Sources, files_of
from jaxsim.study.stopping import precision_columns

FORMAT = 3  # of what a store holds; another where arrays, facts of chunks or labels of the status change
_BITS = {"float32": 32, "float64": 64}
MANIFESTS = ("manifest.json", "manifest.copy.json")
FOLDERS = ("owners", "runs", "inputs", "ledger", "ledger/claims", "ledger/done", "ledger/results")
ARRAYS = ("sums.zarr", "results.zarr")
DECIDING = ("jaxsim", "jax", "jaxlib")  # packages whose versions decide the last bits of results
Engine = Counted | Continuous


@dataclass(frozen=True)
class Store:
    """An existing store."""

    path: Path
    manifest: dict[str, Any]
    plan: StudyPlan
    ledger: Ledger
    sums: Sums
    results: Results

    @property
    def owners(self) -> Path:
        """Where the processes that work on it beat."""
        return self.path / "owners"

    @property
    def runs(self) -> Path:
        """Where each process notes what it was and did."""
        return self.path / "runs"

    @property
    def text(self) -> str:
        """The study file, word for word, as the store was made from it."""
        return str(self.manifest["study"])

    def changed_files(self, *begin: str) -> list[str]:
        """Return which files are not as they were when the store was made: all, or those whose names begin so."""
        return [
            name
            for name, written in self.manifest["files"].items()
            if name.startswith(begin or "") and digest_of_file(self.path / name) != written
        ]

    def points(self) -> DesignPoints | None:
        """Return the design points as they were drawn when the store was made; None if their file is damaged."""
        if self.changed_files("design.npz"):
            return None
        return DesignPoints(tuple(self.manifest["varied"]), np.load(self.path / "design.npz")["values"])

    def sources(self, trusted: tuple[str, ...] = ()) -> Sources:
        """Return the store's own copies of the files that the study names, or originals that are still the same.

        Raises
        ------
        StudyError
            If a copy is damaged and its original is no longer what it was.
        """
        copies = {}
        for role, copy in self.manifest["inputs"].items():
            name, original = f"inputs/{copy['name']}", Path(copy["original"])
            written = self.manifest["files"][name]
            # code is run from the store alone, or a store of somebody else could name any file of this machine
            known = (self.path / name, *(() if role.startswith(MODULE) else (original,)))
            whole = [path for path in known if digest_of_file(path) == written]
            if not whole:
                raise StudyError(
                    f"'{self.path / name}' is damaged, and cannot be had from '{original}', of which it is a copy; put "
                    f"back there the file with which the store was begun"
                )
            copies[role] = Copy(whole[0], original)
        return Sources(Path(self.manifest["folder"]), trusted, copies)


def open_store(path: str | Path) -> Store:
    """Open a store.

    Raises
    ------
    StudyError
        If there is none, another version of jaxsim made it in another format, or its manifest is damaged.
    """
    path = Path(path)
    manifest = _manifest(path)
    plan = StudyPlan(**manifest["plan"])
    return Store(
        path,
        manifest,
        plan,
        Ledger(path / "ledger"),
        Sums(path / "sums.zarr", plan, tuple(manifest["sums"])),
        Results(path / "results.zarr", plan, tuple(manifest["results"])),
    )


def is_store(path: Path) -> bool:
    """Return whether a folder is a store, whole or damaged."""
    return any((path / name).is_file() for name in MANIFESTS)


def _manifest(path: Path) -> dict[str, Any]:
    """Return the manifest from whichever of its copies is whole."""
    if not is_store(path):
        raise StudyError(f"'{path}' is no store of a study; give the folder that 'jaxsim run' has made")
    for name in MANIFESTS:
        found = read_sealed(path / name)
        if found is not None and found.get("format") == FORMAT:
            _refuse_names_outside(path, found)
            return found
    found = read_json(path / MANIFESTS[0]) or read_json(path / MANIFESTS[1]) or {}
    if isinstance(found.get("format"), int) and found["format"] != FORMAT:
        raise StudyError(
            f"the store '{path}' has format {found['format']}, and this version of jaxsim reads {FORMAT}; "
            f"use version {found.get('jaxsim')} (commit {found.get('commit')}), or run the study anew"
        )
    raise StudyError(
        f"'{path / MANIFESTS[0]}' is damaged, and so is its copy '{MANIFESTS[1]}', so that nothing in the store can "
        f"be trusted; put one of them back from a backup, or run the study anew into another --store"
    )


def _refuse_names_outside(path: Path, manifest: dict[str, Any]) -> None:
    """Refuse a manifest, of whoever's making, by which something outside the store would be read or written."""
    copies = (copy["name"] for copy in manifest["inputs"].values())
    for name in (*manifest["files"], *manifest["sums"], *manifest["results"], *copies):
        if Path(name).is_absolute() or ".." in Path(name).parts:
            raise StudyError(f"the store '{path}' names {name!r}, which lies outside it; it was not made by jaxsim")


def create_store(path: Path, text: str, setup: Setup, sources: Sources, engine: Engine, facts: dict[str, Any]) -> Store:
    """Make a store, whole or not at all, and open it; another process may have made it meanwhile.

    Parameters
    ----------
    path
        Where.
    text
        The study file, word for word.
    setup, sources, engine
        The study.
    facts
        Provenance for the manifest.
    """
    temporary = temporary_beside(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        sweep(path)
        temporary.mkdir()
    except OSError as error:
        raise StudyError(f"the store '{path}' cannot be made ({error.strerror}); give another --store") from error
    try:
        _fill(temporary, text, setup, sources, engine, facts)
        try:
            os.rename(temporary, path)  # atomic; fails if the folder is there and not empty
        except OSError:
            if not is_store(path):
                raise StudyError(f"'{path}' is there and is no store of a study; give another --store") from None
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    store = open_store(path)
    refuse_changed(store, text, setup, sources, engine.devices[0].platform)
    return store


def _fill(path: Path, text: str, setup: Setup, sources: Sources, engine: Engine, facts: dict[str, Any]) -> None:
    for folder in FOLDERS:
        (path / folder).mkdir(parents=True)
    inputs = {
        role: {"name": _copy_name(role, original, number), "original": str(original.resolve())}
        for number, (role, original) in enumerate(files_of(setup.file, sources).items())
    }
    plan, originals = engine.plan(), {copy["name"]: Path(copy["original"]) for copy in inputs.values()}
    write_known_files(path, text, setup, originals, engine, plan)
    manifest = {
        "format": FORMAT,
        "plan": plan.record(),
        "varied": list(setup.points.names),
        "sums": list(engine.leaves),
        "results": list(map(str, finished_template(setup, engine).data_vars)),
        "folder": str(sources.folder.resolve()),
        "inputs": inputs,
        "platform": engine.devices[0].platform,
        "backend": engine.backend,
        "network": fingerprint(setup.network),
        **facts,
        "study": text,
        "files": {str(name): digest_of_file(path / name) for name in _files_below(path)},
    }
    write_manifest(path, manifest)


def write_manifest(path: Path, manifest: dict[str, Any]) -> None:
    """Write both copies of a manifest."""
    for name in MANIFESTS:
        write_file(path / name, sealed(manifest))


def write_known_files(
    path: Path, text: str, setup: Setup, inputs: dict[str, Path], engine: Engine, plan: StudyPlan
) -> None:
    """Write the files whose content is known from the start, into a folder that has none of them.

    Parameters
    ----------
    path
        The folder.
    text, setup, engine, plan
        The study.
    inputs
        The files that it names: name of the copy to the file.
    """
    for name, original in inputs.items():
        try:
            write_file(path / "inputs" / name, read_regular(original))
        except FileNotFoundError as error:
            raise StudyError(f"the file '{original}' of the study is gone") from error
    Sums(path / "sums.zarr", plan, tuple(engine.leaves)).create(engine.leaves)
    columns = {name: setup.points.values[:, k] for k, name in enumerate(setup.points.names)}
    Results(path / "results.zarr", plan, ()).create(finished_template(setup, engine), columns)
    np.savez(path / "design.npz", values=setup.points.values)
    write_file(path / "study.toml", text.encode())


def _copy_name(role: str, original: Path, number: int) -> str:
    """Return a name of our own for a copy: none of the user's, which may hold folders or be the same twice."""
    names = {MODEL: f"model{original.suffix.lower()}", TABLE: "table.csv"}
    return names.get(role, f"module_{number}.py")


def _files_below(path: Path) -> Iterator[Path]:
    yield from sorted(file.relative_to(path) for file in path.rglob("*") if file.is_file())


def finished_template(setup: Setup, engine: Engine) -> Any:
    """Return the variables of the results of one design point."""
    data = engine.template()
    data = data.assign(run_columns(0, 0, ""))
    return data.assign(precision_columns(None, setup.file.stop, 0)).sel(species=list(setup.outputs))


def run_columns(trajectories: int, events: int, precision: str) -> dict[str, Any]:
    """Return what the results of a design point say of how it ran.

    Examples
    --------
    >>> {name: int(value) for name, (_, value) in run_columns(100, 2500, "float32").items()}
    {'trajectories': 100, 'events': 2500, 'precision_bits': 32}
    """
    numbers = {"trajectories": trajectories, "events": events, "precision_bits": _BITS.get(precision, 0)}
    return {name: ((), np.int64(number)) for name, number in numbers.items()}


def refuse_changed(store: Store, text: str, setup: Setup, sources: Sources, platform: str) -> None:
    """Refuse to go on with a store whose study was another one."""
    if parsed(text) != parsed(store.text):
        raise StudyError(
            f"the store '{store.path}' belongs to another study file; give another --store, or the old file. "
            f"What differs:\n{_difference(store.text, text, 'study.toml of the store', 'study file given')}"
        )
    for role, path in files_of(setup.file, sources).items():
        copy = store.manifest["inputs"].get(role)
        if copy is None or digest_of_file(path) != store.manifest["files"][f"inputs/{copy['name']}"]:
            what = f"the module '{role.removeprefix(MODULE)}'" if role.startswith(MODULE) else f"the {role}"
            raise StudyError(
                f"{what} '{path}' has changed since the store '{store.path}' was begun; 'jaxsim resume {store.path}' "
                f"goes on with the store's own copy, or give another --store"
            )
    found = fingerprint(setup.network)
    if found != store.manifest["network"]:
        raise StudyError(
            f"the model of the store '{store.path}' has changed since it was begun (its file, the function that makes "
            f"it, or jaxsim's own); give another --store"
        )
    if platform != store.manifest["platform"]:
        raise StudyError(
            f"the store '{store.path}' was begun on {store.manifest['platform']} and this is {platform}, whose "
            f"floating point differs in the last digit; go on there, or give another --store"
        )


def refuse_other_backend(store: Store, backend: str) -> None:
    """Refuse to go on with a store whose event loop was run by another backend."""
    begun = store.manifest.get("backend", "xla")
    if backend != begun:
        raise StudyError(
            f"the store '{store.path}' was begun on the backend '{begun}' and this is '{backend}', whose floating "
            f"point differs in the last digit; go on where that backend runs, or give another --store"
        )


def refuse_edited(store: Store) -> None:
    """Refuse a store whose study file was edited in place; one that is missing is written again."""
    file = store.path / "study.toml"
    if os.path.lexists(file) and store.changed_files("study.toml"):
        try:
            now = study_text(file)
        except StudyError:
            now = ""
        raise StudyError(
            f"'{file}' has been changed since the store was made, whose results are those of the old one: delete it, "
            f"and 'jaxsim resume {store.path}' writes it as it was; to run a changed study, give its file to "
            f"'jaxsim run' with another --store. What differs:\n{_difference(store.text, now, 'as it was', 'as it is')}"
        )


def refuse_other_versions(store: Store) -> None:
    """Refuse to go on with a store that other versions have begun: their results differ in bits."""
    begun, present = ({"jaxsim": of["jaxsim"], **of["versions"]} for of in (store.manifest, present_versions()))
    changed = [f"{name} {begun[name]} (here {present[name]})" for name in DECIDING if begun[name] != present[name]]
    if changed:
        raise StudyError(
            f"the store '{store.path}' was begun with {', '.join(changed)}, and chunks of both would not fit together "
            f"to the last bit: use that version, or give another --store, or go on all the same with --other-version "
            f"(other_version=True in Python)"
        )


def refuse_links(store: Store) -> None:
    """Refuse to write into a store whose folders are links to elsewhere."""
    for name in (*FOLDERS, *ARRAYS, *(f"sums.zarr/{n}" for n in store.sums.names),
                 *(f"results.zarr/{n}" for n in store.results.names)):  # fmt: skip
        if (store.path / name).is_symlink():
            raise StudyError(
                f"'{store.path / name}' is a link to elsewhere, and nothing is written outside a store; "
                f"move the whole store instead of a part"
            )


def _difference(before: str, after: str, one: str, other: str) -> str:
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), one, other, lineterm="", n=1)
    return "\n".join(list(lines)[:40])


def read_study(path: Path, trusted: tuple[str, ...] = ()) -> tuple[str, Setup, Sources]:
    """Return the text and the setup of a study file, and where its files are."""
    text = study_text(path)
    decode(text)
    sources = Sources(path.parent, trusted)
    return text, read_setup(text, sources), sources
