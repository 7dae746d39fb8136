"""The SLURM templates against stand-ins for sbatch, srun and scontrol that set the variables SLURM sets."""

import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

import jaxsim as js
from jaxsim.study.store import open_store

SCRIPTS = Path(js.__file__).parent.parent / "scripts"
TEMPLATES = sorted((SCRIPTS / "slurm").glob("*.sbatch"))
SHELL = [*TEMPLATES, SCRIPTS / "demo", SCRIPTS / "test"]
SHELLCHECK = shutil.which("shellcheck", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")

SBATCH = """#!/usr/bin/env bash
# runs every task of the job at once, on this machine
array=; nodes=1
while [[ $1 == --* ]]; do
    case $1 in --array=*) array=${1#*=} ;; --nodes=*) nodes=${1#*=} ;; esac
    shift
done
export SLURM_JOB_ID=4711 SLURM_NNODES=$nodes STAND_IN_TASKS=$nodes
if [ -z "$array" ]; then exec bash "$@"; fi
first=${array%-*}; last=${array#*-}; jobs=()
for id in $(seq "$first" "$last"); do
    SLURM_ARRAY_JOB_ID=4711 SLURM_ARRAY_TASK_ID=$id SLURM_ARRAY_TASK_MIN=$first \\
        SLURM_ARRAY_TASK_COUNT=$((last - first + 1)) bash "$@" &
    jobs+=($!)
done
code=0
for job in "${jobs[@]}"; do wait "$job" || code=$?; done
exit "$code"
"""
SRUN = """#!/usr/bin/env bash
while [[ $1 == --* ]]; do shift; done
if [ "$STAND_IN_TASKS" -eq 1 ]; then exec "$@"; fi
export SLURM_STEP_NODELIST=127.0.0.1 SLURM_NTASKS=$STAND_IN_TASKS SLURM_LOCALID=0 SLURM_STEP_NUM_NODES=$STAND_IN_TASKS
steps=()
for process in $(seq 0 $((STAND_IN_TASKS - 1))); do SLURM_PROCID=$process "$@" & steps+=($!); done
code=0
for step in "${steps[@]}"; do wait "$step" || code=$?; done
exit "$code"
"""
SCONTROL = """#!/usr/bin/env bash
echo "$@" >> "$STAND_IN_LOG"
"""


@pytest.fixture
def cluster(tmp_path, environment):
    """The environment of a machine that seems to have SLURM."""
    folder = tmp_path / "bin"
    folder.mkdir()
    jaxsim = f'#!/usr/bin/env bash\nexec "{sys.executable}" -m jaxsim "$@"\n'
    for name, text in {"sbatch": SBATCH, "srun": SRUN, "scontrol": SCONTROL, "jaxsim": jaxsim}.items():
        (folder / name).write_text(text)
        (folder / name).chmod(stat.S_IRWXU)
    return {**environment, "PATH": f"{folder}:{os.environ['PATH']}", "STAND_IN_LOG": str(tmp_path / "scontrol.log")}


@pytest.mark.parametrize("path", SHELL, ids=lambda path: path.stem)
def test_scripts_are_sound_shell(path):
    assert subprocess.run(["bash", "-n", path], check=False).returncode == 0
    if path in TEMPLATES:
        assert "--signal=USR1@" in path.read_text()


def checked(path):
    """What shellcheck has against a script."""
    command = [SHELLCHECK, "--external-sources", "--source-path=SCRIPTDIR/..", path]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


@pytest.mark.skipif(not SHELLCHECK, reason="shellcheck is not installed; the extra 'test' brings it")
def test_shellcheck_has_nothing_against_the_scripts(tmp_path):
    assert [found for path in SHELL if (found := checked(path))] == []
    wrong = tmp_path / "wrong.sbatch"
    wrong.write_text(TEMPLATES[0].read_text().replace('"$study"', "$study"))
    assert "SC2086" in checked(wrong)  # an unquoted name: it does look


def submit(cluster, template, *arguments):
    path = next(path for path in TEMPLATES if path.stem == template)
    options = [argument for argument in arguments if str(argument).startswith("--")]
    rest = [argument for argument in arguments if argument not in options]
    return subprocess.Popen(
        ["sbatch", *options, path, *rest], env=cluster, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def test_an_array_completes_one_store(cluster, study, at_once, same, tmp_path):
    store = tmp_path / "array"
    process = submit(cluster, "array", "--array=3-4", study, store)
    _, err = process.communicate(timeout=1800)
    assert process.returncode == 0, err
    same(store, at_once)


@pytest.mark.slow
def test_several_nodes_complete_one_store(cluster, study, at_once, same, tmp_path):
    store = tmp_path / "nodes"
    process = submit(cluster, "several_nodes", "--nodes=2", study, store)
    _, err = process.communicate(timeout=1800)
    assert process.returncode == 0, err
    assert len(list(open_store(store).runs.glob("*.json"))) == 2
    same(store, at_once)


@pytest.mark.slow
def test_a_warned_job_goes_back_into_the_queue_and_goes_on(cluster, study, at_once, same, tmp_path):
    store = tmp_path / "warned"
    process = submit(cluster, "single_node", study, store)
    while process.poll() is None and not list((store / "runs").glob("*.json")):
        time.sleep(0.002)
    process.send_signal(signal.SIGUSR1)
    out, err = process.communicate(timeout=1800)
    assert process.returncode == 0, err
    assert "back into the queue" in out
    assert Path(cluster["STAND_IN_LOG"]).read_text() == "requeue 4711\n"
    again = submit(cluster, "single_node", study, store)
    assert again.wait(timeout=1800) == 0
    same(store, at_once)
