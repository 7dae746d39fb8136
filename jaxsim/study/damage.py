"""Find damage in a store: every file is compared with the digest of what was put there."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from jaxsim.study.ledger import digest_of_file, is_damaged
from jaxsim.study.plan import named_points
from jaxsim.study.store import MANIFESTS, Store

DIGESTS = "SHA256SUMS"  # in the folder of a report, as the program sha256sum reads and writes it
RESUME = "computed again by 'jaxsim resume'"


def changed_originals(store: Store) -> list[str]:
    """Return the files of which the store has copies and which are others now; it goes on with its copies."""
    known = store.manifest["files"]
    return [
        copy["original"]
        for copy in store.manifest["inputs"].values()
        if digest_of_file(Path(copy["original"])) not in (None, known[f"inputs/{copy['name']}"])
    ]


class Damage(NamedTuple):
    """A part of a store that is not as it was written."""

    part: str
    """Its file or folder, relative to the store, and what it holds."""
    remedy: str
    """What mends it."""


def damage_of(store: Store, sums: bool = True) -> Iterator[Damage]:
    """Find everything in a store that is damaged; reads all of it.

    Parameters
    ----------
    store
        A store whose manifest can be read.
    sums
        Whether to read the sums too, from which results are made; they are the larger part.
    """
    yield from _damaged_known_files(store)
    yield from _damaged_chunks(store, sums)
    yield from _damaged_results(store)
    yield from _damaged_records(store)
    yield from _damaged_report(store)


def _damaged_known_files(store: Store) -> Iterator[Damage]:
    for name in MANIFESTS:
        if is_damaged(store.path / name) or not (store.path / name).is_file():
            yield Damage(name, "written again by 'jaxsim resume', from its copy")
    originals = {f"inputs/{copy['name']}": copy["original"] for copy in store.manifest["inputs"].values()}
    for name in store.changed_files():
        if name == "study.toml" and (store.path / name).exists():
            yield Damage(name, "delete it; 'jaxsim resume' writes it as it was")
        elif name in originals and (
            name.endswith(".py") or digest_of_file(Path(originals[name])) != store.manifest["files"][name]
        ):
            yield Damage(name, f"put back the file as it was, a copy of '{originals[name]}', then run 'jaxsim resume'")
        else:
            yield Damage(name, "written again by 'jaxsim resume'")


def _damaged_chunks(store: Store, sums: bool) -> Iterator[Damage]:
    ledger, unreadable = store.ledger, store.changed_files("sums.zarr/")
    for path in sorted(ledger.finished.glob("[0-9]*.json")):
        number = int(path.stem)
        facts = ledger.facts(number)
        if facts is None:
            yield Damage(f"ledger/done/{path.name} (chunk {number})", RESUME)
        elif sums and not unreadable and store.sums.read(store.plan.chunk(number), facts["digest"]) is None:
            points = named_points(store.plan.chunk(number).points)
            yield Damage(f"sums.zarr (chunk {number}, of {points})", RESUME)


def _damaged_results(store: Store) -> Iterator[Damage]:
    ledger, unreadable = store.ledger, store.changed_files("results.zarr/")
    for path in sorted(ledger.groups.glob("[0-9]*.json")):
        group = int(path.stem)
        points, digests = store.plan.chunk(group).points, ledger.group_digests(group)
        if digests is None:
            yield Damage(f"ledger/results/{path.name} (results of {named_points(points)})", RESUME)
            continue
        for name in store.results.names if not unreadable else ():
            if store.results.read(name, points, digests.get(name)) is None:
                yield Damage(f"results.zarr/{name} ({named_points(points)})", RESUME)


def _damaged_records(store: Store) -> Iterator[Damage]:
    notes = {
        store.ledger.claims: "the chunk counts as claimed by nobody, as 'jaxsim resume' notes",
        store.runs: "a note of what a process was and did, removed by 'jaxsim resume'",
        store.owners: "a note of a process at work, which it writes again; removed by 'jaxsim resume' if none is",
    }
    for folder, remedy in notes.items():
        for path in sorted(folder.glob("[0-9a-f]*.json")):
            if is_damaged(path):
                yield Damage(str(path.relative_to(store.path)), remedy)


def _damaged_report(store: Store) -> Iterator[Damage]:
    folder = store.path / "report"
    try:
        lines = (folder / DIGESTS).read_text().splitlines()
    except FileNotFoundError:
        return
    except (OSError, UnicodeDecodeError):
        lines = ["damaged  damaged"]
    for line in lines:
        digest, _, name = line.partition("  ")
        if not name or Path(name).name != name or digest_of_file(folder / name) != digest:
            yield Damage(f"report/{name if Path(name).name == name else DIGESTS}", "written again by 'jaxsim report'")
