"""What a study file, a store or a folder of somebody else may do: nothing outside the store, and no code unasked."""

import multiprocessing
import os
import shutil
import stat
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import jax
import pytest

import jaxsim as js
from jaxsim import _files, _process
from jaxsim.cli.main import main
from jaxsim.errors import SimulationError, StudyError
from jaxsim.runtime.program_cache import forget_oldest, keep_compiled_programs
from jaxsim.study.display import ProgressPace
from jaxsim.study.ledger import digest_of_file
from jaxsim.study.store import open_store, write_manifest

TIMES = "[simulation]\ntimes = 1.0\nmethod = 'mean_field'\n"
NET = "import jaxsim as js\ndef net(n=5):\n    return js.Network({'X': n}, ['X -> , k'], {'k': 1.0})\n"


def model(path, count):
    """Write a model file with so many X."""
    path.parent.mkdir(parents=True, exist_ok=True)
    js.write(js.Network({"X": count}, ["X -> , k"], {"k": 1.0}), path)


def first(store):
    """The mean of X at the end, at the first design point."""
    return float(js.open_study(store)["mean"][0, -1, 0])


@pytest.mark.parametrize("named", ["m.xml", "../m.xml", "../../m.xml", "sub/../m.xml", "absolute", "link"])
def test_inputs_are_copied_under_names_of_the_store(named, tmp_path):
    folder = tmp_path / "a" / "b"
    folder.mkdir(parents=True)
    file = (tmp_path / "m.xml") if named == "absolute" else folder / named
    (folder / "sub").mkdir()
    if named == "link":
        model(tmp_path / "elsewhere.xml", 7)
        file = folder / "link.xml"
        file.symlink_to(tmp_path / "elsewhere.xml")
        named = "link.xml"
    else:
        model(file, 7)
    written = file.read_bytes()
    study = folder / "s.toml"
    study.write_text(f"[model]\nfile = '{file if named == 'absolute' else named}'\n" + TIMES)
    before = set(tmp_path.rglob("*"))
    assert js.run_study(study, progress=False).complete
    store = folder / "s.store"
    outside = {path for path in tmp_path.rglob("*") if store not in path.parents} - before - {store}
    assert outside == set()
    assert file.read_bytes() == written
    assert [path.name for path in (store / "inputs").iterdir()] == ["model.xml"]
    value = first(store)
    model(file, 9)  # going on reads the store's copy; a run of the study file says that the file is another one
    (store / "ledger" / "done" / "00000000.json").unlink()
    (store / "ledger" / "results" / "00000000.json").unlink()
    with pytest.raises(StudyError, match=r"the model '.*' has changed since .* 'jaxsim resume"):
        js.run_study(study, progress=False)
    assert js.resume_study(store, progress=False).chunks == 1
    assert first(store) == value
    file.unlink()
    assert js.resume_study(store, progress=False).complete


