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
from jaxsim.study.damage import damage_of
from jaxsim.study.files import sealed
from jaxsim.study.state import state_of
from jaxsim.study.store import open_store


@pytest.fixture(scope="module")
def small(tmp_path_factory, study):
    """A complete store with a stopping rule, inputs of its own and a report; and what is read from it."""
    folder = tmp_path_factory.mktemp("small")
    (folder / "table.csv").write_text("beta,gamma\n0.3,0.2\n0.5,0.25\n")
    path = folder / "small.toml"
    text = study.read_text().replace("parameters.beta.values = [0.3, 0.5, 0.8]", 'file = "table.csv"')
    text = text.replace('kind = "grid"', 'kind = "table"').replace("trajectories = 1500", "trajectories = 90")
    path.write_text(text.replace("chunk = 400", "chunk = 60") + '[stop]\noutput = "I"\nhalf_width = 0.1\n')
    outcome = js.run_study(path, progress=False)
    assert outcome.complete
    assert main(["report", str(folder / "small.store")]) == 0
    return folder / "small.store"


def numbers(store):
    """Everything that is read from a store as a number, bit for bit; the sentence where it is refused."""
    data = js.open_study(store)
    arrays = {str(n): (v.dims, np.ascontiguousarray(v.values).tobytes(), v.attrs) for n, v in data.variables.items()}
    return arrays, data.attrs


def told(store):
    """What ``status`` prints, but for damage."""
    state = dataclasses.asdict(state_of(open_store(store)))
    return {key: value for key, value in state.items() if key not in ("verdict", "damaged")}


def flip(path, place):
    """Flip a bit of a file."""
    content = bytearray(path.read_bytes())
    content[place // 8] ^= 1 << place % 8
    path.write_bytes(bytes(content))


def fate_of(store, path, place, whole):
    """What becomes of a flipped bit: found, harmless, or a wrong number; the file is as before afterwards."""
    before = path.read_bytes()
    flip(path, place)
    try:
        try:
            found = bool(list(damage_of(open_store(store))))
        except StudyError:
            found = True
        wrong = []
        for read, wanted in zip((numbers, told), whole, strict=True):
            try:
                seen = read(store)
            except StudyError:
                continue
            # what status could not read it leaves out, and it says that something is damaged
            if seen != wanted and not (read is told and state_of(open_store(store)).damaged):
                wrong.append(read.__name__)
        return "a wrong number" if wrong else "found" if found else "harmless"
    finally:
        path.write_bytes(before)


def flipped(store, number, seed):
    """The fates of flipped bits: of each, in a file drawn from all files of the store, with (file, bit)."""
    generator = random.Random(seed)
    files = sorted(path for path in store.rglob("*") if path.is_file() and path.stat().st_size)
    whole = numbers(store), told(store)
    fates = {}
    for _ in range(number):
        path = generator.choice(files)
        place = generator.randrange(8 * path.stat().st_size)
        fates[path, place] = fate_of(store, path, place, whole)
    assert (numbers(store), told(store)) == whole
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


def test_the_judge_of_flipped_bits_sees_a_wrong_number(small, monkeypatch):
    """A negative control: without the digests a flipped bit of a mean is another number."""
    from jaxsim.study import arrays, lazy

    monkeypatch.setattr(arrays, "digest", lambda arrays: "the same")
    ledger = open_store(small).ledger
    digests = dict.fromkeys(ledger.group_digests(0), "the same")
    monkeypatch.setattr(type(ledger), "group_digests", lambda self, group: digests)
    whole = numbers(small), told(small)
    real = lazy.LazyResults._group
    monkeypatch.setattr(lazy.LazyResults, "_group", lambda self, g: real(self, g) + (self.name == "mean"))
    assert (numbers(small), told(small)) != whole


KINDS = (
    "manifest.json", "manifest.copy.json", "design.npz", "inputs/table.csv", "sums.zarr/zarr.json",
    "sums.zarr/status/zarr.json", "results.zarr/zarr.json", "results.zarr/mean/zarr.json", "results.zarr/time/c/0",
    "results.zarr/beta/c/0", "results.zarr/mean/c/0/0/0", "results.zarr/half_width/c/0", "sums.zarr/status/c/0/0/0",
    "ledger/done/00000000.json", "ledger/results/00000000.json",
)  # fmt: skip


@pytest.mark.parametrize("how", ["flipped", "deleted", "cut"])
def test_whatever_is_damaged_is_named_and_mended_by_going_on(how, small, same, tmp_path, capsys):
    store = tmp_path / "damaged"
    shutil.copytree(small, store)
    for name in KINDS:
        if name == "manifest.copy.json":  # one of the two must be whole
            assert js.resume_study(store, progress=False).complete
        path = store / name
        if how == "flipped":
            flip(path, 8 * (path.stat().st_size // 2))
        elif how == "cut":
            path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        else:
            path.unlink()
        nothing_done = how == "deleted" and name.startswith("ledger")  # then it is just not done
        assert main(["verify", str(store)]) == 1, name
        assert nothing_done or name in capsys.readouterr().out, name
        if name.startswith("results.zarr"):
            with pytest.raises(StudyError, match="damaged"):
                js.open_study(store).load()
            assert main(["show", str(store)]) == 2
            assert "damaged" in capsys.readouterr().err
            assert main(["status", str(store)]) == 1
            assert "damaged: results.zarr/" in capsys.readouterr().out
    assert js.resume_study(store).complete
    assert "is damaged; it is written again" in capsys.readouterr().err
    assert main(["verify", str(store)]) == 0
    same(store, small)


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
    from jaxsim.study.arrays import Sums

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
