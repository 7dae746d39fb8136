"""Mutated SBML and .net files end in our own errors: no trace, no crash of a library, no hang, no flood of memory."""

import subprocess
import sys
from pathlib import Path

import pytest
from test_net import MODEL

pytest.importorskip("libsbml")

import jaxsim as js
from jaxsim.formats.sbml.writer import sbml_text

WORKER = Path(__file__).parent / "mutants.py"


@pytest.fixture
def originals(tmp_path):
    """A model of every feature in each format."""
    network = js.Network(
        {"A": 100, "B": 3},
        ["2 A -> B @ k*A*(A - 1)", "-> A @ v*hill(B, h, 2)*exp(-k*t) + if(A > 50, 1, total)"],
        {"k": 0.1, "v": 3.25, "h": 40.0},
        observables={"total": "A + 2*B"},
        variables={"V": 0.5},
        events=[js.Event("t >= 5 and A > 3", {"V": "V/3", "A": "random_poisson(V*V)"}, priority=1)],
    )
    (tmp_path / "model.xml").write_text(sbml_text(network).replace("><", ">\n<"))
    (tmp_path / "model.net").write_text(MODEL.replace("{law}", "Sat k K"))
    return [str(tmp_path / name) for name in ("model.xml", "model.net")]


def run(originals, first, last):
    command = [sys.executable, str(WORKER), str(first), str(last), *originals]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=1800, cwd=Path(__file__).parents[2], check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert "refused" in done.stdout


def test_some_mutants_end_in_our_own_errors(originals):
    run(originals, 0, 60)


@pytest.mark.slow
def test_five_hundred_mutants_end_in_our_own_errors(originals):
    run(originals, 0, 500)