def test_two_inputs_of_one_name_and_a_module_are_told_apart(tmp_path, capsys):
    (tmp_path / "one").mkdir()
    model(tmp_path / "one" / "same.xml", 5)
    (tmp_path / "same.xml").write_text("k\n1\n2\n")
    (tmp_path / "mine.py").write_text("import numpy as np\ndef last(states):\n    return states[-1, 0]\n")
    study = tmp_path / "s.toml"
    study.write_text(
        "[model]\nfile = 'one/same.xml'\n[design]\nkind = 'table'\nfile = 'same.xml'\n[simulation]\ntimes = 1.0\n"
        "trajectories = 40\nchunk = 20\n[statistics]\nreductions = {last = 'mine:last'}\n"
    )
    assert js.run_study(study, task=0, of=4, progress=False).chunks
    store = tmp_path / "s.store"
    assert sorted(path.name for path in (store / "inputs").iterdir()) == ["model.xml", "module_2.py", "table.csv"]
    (tmp_path / "mine.py").write_text("def last(states):\n    raise ValueError('another')\n")
    with pytest.raises(StudyError, match=r"the module 'mine' '.*mine.py' has changed since"):
        js.run_study(study, progress=False)
    assert js.resume_study(store).complete
    assert "mine.py' has changed since; the store goes on with its own copy" in capsys.readouterr().err
    assert not list(store.rglob("*.pyc"))


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        ("os:system", "cannot be imported: .* --trust os"),
        ("subprocess:run", "cannot be imported: .* --trust subprocess"),
        ("builtins:exec", "cannot be imported: .* --trust builtins"),
        ("mine:os.system", "is not of the form 'module:function'"),
        ("mine.os:system", "cannot be imported: .* --trust mine.os"),
        ("mine:system", "is not defined in 'mine' but imported there from 'posix'"),
        ("mine:run", "is not defined in 'mine' but imported there from 'subprocess'"),
        ("mine:_hidden", "names a private function"),
        ("mine:__import__", "names a private function"),
        ("mine:os", "has no function 'os'"),
        ("../mine:net", "is not of the form"),
        ("/etc/mine:net", "is not of the form"),
        ("inside/mine:net", "is not of the form"),
        ("package:net", "cannot be imported: there is no file 'package.py' beside"),
        ("package.mine:net", "cannot be imported"),
        (":net", "is not of the form"),
        ("mine:", "is not of the form"),
    ],
)
def test_a_study_file_runs_functions_of_modules_beside_it_alone(entry, why, tmp_path, monkeypatch):
    (tmp_path / "mine.py").write_text(
        "import os\nfrom os import system\nfrom subprocess import run\ndef _hidden(): 1\n"
    )
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "__init__.py").write_text(NET)
    monkeypatch.syspath_prepend(str(tmp_path))  # as where Python is started in the folder
    for text in (
        f"[model]\nentry = '{entry}'\narguments = {{command = 'touch {tmp_path}/done'}}\n" + TIMES,
        "[model]\nspecies = {X = 5}\nparameters = {k = 1.0}\nreactions = ['X -> , k']\n[simulation]\ntimes = 1.0\n"
        f"[statistics]\nreductions = {{r = '{entry}'}}\n",
    ):
        (tmp_path / "s.toml").write_text(text)
        with pytest.raises(StudyError, match=why):
            js.run_study(tmp_path / "s.toml", progress=False)
    assert not (tmp_path / "done").exists()
    assert not (tmp_path / "s.store").exists()


def test_a_module_that_the_user_trusts_is_run_and_no_other(tmp_path, monkeypatch):
    elsewhere = tmp_path / "elsewhere" / "lab_models"
    elsewhere.mkdir(parents=True)
    (elsewhere / "__init__.py").write_text("from lab_models.decay import net\nfrom os import system\n")
    (elsewhere / "decay.py").write_text(NET)
    monkeypatch.syspath_prepend(str(tmp_path / "elsewhere"))
    study, store = tmp_path / "s.toml", tmp_path / "s.store"
    study.write_text("[model]\nentry = 'lab_models.decay:net'\n" + TIMES)
    with pytest.raises(StudyError, match=r"--trust lab_models\.decay"):
        js.run_study(study, trust=["lab_models"], progress=False)
    assert js.run_study(study, trust=["lab_models.decay"], progress=False).complete
    with pytest.raises(StudyError, match=r"--trust lab_models\.decay"):
        js.resume_study(store, progress=False)
    assert main(["resume", str(store), "--trust", "lab_models.decay", "--quiet"]) == 0
    study.write_text("[model]\nentry = 'lab_models:system'\n" + TIMES)
    with pytest.raises(StudyError, match="not defined in 'lab_models' but imported there"):
        js.run_study(study, store=tmp_path / "other", trust=["lab_models"], progress=False)


