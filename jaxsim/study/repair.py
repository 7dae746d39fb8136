"""Mend a store before work on it goes on: rewrite damaged files, and forget what is not as it was written."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from jaxsim._files import PART_SUFFIX, temporary_beside
from jaxsim.errors import StudyError
from jaxsim.study.ledger import NOBODY, ChunkOwner, digest_of_file, is_damaged, sealed, write_file
from jaxsim.study.setup import Setup
from jaxsim.study.sources import Sources, files_of
from jaxsim.study.store import FOLDERS, MANIFESTS, Engine, Store, write_known_files


def mend_files(store: Store, setup: Setup, sources: Sources, engine: Engine, say: Callable[[str], None]) -> None:
    """Write the files again that are not as they were when the store was made.

    All of them follow from the study, so they are made anew in a folder of their own, and each that is needed is
    taken from there if it is what it was.

    Raises
    ------
    StudyError
        If one comes out otherwise than it was.
    """
    for folder in FOLDERS:
        (store.path / folder).mkdir(parents=True, exist_ok=True)
    for name in MANIFESTS:
        if is_damaged(store.path / name) or not (store.path / name).exists():
            say(f"{name} of the store is damaged; it is written again from its copy")
            _put(store.path / name, sealed(store.manifest))
    _mend_notes(store, say)
    damaged = store.changed_files()
    if not damaged:
        return
    room = temporary_beside(store.path / "mended")
    room.mkdir()
    try:
        (room / "inputs").mkdir()
        known = store.manifest["inputs"]
        inputs = {known[role]["name"]: path for role, path in files_of(setup.file, sources).items()}
        write_known_files(room, store.text, setup, inputs, engine, store.plan)
        for name in damaged:
            if digest_of_file(room / name) != store.manifest["files"][name]:
                raise StudyError(
                    f"'{store.path / name}' is damaged, and these versions write it otherwise "
                    f"({store.manifest['versions']} made it); put it back from a backup, or run the study anew"
                )
            say(f"{name} of the store is damaged; it is written again")
            _put(store.path / name, (room / name).read_bytes())
    finally:
        shutil.rmtree(room, ignore_errors=True)


def _mend_notes(store: Store, say: Callable[[str], None]) -> None:
    """Remove damaged notes of processes; note that a chunk whose claim is damaged was claimed by nobody known."""
    for path in [*store.runs.glob("*.json"), *store.owners.glob("*.json")]:
        if is_damaged(path):
            say(f"{path.relative_to(store.path)} of the store, a note of a process, is damaged; it is removed")
            path.unlink(missing_ok=True)
    for path in store.ledger.claims.glob("*.json"):
        if is_damaged(path):
            say(f"{path.relative_to(store.path)} of the store is damaged; the chunk counts as claimed by nobody")
            write_file(path, sealed({"chunk": int(path.name.partition(".")[0]), "owner": NOBODY}))


def _put(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_dir() and not path.is_symlink():
        raise StudyError(f"'{path}' is a folder where a file of the store should be; remove it, then resume")
    write_file(path, content)


def forget_damaged(store: Store, share: range) -> None:
    """Forget, of a share, the chunks whose sums and the groups whose results are not what was written."""
    plan, ledger = store.plan, store.ledger
    for number in share:
        facts = ledger.facts(number)
        if ledger.is_chunk_damaged(number) or (
            facts is not None and store.sums.read(plan.chunk(number), facts["digest"]) is None
        ):
            ledger.forget(number)
    for group in range(share.start, plan.groups, share.step):
        digests = ledger.group_digests(group)
        if ledger.is_group_damaged(group) or (digests is not None and not all_whole(store, group, digests)):
            ledger.forget_group(group)


def all_whole(store: Store, group: int, digests: dict[str, str]) -> bool:
    """Return whether all results of a group of design points are those that were written."""
    points = store.plan.chunk(group).points
    return all(store.results.read(name, points, digests.get(name)) is not None for name in store.results.names)


def remove_left_overs(store: Store, owner: ChunkOwner) -> None:
    """Remove files that processes were writing when they died: nobody else is at work, and they are older than we."""
    if any(path.stem != owner.name and owner.lives(path.stem) for path in store.owners.glob("[0-9a-f]*.json")):
        return
    born = (store.owners / f"{owner.name}.json").stat().st_mtime_ns
    for folder, folders, files in os.walk(store.path):
        for name in [*files, *(name for name in folders if name.endswith(PART_SUFFIX))]:
            path = Path(folder) / name
            if name.endswith((PART_SUFFIX, ".partial")) and _written_before(path, born):
                if path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path, ignore_errors=True)
                else:
                    path.unlink(missing_ok=True)


def _written_before(path: Path, moment: int) -> bool:
    try:
        return os.lstat(path).st_mtime_ns < moment
    except FileNotFoundError:
        return False
