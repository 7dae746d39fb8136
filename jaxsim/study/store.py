"""The store of a study: a folder that holds the study file, the plan, the ledger, the sums and the results."""

import difflib
import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from jaxsim.errors import StudyError
from jaxsim.network.fingerprint import fingerprint
from jaxsim.study.arrays import Results, Sums
from jaxsim.study.continuous import Continuous
from jaxsim.study.counted import Counted
from jaxsim.study.decode import decode, parsed
from jaxsim.study.designs import Points
from jaxsim.study.files import read_json, write_file
from jaxsim.study.ledger import Ledger
from jaxsim.study.plan import Plan
from jaxsim.study.setup import Setup, read_setup

FORMAT = 2  # of what a store holds; another where arrays, facts of chunks or labels of the status change
Engine = Counted | Continuous


@dataclass(frozen=True)
class Store:
    """An existing store."""

    path: Path
    manifest: dict[str, Any]
    plan: Plan
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
        """The study file, word for word."""
        return (self.path / "study.toml").read_text()

    def points(self) -> Points:
        """Return the design points as they were drawn when the store was made."""
        found = np.load(self.path / "design.npz")
        return Points(tuple(self.manifest["varied"]), found["values"])

    def setup(self) -> Setup:
        """Return the study, read from the store's own copies of its files."""
        folder = Path(self.manifest["folder"])
        return read_setup(self.text, _with_copies(self.path / "inputs", folder), self.points())


def open_store(path: str | Path) -> Store:
    """Open a store.

    Raises
    ------
    StudyError
        If there is none, or another version of jaxsim made it in another format.
    """
    path = Path(path)
    manifest = read_json(path / "manifest.json")
    if manifest is None:
        raise StudyError(f"'{path}' is no store of a study; give the folder that 'jaxsim run' has made")
    if manifest.get("format") != FORMAT:
        raise StudyError(
            f"the store '{path}' has format {manifest.get('format')}, and this version of jaxsim reads {FORMAT}; "
            f"use version {manifest.get('jaxsim')} (commit {manifest.get('commit')}), or run the study anew"
        )
    plan = Plan(**manifest["plan"])
    return Store(
        path,
        manifest,
        plan,
        Ledger(path / "ledger"),
        Sums(path / "sums.zarr", plan),
        Results(path / "results.zarr", plan),
    )


def create_store(path: Path, text: str, folder: Path, setup: Setup, engine: Engine, facts: dict[str, Any]) -> Store:
    """Make a store, whole or not at all, and open it; another process may have made it meanwhile.

    Parameters
    ----------
    path
        Where.
    text
        The study file, word for word.
    folder
        Of the study file.
    setup, engine
        The study.
    facts
        Provenance for the manifest.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}.part")
    try:
        _fill(temporary, text, folder, setup, engine, facts)
        try:
            os.rename(temporary, path)  # atomic; fails if the folder is there and not empty
        except OSError:
            if read_json(path / "manifest.json") is None:
                raise StudyError(f"'{path}' is there and is no store of a study; give another --store") from None
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    store = open_store(path)
    refuse_changed(store, text, setup, engine.devices[0].platform)
    return store


def _fill(path: Path, text: str, folder: Path, setup: Setup, engine: Engine, facts: dict[str, Any]) -> None:
    plan = engine.plan()
    for part in ("owners", "runs", "inputs"):
        (path / part).mkdir(parents=True)
    for name in _files(setup):
        (path / "inputs" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(folder / name, path / "inputs" / name)
    Ledger(path / "ledger").create()
    Sums(path / "sums.zarr", plan).create(engine.leaves)
    columns = {name: setup.points.values[:, k] for k, name in enumerate(setup.points.names)}
    Results(path / "results.zarr", plan).create(finished_template(setup, engine), columns)
    np.savez(path / "design.npz", values=setup.points.values)
    write_file(path / "study.toml", text.encode())
    manifest = {
        "format": FORMAT,
        "plan": plan.record(),
        "varied": list(setup.points.names),
        "folder": str(folder.resolve()),
        "platform": engine.devices[0].platform,
        "network": fingerprint(setup.network),
        **facts,
    }
    write_file(path / "manifest.json", json.dumps(manifest, indent=1).encode())


def finished_template(setup: Setup, engine: Engine) -> Any:
    """Return the variables of the results of one design point."""
    data = engine.template()
    return data.assign(trajectories=((), np.int64(0)), events=((), np.int64(0))).sel(species=list(setup.outputs))


def refuse_changed(store: Store, text: str, setup: Setup, platform: str) -> None:
    """Refuse to go on with a store whose study was another one."""
    if parsed(text) != parsed(store.text):
        lines = difflib.unified_diff(
            store.text.splitlines(), text.splitlines(), "study.toml of the store", "study file given", lineterm="", n=1
        )
        raise StudyError(
            f"the store '{store.path}' belongs to another study file; give another --store, or the old file. "
            f"What differs:\n" + "\n".join(lines)
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


def _files(setup: Setup) -> list[str]:
    design = setup.file.design
    names = [setup.file.model.file, design.file if design else None]
    return [name for name in names if name is not None]


def _with_copies(copies: Path, folder: Path) -> Path:
    """Return the folder of copies if it holds anything, else the one of the study file, where modules are."""
    return copies if any(copies.iterdir()) else folder


def read_study(path: Path) -> tuple[str, Setup]:
    """Return the text and the setup of a study file."""
    try:
        text = path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise StudyError(f"the study file '{path}' cannot be read ({error}); give a TOML file in UTF-8") from error
    decode(text)
    return text, read_setup(text, path.parent)