def test_a_module_beside_the_study_may_have_the_name_of_another(tmp_path):
    import colorsys

    (tmp_path / "colorsys.py").write_text(
        NET + "from dataclasses import dataclass\n@dataclass\nclass D:\n    x: 'int'\n"
    )
    (tmp_path / "s.toml").write_text("[model]\nentry = 'colorsys:net'\n" + TIMES)
    assert js.run_study(tmp_path / "s.toml", progress=False).complete
    assert sys.modules["colorsys"] is colorsys


def test_show_status_report_and_verify_run_nothing(tmp_path, capsys):
    proof = tmp_path / "ran"
    (tmp_path / "mine.py").write_text(
        f"import pathlib\npathlib.Path({str(proof)!r}).touch()\n{NET}\ndef last(states):\n    return states[-1, 0]\n"
    )
    study, store = tmp_path / "s.toml", tmp_path / "s.store"
    study.write_text("[model]\nentry = 'mine:net'\n" + TIMES)
    assert js.run_study(study, progress=False).complete
    assert proof.exists()
    proof.unlink()
    for name in [name for name in sys.modules if name.startswith("jaxsim_entry_")]:
        del sys.modules[name]
    for arguments in (["show", study], ["show", store], ["status", store], ["report", store], ["verify", store]):
        assert main([*map(str, arguments)]) == 0
    assert "functions that it runs, which 'show' does not: mine:net" in capsys.readouterr().out
    study.write_text(
        "[model]\nspecies = {X = 5}\nparameters = {k = 1.0}\nreactions = ['X -> , k']\n[simulation]\ntimes = 1.0\n"
        "[statistics]\nreductions = {last = 'mine:last'}\n"
    )
    assert main(["show", str(study)]) == 0
    assert not proof.exists()


def test_a_store_does_not_name_code_outside_itself(tmp_path):
    """A store from elsewhere may say that its study lay in the folder of the standard library: nothing there is run."""
    (tmp_path / "colorsys.py").write_text(NET)
    (tmp_path / "s.toml").write_text("[model]\nentry = 'colorsys:net'\n" + TIMES)
    assert js.run_study(tmp_path / "s.toml", progress=False).complete
    store = tmp_path / "s.store"
    manifest = open_store(store).manifest
    manifest = manifest | {"folder": str(Path(os.__file__).parent), "inputs": {}}
    write_manifest(store, manifest)
    with pytest.raises(StudyError, match=r"no file 'colorsys.py' in the store"):
        js.resume_study(store, progress=False)
    library = Path(os.__file__).with_name("colorsys.py")  # nor if it says that its own copy is lost
    copy = {"name": "module_0.py", "original": str(library)}
    files = manifest["files"] | {"inputs/module_0.py": digest_of_file(library)}
    write_manifest(store, manifest | {"inputs": {"module colorsys": copy}, "files": files})
    with pytest.raises(StudyError, match="cannot be had from"):
        js.resume_study(store, progress=False)
    for strange in ({"files": {"../x": "0"}}, {"sums": ["/tmp/x"]}, {"results": ["a/../../x"]}):
        write_manifest(store, manifest | strange)
        for read in (js.open_study, js.resume_study):
            with pytest.raises(StudyError, match="lies outside it"):
                read(store)


def test_nothing_is_written_through_a_link_out_of_a_store(tmp_path):
    (tmp_path / "s.toml").write_text(
        "[model]\nspecies = {X = 5}\nparameters = {k = 1.0}\nreactions = ['X -> , k']\n" + TIMES
    )
    assert js.run_study(tmp_path / "s.toml", progress=False).complete
    for part in ("runs", "results.zarr", "sums.zarr/mean"):
        store = tmp_path / "copy"
        shutil.copytree(tmp_path / "s.store", store)
        shutil.move(store / part, tmp_path / "outside")
        (store / part).symlink_to(tmp_path / "outside")
        with pytest.raises(StudyError, match="is a link to elsewhere"):
            js.resume_study(store, progress=False)
        shutil.rmtree(store)
        shutil.rmtree(tmp_path / "outside")


