"""Stores: refused when the study has changed, whole after a full disk, damage and dead owners, and readable."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import jax
import numpy as np
import pytest

import jaxsim as js
from jaxsim.cli.main import main
from jaxsim.errors import StudyError
from jaxsim.kernels.state import LABELS
from jaxsim.runtime import stream
from jaxsim.runtime.programs import trace_count
from jaxsim.study import report
from jaxsim.study.ledger import ChunkOwner, Ledger
from jaxsim.study.results import state_of
from jaxsim.study.store import FORMAT, open_store

EXACT = ("mean", "variance", "covariance", "quantiles", "histogram_R", "survival", "passed", "status", "events")


def test_a_changed_study_is_refused_with_what_differs(study, at_once, tmp_path):
    other = tmp_path / "other.toml"
    other.write_text(study.read_text().replace("seed = 11", "seed = 12"))
    with pytest.raises(StudyError, match="belongs to another study file") as caught:
        js.run_study(other, at_once, progress=False)
    assert "-seed = 11" in str(caught.value)
    assert "+seed = 12" in str(caught.value)
    other.write_text("# a comment changes nothing\n" + study.read_text())
    assert js.run_study(other, at_once, progress=False).complete


def test_a_store_of_another_format_is_refused(at_once, tmp_path):
    """What a store counts has a place for each label: a change of them is another format."""
    labels = "ok, absorbed, step limit, overflow, negative count, negative rate, rate not finite, bound violated, "
    labels += "variable not finite, trigger limit, clock not resolved"
    assert (FORMAT, ", ".join(LABELS)) == (3, labels), "raise FORMAT, then change this line"
    older = tmp_path / "older.store"
    shutil.copytree(at_once, older)
    manifest = json.loads((older / "manifest.json").read_text())
    (older / "manifest.json").write_text(json.dumps(manifest | {"format": 2}))
    (older / "manifest.copy.json").unlink()
    with pytest.raises(StudyError, match="has format 2, and this version of jaxsim reads 3; use version"):
        js.open_study(older)


def test_a_changed_model_is_refused(tmp_path):
    (tmp_path / "law.py").write_text(
        "import jaxsim as js, pathlib\nCOUNT = pathlib.Path(__file__).with_name('count.txt')\n"
        "def net():\n    return js.Network({'X': int(COUNT.read_text())}, ['X -> , k'], {'k': 1.0})\n"
    )
    (tmp_path / "count.txt").write_text("3")
    study = tmp_path / "s.toml"
    study.write_text('[model]\nentry = "law:net"\n[simulation]\ntimes = 1.0\nmethod = "mean_field"\n')
    assert js.run_study(study, progress=False).complete
    assert js.resume_study(tmp_path / "s.store", progress=False).complete  # its copy finds the file beside the original
    (tmp_path / "count.txt").write_text("4")
    for go_on in (lambda: js.run_study(study, progress=False), lambda: js.resume_study(tmp_path / "s.store")):
        with pytest.raises(StudyError, match=r"model of the store .* has changed"):
            go_on()


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 2 MiB, and a function that makes it larger."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(place)]
    if os.geteuid() or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("file systems may not be mounted here")
    yield place, lambda: subprocess.run(["mount", "-o", "remount,size=64m", str(place)], check=True)
    subprocess.run(["umount", str(place)], check=True)


def test_a_full_disk_is_a_sentence_and_the_store_goes_on(study, at_once, same, small_disk):
    place, enlarge = small_disk
    fill = place / "other_files"
    store = place / "full.store"
    js.run_study(study, store, task=0, of=12, progress=False)  # one chunk fits
    free = os.statvfs(place)
    fill.write_bytes(b"x" * (free.f_bavail * free.f_bsize - 8192))
    with pytest.raises(StudyError, match=r"disk of the store .* is full") as caught:
        js.run_study(study, store, progress=False)
    assert "\n" not in str(caught.value)
    assert js.open_study(store)["mean"].shape == (3, 5, 3)  # opens, with what it has
    assert state_of(open_store(store)).done >= 1
    assert not list(store.rglob("*.part"))
    enlarge()
    assert js.run_study(study, store, progress=False).complete
    same(store, at_once)


def test_damaged_sums_are_noticed_and_computed_again(study, at_once, same, tmp_path, capsys):
    store = tmp_path / "damaged"
    js.run_study(study, store, task=0, of=2, progress=False)
    opened = open_store(store)
    chunk = opened.plan.chunk(next(opened.ledger.done()))
    arrays = opened.sums.read(chunk, opened.ledger.facts(chunk.number)["digest"])
    opened.sums.write(chunk, {"status": arrays["status"] + 1})
    assert js.run_study(study, store).complete
    assert f"the sums of chunk {chunk.number} are damaged; they are computed again" in capsys.readouterr().err
    same(store, at_once)


def test_out_of_memory_halves_the_lanes_and_says_so(study, at_once, monkeypatch, tmp_path, capsys):
    real = stream.compiled

    def small_memory(program, inputs, devices):
        if program.lanes > 300:
            raise jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 1 bytes")
        return real(program, inputs, devices)

    monkeypatch.setattr(stream, "compiled", small_memory)
    assert js.run_study(study, tmp_path / "small").complete
    assert "out of memory with 1024 trajectories side by side; going on with 512" in capsys.readouterr().err
    found, wanted = js.open_study(tmp_path / "small"), js.open_study(at_once)
    for name in EXACT:
        assert np.array_equal(found[name].values, wanted[name].values), name


def test_other_errors_of_the_device_are_not_swallowed(study, monkeypatch, tmp_path):
    def broken(program, inputs, devices):
        raise jax.errors.JaxRuntimeError("INTERNAL: something else")

    monkeypatch.setattr(stream, "compiled", broken)
    with pytest.raises(jax.errors.JaxRuntimeError, match="something else"):
        js.run_study(study, tmp_path / "broken", progress=False)


def test_a_stopping_rule_stops_each_point_when_it_holds_whoever_computes(study, at_once, same, tmp_path):
    whole = js.open_study(at_once)
    errors = whole["standard_error"].sel(species="I", time=20.0).values
    limit = float(1.959964 * np.median(errors) * np.sqrt(1500 / 600))  # that point has enough with 800
    ruled = tmp_path / "ruled.toml"
    ruled.write_text(study.read_text() + f'\n[stop]\noutput = "I"\ntime = 20.0\nhalf_width = {limit}\n')
    assert js.run_study(ruled, tmp_path / "one", progress=False).complete
    for task in (1, 0):
        js.run_study(ruled, tmp_path / "two", task=task, of=2, progress=False)
    assert js.resume_study(tmp_path / "two", progress=False).complete
    same(tmp_path / "one", tmp_path / "two")
    data = js.open_study(tmp_path / "one")
    half = 1.959964 * data["standard_error"].sel(species="I", time=20.0).values
    taken = data["trajectories"].values
    assert set(taken.tolist()) <= {400, 800, 1200, 1500}
    assert len(set(taken.tolist())) > 1  # the points differ in what they need
    assert np.all((half < limit) | (taken == 1500))


def test_a_stopping_rule_that_is_not_met_is_said_everywhere(tmp_path, capsys):
    text = (
        "[model]\nspecies = {X = 0}\nparameters = {k = 1.0}\nreactions = ['-> X, k']\n"
        "[design]\nkind = 'grid'\nparameters.k.values = [0.0, 1.0, 16.0]\n"
        "[simulation]\ntimes = [1.0]\ntrajectories = 200\nchunk = 150\n"
        "[stop]\noutput = 'X'\nhalf_width = 0.2\nevery = 50\n"
    )
    study, store = tmp_path / "s.toml", tmp_path / "s.store"
    study.write_text(text)
    assert main(["run", str(study)]) == 3
    assert "complete" not in (error := capsys.readouterr().err)
    wanted = "stopped at its limit: precision not reached at 2 of 3 points"
    assert wanted in error
    outcome = js.resume_study(store, progress=False)
    assert outcome.complete  # all results are there
    assert outcome.verdict.startswith(wanted)
    still, moving = outcome.short
    assert (still.point, moving.point) == (0, 2)
    assert np.isnan(still.more)  # that all trajectories gave the same says nothing of the half-width
    half = 1.959964 * np.sqrt(float(js.open_study(store)["variance"][2, 0, 0]) / 200)
    assert moving.half_width == pytest.approx(half, rel=1e-6)
    assert 200 + moving.more == np.ceil(200 * (half / 0.2) ** 2)
    for command in ("status", "show"):
        assert main([command, str(store)]) == 0
        shown = capsys.readouterr().out
        assert wanted in shown
        assert f"point 2: ± {half:.3g} instead of 0.2; about {moving.more:,.0f} trajectories more" in shown
        assert "point 0: the half-width is not known" in shown
    assert main(["report", str(store), "--out", str(tmp_path)]) == 0
    page = (tmp_path / "index.html").read_text()
    assert f"S{wanted[1:]}" in page
    assert f"{moving.more:,.0f}</td>" in page
    capsys.readouterr()
    assert main(["status", str(store), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["short"][0]["more"] is None
    more = int(1.2 * (200 + moving.more))  # the law holds, but for the error of the variance
    study.write_text(text.replace("trajectories = 200", f"trajectories = {more}").replace("0.0, 1.0", "0.5, 1.0"))
    assert main(["run", str(study), "--store", str(tmp_path / "more")]) == 0
    assert "complete" in capsys.readouterr().err


def test_many_points_compile_once(study, tmp_path):
    many = tmp_path / "many.toml"
    values = ", ".join(f"{0.1 + 0.01 * k:.2f}" for k in range(60))
    many.write_text(
        study.read_text().replace("[0.3, 0.5, 0.8]", f"[{values}]").replace("trajectories = 1500", "trajectories = 70")
    )
    before = trace_count()
    js.run_study(many, progress=False)
    assert trace_count() <= before + 1
    assert int(js.open_study(tmp_path / "many.store")["reached"].sum()) == 60 * 5 * 70


def test_the_method_of_auto_is_chosen_once_and_noted(tmp_path):
    study = tmp_path / "many.toml"
    study.write_text(
        "[model]\nspecies = {X = 1000000}\nparameters = {k = 1.0}\nreactions = ['X -> , k']\n"
        "[design]\nkind = 'grid'\nparameters.k.values = [0.5, 1.0]\n"
        "[simulation]\ntimes = [0.1]\nmethod = 'auto'\ntrajectories = 64\n"
    )
    assert js.run_study(study, progress=False).complete
    store = open_store(tmp_path / "many.store")
    assert store.manifest["method"] in ("trapezoidal_tau_leap", "hybrid")
    assert store.manifest["method_reason"] in (tmp_path / "many.store" / "manifest.json").read_text()
    assert js.resume_study(store.path, progress=False).complete
    data = js.open_study(store.path)
    z = (data["mean"].isel(time=0, species=0) - 1e6 * np.exp(-np.array([0.05, 0.1]))) / data["standard_error"][:, 0, 0]
    assert np.all(np.abs(z) < 5)


def test_rate_equations_over_a_design(tmp_path):
    study = tmp_path / "decay.toml"
    study.write_text(
        "[model]\nspecies = {X = 100}\nparameters = {k = 1.0}\nreactions = ['X -> , k']\n"
        "[design]\nkind = 'grid'\nparameters.k.values = [0.5, 1.0, 2.0]\n"
        "[simulation]\ntimes = [0.0, 1.0]\nmethod = 'mean_field'\nchunk = 2\n"
    )
    assert js.run_study(study, progress=False).complete
    data = js.open_study(tmp_path / "decay.store")
    assert np.allclose(data["mean"].isel(time=1, species=0), 100 * np.exp(-np.array([0.5, 1.0, 2.0])), rtol=1e-6)


@pytest.mark.parametrize(("rate", "bits", "text"), [("k*1e60*X", 32, "single at all"), ("k*X", 64, "double at all")])
def test_each_point_says_in_which_precision_it_ran(rate, bits, text, tmp_path):
    study = tmp_path / "decay.toml"
    study.write_text(
        f"[model]\nspecies = {{X = 9}}\nparameters = {{k = 1.0}}\nreactions = ['X -> @ {rate}']\n"
        "[design]\nkind = 'grid'\nparameters.k.values = [1e-60, 2e-60]\n"
        "[simulation]\ntimes = [1.0]\ntrajectories = 64\n"
    )
    assert js.run_study(study, progress=False).complete
    data = js.open_study(tmp_path / "decay.store")
    assert data["precision_bits"].values.tolist() == [bits, bits]
    assert text in report._precision("auto", data["precision_bits"].values)


def test_results_are_read_when_they_are_used(at_once):
    data = js.open_study(at_once)
    assert not data["mean"].variable._in_memory
    assert data["beta"].dims == ("point",)
    assert data.sel(species="I", time=20.0)["mean"].shape == (3,)
    assert data.attrs["seed"] == 11


class Elsewhere(ChunkOwner):
    """An owner on another machine."""

    def write(self):
        super().write()
        path = self.folder / f"{self.name}.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), "machine": "another"}))


def test_claims_of_the_dead_are_taken_over_and_those_of_the_living_are_not(tmp_path):
    ledger, owners = Ledger(tmp_path / "ledger"), tmp_path / "owners"
    ledger.create()
    owners.mkdir()
    me, other, far = ChunkOwner(owners), ChunkOwner(owners), Elsewhere(owners)
    for owner in (me, other, far):
        owner.write()
    assert ledger.claim(0, other)
    assert ledger.claim(1, far)
    assert not ledger.claim(0, me)  # alive on this machine
    assert not ledger.claim(1, me)  # its heartbeat is young
    os.utime(owners / f"{far.name}.json", (0, 0))
    assert ledger.claim(1, me)
    assert ledger.holder(1) == me.name
    assert not ledger.claim(1, other)
    (owners / f"{other.name}.json").unlink()
    assert ledger.claim(0, me)
    assert ledger.complete(0, me, {"digest": ""})
    assert not ledger.complete(0, far, {"digest": ""})
    assert not ledger.claim(0, far)


def test_status_show_and_exports(at_once, tmp_path, capsys):
    assert main(["status", str(at_once)]) == 0
    assert "12 of 12" in capsys.readouterr().out
    assert main(["show", str(at_once)]) == 0
    assert "±" in capsys.readouterr().out
    csv, netcdf = tmp_path / "r.csv", tmp_path / "r.nc"
    assert main(["show", str(at_once), "--csv", str(csv), "--netcdf", str(netcdf)]) == 0
    assert len(csv.read_text().splitlines()) == 1 + 3 * 5 * 3
    import xarray

    with xarray.open_dataset(netcdf, engine="h5netcdf") as back:
        assert np.array_equal(back["mean"].values, js.open_study(at_once)["mean"].values)
    assert main(["show", str(tmp_path)]) == 2
    assert "no store of a study" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("mean", "error", "text"),
    [(36.599, 0.3, "36.6 ± 0.6"), (3.8647, 0.05, "3.9 ± 0.1"), (123456.0, 300.0, "123500 ± 600"), (5.0, 0.0, "5 ± 0")],
)
def test_means_have_the_digits_that_their_intervals_bear(mean, error, text):
    assert report._interval(mean, error) == text


def test_the_report_is_one_page_that_asks_for_nothing(at_once, tmp_path, capsys):
    assert main(["report", str(at_once), "--out", str(tmp_path)]) == 0
    page = (tmp_path / "index.html").read_text()
    for wanted in ("epidemic", "data:image/svg+xml;base64,", "beta*S*I/65", "absorbed", "commit", "precision"):
        assert wanted in page
    asking = [word for word in ("http://", "https://", "<script", "@import", "url(") if word in page]
    assert asking == []
    names = {path.name for path in tmp_path.iterdir()}
    for figure in ("courses", "response_beta", "survival"):
        assert {f"{figure}.png", f"{figure}.pdf", f"{figure}.svg"} <= names


def test_the_doctor_finds_nothing_and_then_something(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", str(tmp_path))
    assert main(["doctor"]) == 0
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", str(Path("/proc/nowhere")))
    assert main(["doctor"]) == 1
    assert "FIX cache" in capsys.readouterr().out
