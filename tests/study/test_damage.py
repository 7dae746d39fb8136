"""Damage of stores: flipped bits, deleted and cut files are found or harmless, named, and mended by going on."""

import dataclasses
import json
import os
import random
import shutil
import signal
import time

import numpy as np
import pytest

import jaxsim as js
from jaxsim.cli.main import main
from jaxsim.errors import StudyError
from jaxsim.study import arrays
from jaxsim.study.arrays import Results, Sums
from jaxsim.study.damage import damage_of
from jaxsim.study.ledger import sealed
from jaxsim.study.results import state_of
from jaxsim.study.store import open_store

STUDY = """
[study]
seed = 11
[model]
species = {I = 5}
parameters = {beta = 0.5, gamma = 0.2}
reactions = ["-> I, beta", "I -> , gamma"]
[design]
kind = "table"
file = "table.csv"
[simulation]
times = [2.0, 4.0]
trajectories = 90
chunk = 120
[stop]
output = "I"
half_width = 0.1
every = 60
"""


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A complete store with a stopping rule, an input and a report."""
    folder = tmp_path_factory.mktemp("small")
    (folder / "table.csv").write_text("beta,gamma\n0.3,0.2\n0.5,0.25\n")
    path = folder / "small.toml"
    path.write_text(STUDY)
    outcome = js.run_study(path, progress=False)
    assert outcome.complete
    assert main(["report", str(folder / "small.store")]) == 0
    return folder / "small.store"


def numbers(store):
    """Everything that is read from a store, bit for bit."""
    data = js.open_study(store)
    arrays = {str(n): (v.dims, np.ascontiguousarray(v.values).tobytes(), v.attrs) for n, v in data.variables.items()}
    return arrays, data.attrs


def told(state):
    """What ``status`` prints, but for damage."""
    return {key: value for key, value in dataclasses.asdict(state).items() if key not in ("verdict", "damaged")}


def flip(path, place):
    """Flip a bit of a file."""
    content = bytearray(path.read_bytes())
    content[place // 8] ^= 1 << place % 8
    path.write_bytes(bytes(content))


def fate_of(store, whole):
    """What has become of a store that was damaged: it is found, harmless, or read as a wrong number."""
    try:
        opened = open_store(store)
        state = state_of(opened)
        found = bool(state.damaged or list(damage_of(opened)))
        if not state.damaged and told(state) != whole[1]:
            return "a wrong number"
    except StudyError:
        found = True
    try:
        if numbers(store) != whole[0]:
            return "a wrong number"
    except StudyError:
        found = True
    return "found" if found else "harmless"


def flipped(store, number, seed):
    """The fates of flipped bits, by (file, bit), each in a file drawn from all files of the store."""
    generator = random.Random(seed)
    files = sorted(path for path in store.rglob("*") if path.is_file() and path.stat().st_size)
    whole = numbers(store), told(state_of(open_store(store)))
    fates = {}
    for _ in range(number):
        path = generator.choice(files)
        place, before = generator.randrange(8 * path.stat().st_size), path.read_bytes()
        flip(path, place)
        fates[path, place] = fate_of(store, whole)
        path.write_bytes(before)
    assert fate_of(store, whole) == "harmless"
    return fates


def judged(fates):
    """Wrong numbers, which must not be, and the share that was found."""
    wrong = [place for place, fate in fates.items() if fate == "a wrong number"]
    return wrong, sum(fate == "found" for fate in fates.values()) / len(fates)


def test_two_hundred_flipped_bits_are_found_or_harmless(small):
    wrong, found = judged(flipped(small, 200, 1))
    assert wrong == []
    assert found > 0.95


@pytest.mark.slow
def test_two_thousand_flipped_bits_are_found_or_harmless(small):
    wrong, found = judged(flipped(small, 2_000, 2))
    assert wrong == []
    assert found > 0.95


def test_a_number_that_another_program_wrote_is_found_and_the_judge_sees_it(small, tmp_path, monkeypatch):
    """Its checksum is right, so the digest alone tells; without it, the negative control, it is a wrong number."""
    import zarr

    store = tmp_path / "written"
    shutil.copytree(small, store)
    whole = numbers(store), told(state_of(open_store(store)))
    array = zarr.open_array(store / "results.zarr" / "mean", mode="r+")
    array[0, 0, 0] += 8.0
    assert fate_of(store, whole) == "found"
    real = Results.read
    monkeypatch.setattr(arrays, "digest", lambda arrays: "any")
    monkeypatch.setattr(Results, "read", lambda self, name, points, written: real(self, name, points, "any"))
    assert fate_of(store, whole) == "a wrong number"


ROUNDS = (  # what is damaged together: of the two manifests one, and files without which others cannot be read first
    ("manifest.json", "design.npz", "inputs/table.csv", "sums.zarr/zarr.json", "sums.zarr/status/zarr.json"),
    ("results.zarr/zarr.json", "results.zarr/mean/zarr.json", "results.zarr/time/c/0", "results.zarr/beta/c/0"),
    ("manifest.copy.json", "results.zarr/mean/c/0/0/0", "results.zarr/half_width/c/0", "sums.zarr/status/c/0/0/0"),
    ("ledger/claims/00000000.0001.json", "runs/*.json", "report/index.html"),
    ("ledger/done/00000000.json", "ledger/results/00000000.json"),
)


@pytest.mark.parametrize("how", ["flipped", *(pytest.param(how, marks=pytest.mark.slow) for how in ("deleted", "cut"))])
def test_whatever_is_damaged_is_named_and_mended_by_going_on(how, small, same, tmp_path, capsys):
    store = tmp_path / "damaged"
    shutil.copytree(small, store)
    for names in ROUNDS:
        if how == "deleted" and "runs/*.json" in names:
            continue  # notes that are gone are of no consequence
        for path in (next(store.glob(name)) for name in names):
            if how == "flipped":
                flip(path, 8 * (path.stat().st_size // 2))
            elif how == "cut":
                path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
            else:
                path.unlink()
        undone = how == "deleted" and names == ROUNDS[-1]  # what nothing says to be done is not done, and not damaged
        assert main(["verify", str(store)]) == (0 if undone else 1)
        shown = capsys.readouterr().out
        called = [
            name.removesuffix("*.json").replace("sums.zarr/status/c", "sums.zarr (chunk 0/c").partition("/c/")[0]
            for name in names
        ]
        assert [name for name in called if name not in shown] == (called if undone else [])
        assert main(["status", str(store)]) == (0 if undone else 1)
        assert "not complete: 0 of 2" in capsys.readouterr().out if undone else "damaged: " in capsys.readouterr().out
        if any(name.startswith("results.zarr") for name in names):
            with pytest.raises(StudyError, match="damaged"):
                js.open_study(store).load()
            assert main(["show", str(store)]) == 2
            assert "damaged" in capsys.readouterr().err
        assert js.resume_study(store).complete
        assert undone or "damaged; " in capsys.readouterr().err
        assert main(["report", str(store)]) == 0
        assert main(["verify", str(store)]) == 0
        same(store, small)
        capsys.readouterr()


def test_both_manifests_damaged_is_a_sentence(small, tmp_path, capsys):
    store = tmp_path / "lost"
    shutil.copytree(small, store)
    for name in ("manifest.json", "manifest.copy.json"):
        (store / name).write_bytes(b"{}")
    for command in ("verify", "status", "show", "report", "resume"):
        assert main([command, str(store)]) == 2
        assert "manifest.json' is damaged, and so is its copy" in capsys.readouterr().err


def test_an_edited_manifest_counts_for_nothing(small, same, tmp_path):
    store = tmp_path / "edited"
    shutil.copytree(small, store)
    manifest = json.loads((store / "manifest.json").read_text())
    (store / "manifest.json").write_text(json.dumps(manifest | {"seed": 12}))
    assert js.open_study(store).attrs["seed"] == 11
    assert js.resume_study(store, progress=False).complete
    assert list(damage_of(open_store(store))) == []
    same(store, small)


def test_an_edited_study_file_in_the_store_is_refused_with_what_differs(small, tmp_path, capsys):
    store = tmp_path / "edited"
    shutil.copytree(small, store)
    file = store / "study.toml"
    for edit in (lambda text: text.replace("seed = 11", "seed = 12"), lambda text: text + "# a comment\n"):
        text = file.read_text()
        file.write_text(edit(text))
        for command in ("resume", "show", "report"):
            assert main([command, str(store)]) == 2
            error = capsys.readouterr().err
            assert "'jaxsim resume" in error
            assert "+seed = 12" in error or "+# a comment" in error
        assert main(["verify", str(store)]) == 1
        assert "study.toml\n    delete it" in capsys.readouterr().out
        file.unlink()
        assert js.resume_study(store, progress=False).complete
        assert file.read_text() == text


def test_a_marker_of_another_chunk_says_nothing(small, tmp_path, same):
    store = tmp_path / "copied"
    shutil.copytree(small, store)
    done = store / "ledger" / "done"
    shutil.copyfile(done / "00000001.json", done / "00000000.json")
    (done / "00000001.json").write_bytes(sealed({}))
    assert len(list(damage_of(open_store(store)))) == 2
    assert js.resume_study(store, progress=False).complete
    assert list(damage_of(open_store(store))) == []
    same(store, small)


def test_a_disk_that_keeps_nothing_is_a_sentence_and_no_endless_loop(study, tmp_path, monkeypatch):
    monkeypatch.setattr(Sums, "read", lambda self, chunk, written: None)
    with pytest.raises(StudyError, match=r"chunk \d+ is damaged again after it was computed anew"):
        js.run_study(study, tmp_path / "bad", progress=False)


def kill_and_damage(study, store, start, kills, generator):
    """Start the study again and again, kill each process at work, damage one chunk of sums; then let one finish."""
    damaged = 0
    for _ in range(kills):
        done = len(list((store / "ledger" / "done").glob("*.json"))) if store.exists() else 0
        process = start("run", study, "--store", store, "--quiet")
        while process.poll() is None and len(list((store / "ledger" / "done").glob("*.json"))) < done + 2:
            time.sleep(0.001)
        time.sleep(generator.uniform(0.0, 0.1))
        process.kill()
        process.communicate()
        assert process.returncode in (-signal.SIGKILL, 0)
        files = sorted(path for path in (store / "sums.zarr").rglob("c/**/*") if path.is_file())
        path = generator.choice([path for path in files if not path.name.endswith(".partial")])
        how = generator.choice(["flip", "cut", "delete", "empty"])
        if how == "flip":
            flip(path, generator.randrange(8 * path.stat().st_size))
        elif how == "delete":
            path.unlink()
        else:
            path.write_bytes(path.read_bytes()[:3] if how == "cut" else b"")
        damaged += 1
    assert js.resume_study(store, progress=False).complete
    assert list(damage_of(open_store(store))) == []
    left = [path for path in store.rglob("*") if path.name.endswith((".part", ".partial"))]
    assert left == []
    return damaged


@pytest.mark.slow
def test_kills_with_a_damaged_chunk_each_leave_the_same_bits(study, at_once, same, start, tmp_path):
    store = tmp_path / "killed"
    assert kill_and_damage(study, store, start, 2, random.Random(3)) == 2
    same(store, at_once)


@pytest.mark.slow
def test_fifty_kills_with_a_damaged_chunk_each_leave_the_same_bits(start, finish, same, tmp_path, study):
    long = tmp_path / "long.toml"
    text = study.read_text().replace("trajectories = 1500", "trajectories = 100_000")
    long.write_text(text.replace("chunk = 400", "chunk = 1_000"))
    code, _, err = finish("run", long, "--store", tmp_path / "reference", "--quiet")
    assert code == 0, err
    assert kill_and_damage(long, tmp_path / "killed", start, 50, random.Random(4)) == 50
    same(tmp_path / "killed", tmp_path / "reference")


def test_what_dead_processes_left_is_removed(study, at_once, same, start, tmp_path):
    """A process killed while it makes the store leaves a folder, which the next start removes; partial files too."""
    process = start("run", study, "--store", tmp_path / "made")
    while process.poll() is None and not list(tmp_path.glob(".made.*.part")):
        time.sleep(0.0005)
    process.kill()
    process.communicate()
    left = list(tmp_path.glob(".made.*.part"))
    assert js.run_study(study, tmp_path / "made", task=0, of=12, progress=False).chunks == 1
    assert list(tmp_path.glob(".made.*.part")) == []
    assert left or (tmp_path / "made").exists()
    for folder in ("sums.zarr/status/c/0/0", "ledger/done"):
        (tmp_path / "made" / folder).mkdir(parents=True, exist_ok=True)
        partial = tmp_path / "made" / folder / "0.0123.partial"
        partial.write_bytes(b"half")
        os.utime(partial, (0, 0))
    assert js.resume_study(tmp_path / "made", progress=False).complete
    assert list((tmp_path / "made").rglob("*.partial")) == []
    same(tmp_path / "made", at_once)