def test_pipes_devices_and_folders_are_refused_at_once(tmp_path, capsys):
    pipe, text = tmp_path / "pipe.toml", tmp_path / "s.toml"
    os.mkfifo(pipe)
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    for name in (pipe, "/dev/zero", tmp_path, tmp_path / "binary.toml", tmp_path / "nowhere.toml", "."):
        for command in ("run", "show", "optimise"):
            assert main([command, str(name)]) == 2, name
            error = capsys.readouterr().err
            assert error.count("\n") == 1, error
            assert "Traceback" not in error
    for section in ("[model]\nfile = '{}'\n", "[model]\nname = 'cell'\n[design]\nkind = 'table'\nfile = '{}'\n"):
        for name in (pipe, "/dev/zero", tmp_path, "a\\u0000b"):
            text.write_text(section.replace("'{}'", f'"{name}"') + TIMES)
            assert main(["show", str(text)]) == 2
            assert capsys.readouterr().err.count("\n") == 1
    for command in ("resume", "status", "show", "report", "verify"):
        for name in (pipe, "/dev/zero", tmp_path, tmp_path / "nowhere", "/"):
            assert main([command, str(name)]) == 2, (command, name)
            assert capsys.readouterr().err.count("\n") == 1
    for file in ("manifest.json", "manifest.copy.json"):
        os.mkfifo(tmp_path / file)
    assert main(["status", str(tmp_path)]) == 2


def test_another_version_goes_on_only_when_asked(tmp_path, monkeypatch, capsys):
    study, store = tmp_path / "s.toml", tmp_path / "s.store"
    study.write_text("[model]\nspecies = {X = 5}\nparameters = {k = 1.0}\nreactions = ['X -> , k']\n" + TIMES)
    assert js.run_study(study, progress=False).complete
    manifest = open_store(store).manifest
    for other in ({"jaxsim": "0.0.9"}, {"versions": manifest["versions"] | {"jax": "0.1.0"}}):
        write_manifest(store, manifest | other)
        for arguments in (["run", str(study)], ["resume", str(store)]):
            assert main(arguments) == 2
            assert "--other-version" in capsys.readouterr().err
            assert main([*arguments, "--other-version", "--quiet"]) == 0
        assert main(["show", str(store)]) == 0


