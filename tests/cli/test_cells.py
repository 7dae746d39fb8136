"""What the commands print and write."""

import os
import signal
import subprocess
import sys
import threading
import time

import pytest
import xarray

from jaxsim.cli import main
from jaxsim.console.output import write_dataset

PNG = b"\x89PNG\r\n\x1a\n"
SHORT = ["--cells", "300", "--hours", "24", "--no-progress", "--seed", "5"]


def studies(path, *names):
    return [xarray.load_dataset(path / f"{name}.nc", engine="h5netcdf") for name in names]


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """The folder and the output of a small demonstration."""
    folder = tmp_path_factory.mktemp("demo")
    command = [sys.executable, "-m", "jaxsim.models.cell.demo", *SHORT, "--out", str(folder)]
    cache = tmp_path_factory.mktemp("cache")
    environment = {k: v for k, v in os.environ.items() if k != "JAXSIM_COMPILE_CACHE"} | {
        "XDG_CACHE_HOME": str(cache), "COLUMNS": "120",
    }  # fmt: skip
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder, done, cache


def test_the_demonstration_writes_every_figure_and_dataset(demo):
    folder, done, _ = demo
    names = {path.name for path in folder.iterdir()}
    figures = {"fates.png", "release.png", "lysis.png", "dose_response.png", "inhibitor_interval.png"}
    pdfs = {name.replace("png", "pdf") for name in figures}
    assert names == figures | pdfs | {"cells.nc", "dose_response.nc", "inhibitor_interval.nc"}
    assert all((folder / name).read_bytes().startswith(PNG) for name in figures)
    assert all(name in done.stdout for name in names)


def test_the_demonstration_prints_fates_with_intervals(demo):
    lines = demo[1].stdout.splitlines()
    assert "300 cells in each arm, after 24 h" in demo[1].stdout
    for fate in ("cycling", "arrested", "tolerant", "apoptotic", "pyroptotic"):
        row = next(line for line in lines if line.startswith(f"{fate}, %"))
        assert row.count(" to ") == 3
    assert any(line.startswith("IL-1alpha released") for line in lines)
    assert "events in" in demo[1].stdout


def test_the_dataset_is_complete_and_reads_back(demo):
    (cells, doses, intervals) = studies(demo[0], "cells", "dose_response", "inhibitor_interval")
    assert cells.sizes["arm"] == 3
    assert doses["dose"].values.tolist() == [d for d in (0, 15, 30, 60, 120, 240) for _ in range(2)]
    assert intervals.sizes["arm"] == 5
    assert cells.attrs["seed"] == 5
    assert cells["fate_fraction"].dims == ("arm", "time", "fate")
    assert cells["time"].attrs["units"] == "h"


def test_compiled_programs_are_kept_for_the_next_run(demo):
    assert list(demo[2].rglob("jaxsim/*/compiled-*/*"))


@pytest.mark.slow
def test_the_same_command_gives_the_same_cells_and_replaces_its_files(demo, tmp_path, capsys):
    (first,) = studies(demo[0], "cells")
    (tmp_path / "cells.nc").write_text("an earlier result")
    assert main(["cells", *SHORT, "--out", str(tmp_path), "--no-figures"]) == 0
    (second,) = studies(tmp_path, "cells")
    measured = ["wall_seconds", "compile_seconds"]
    xarray.testing.assert_identical(first.drop_vars(measured), second.drop_vars(measured))
    assert [path.name for path in tmp_path.iterdir()] == ["cells.nc"]
    assert f"Written: {tmp_path / 'cells.nc'}" in capsys.readouterr().out


def test_a_failed_write_leaves_the_earlier_file(tmp_path):
    class Broken:
        def to_netcdf(self, path, engine):
            path.write_text("half")
            raise OSError(28, "No space left on device")

    path = tmp_path / "cells.nc"
    path.write_text("an earlier result")
    with pytest.raises(OSError, match="No space left"):
        write_dataset(Broken(), path)
    assert path.read_text() == "an earlier result"
    assert [entry.name for entry in tmp_path.iterdir()] == ["cells.nc"]


# What a run of many cells says on stderr when it compiles its program, and when cells have ended.
COMPILING, RUNNING = "Finished tracing", "k/100M ["


@pytest.mark.parametrize("moment", [COMPILING, RUNNING], ids=["compiling", "running"])
def test_ctrl_c_stops_a_long_run_with_130(moment, demo, tmp_path, tmp_path_factory):
    cache = demo[2] if moment is RUNNING else tmp_path_factory.mktemp("cache")
    environment = {k: v for k, v in os.environ.items() if k != "JAXSIM_COMPILE_CACHE"} | {
        "XDG_CACHE_HOME": str(cache), "JAX_LOG_COMPILES": "1",
    }  # fmt: skip
    command = [sys.executable, "-m", "jaxsim", "cells", "--cells", "100000000", "--hours", "24", "--progress"]
    # A shell that ran the tests in the background made them ignore Ctrl-C, and children inherit that.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    process = subprocess.Popen([*command, "--out", str(tmp_path)], env=environment, stderr=subprocess.PIPE, text=True)
    signal.signal(signal.SIGINT, before)
    limit = threading.Timer(1800, process.kill)
    limit.start()
    with process:
        try:
            assert any(moment in line for line in process.stderr)
            time.sleep(0.5)
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=600)
        finally:  # or the study would go on for hours
            limit.cancel()
            process.kill()
    assert process.returncode == 130
    assert "jaxsim: interrupted" in errors
    assert "Fatal" not in errors
    assert list(tmp_path.iterdir()) == []