def test_a_file_is_replaced_without_following_a_link(tmp_path, monkeypatch):
    target, victim = tmp_path / "results.nc", tmp_path / "victim"
    victim.write_text("precious")
    target.write_text("old")
    target.chmod(0o640)
    (tmp_path / f".results.nc.{os.getpid()}.part").symlink_to(victim)
    monkeypatch.setattr(os, "urandom", lambda n: b"\0" * n)  # even if its name could be foreseen
    foreseen = _files.temporary_beside(target)
    foreseen.symlink_to(victim)
    with pytest.raises(FileExistsError):
        _files.replace_file(target, lambda path: path.write_text("new"))
    foreseen.unlink()
    seen = []

    def write(path):
        seen.append(stat.S_IMODE(path.parent.stat().st_mode))
        path.write_text("new")

    _files.replace_file(target, write)
    assert (target.read_text(), victim.read_text()) == ("new", "precious")
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    assert seen == [0o700]
    with pytest.raises(ZeroDivisionError):
        _files.replace_file(target, lambda path: 1 // 0)
    assert target.read_text() == "new"
    assert [path.name for path in tmp_path.glob(".*") if path.is_dir()] == []


def test_what_a_dead_process_was_writing_is_removed_and_what_a_living_one_is_not(tmp_path):
    target = tmp_path / "results.nc"
    living = _files.temporary_beside(target)
    mark = _process.process_mark()
    dead = living.with_name(living.name.replace(mark, mark.rpartition("-")[0] + "-1"))
    for path in (living, dead):
        path.mkdir()
        (path / "half").touch()
    _files.replace_file(target, lambda path: path.write_text("new"))
    assert living.exists()
    assert not dead.exists()


def test_the_cache_of_compiled_programs_is_private_or_not_used(tmp_path, monkeypatch):
    monkeypatch.delenv("JAXSIM_COMPILE_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    told = {}
    monkeypatch.setattr(jax.config, "update", told.__setitem__)
    keep_compiled_programs()
    folder = Path(told.pop("jax_compilation_cache_dir"))
    assert [stat.S_IMODE(path.stat().st_mode) for path in (folder, *folder.parents[:2])] == [0o700] * 3
    folder.chmod(0o755)  # as earlier versions made it
    keep_compiled_programs()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    told.clear()
    folder.parent.chmod(0o777)
    with pytest.warns(UserWarning, match="may be written by everybody"):
        keep_compiled_programs()
    folder.parent.chmod(0o700)
    monkeypatch.setattr(os, "geteuid", lambda: folder.stat().st_uid + 1)
    with pytest.warns(UserWarning, match="belongs to another user"):
        keep_compiled_programs()
    for switched_off in ("off", "0"):
        monkeypatch.setenv("JAXSIM_COMPILE_CACHE", switched_off)
        keep_compiled_programs()
    assert told == {}
    monkeypatch.setenv("JAXSIM_COMPILE_CACHE", str(tmp_path / "mine"))
    keep_compiled_programs()
    assert told["jax_compilation_cache_dir"] == str(tmp_path / "mine")
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", str(tmp_path / "of JAX"))
    told.clear()
    keep_compiled_programs()
    assert told == {}


def test_the_cache_of_compiled_programs_does_not_grow_for_ever(tmp_path):
    for age, name in enumerate(("newest", "newer", "older", "oldest")):
        (tmp_path / name).write_bytes(bytes(100))
        os.utime(tmp_path / name, (1e9 - age, 1e9 - age))
    forget_oldest(tmp_path, 400)
    assert len(list(tmp_path.iterdir())) == 4
    forget_oldest(tmp_path, 399)
    assert {path.name for path in tmp_path.iterdir()} == {"newest"}


def simulated(seed):
    """In a child."""
    network = js.Network({"X": 5}, ["X -> , k"], {"k": 1.0})
    return float(js.simulate(network, times=[1.0], trajectories=10, seed=seed, progress=False)["mean"][0, 0])


def averaged(seed):
    """In a child."""
    return js.mean_field(js.Network({"X": 5}, ["X -> , k"], {"k": 1.0}), times=[1.0])


def differentiated(seed):
    """In a child."""
    network = js.Network({"X": 5}, ["X -> , k"], {"k": 1.0})
    return js.gradient(network, js.mean("X", at=1.0), free=["k"], trajectories=10, seed=seed)


@pytest.mark.filterwarnings("ignore:os.fork:RuntimeWarning", "ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_is_told_to_be_spawned():
    simulated(1)  # JAX starts
    with ProcessPoolExecutor(1, multiprocessing.get_context("fork")) as pool:
        for task in (simulated, averaged, differentiated):
            with pytest.raises(SimulationError, match="use spawn"):
                pool.submit(task, 1).result(timeout=60)
    simulated(1)  # the parent goes on


def test_distributed_outside_a_cluster_is_a_sentence(tmp_path, monkeypatch, capsys):
    study = tmp_path / "s.toml"
    study.write_text("[model]\nspecies = {X = 5}\nparameters = {k = 1.0}\nreactions = ['X -> , k']\n" + TIMES)
    assert main(["run", str(study), "--distributed"]) == 2
    assert "start jaxsim with srun or mpirun" in capsys.readouterr().err
    monkeypatch.setenv("SLURM_JOB_ID", "1")  # in a job, but not under srun
    assert main(["run", str(study), "--distributed"]) == 2
    error = capsys.readouterr().err
    assert "start jaxsim with srun or mpirun" in error
    assert error.count("\n") == 1


def test_nothing_left_takes_no_time():
    pace = ProgressPace(total=0, now=0.0)
    pace.note(0, now=100.0)
    assert pace.left(now=100.0) == (0.0, 0.0)
