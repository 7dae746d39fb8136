"""Study files: what they say is what is simulated, and what they cannot say is refused in one sentence."""

import random
import re
from pathlib import Path

import numpy as np
import pytest

import jaxsim as js
from jaxsim.cli.main import main
from jaxsim.errors import JaxsimError, StudyError
from jaxsim.network.fingerprint import fingerprint
from jaxsim.study.designs import design_points
from jaxsim.study.schema import Axis, Design, decode
from jaxsim.study.setup import read_setup

FULL = """
[study]
name = "dosed clone"
description = "cells under a drug"
seed = 3

[model]
entry = "clone:network"

[parameters]
kill = {law = "lognormal", median = 0.4, cv = 0.3}
half = 1

[initial]
cells = 1000

[schedule]
drug = {amount = 10.0, every = 24.0, count = 2, unit = "", time_unit = "h"}
cells = [{amount = 50, at = 30.0}, {set = 10, at = [40.0]}]

[design]
kind = "sobol"
points = 4
seed = 2
[design.parameters.growth]
low = 0.01
high = 0.1
scale = "log"

[simulation]
times = {start = 0.0, stop = 48.0, step = 12.0}
trajectories = 5000
method = "direct"
precision = "float32"
max_events = 1000000
cells = 32

[outputs]
species = ["cells"]
observables = {alive = "cells > 0"}

[statistics]
covariance = false
quantiles = [0.05, 0.5, 0.95]
histograms = {cells = [0, 2000, 100]}
passages = {extinct = "cells == 0"}

[stop]
output = "cells"
time = 48.0
relative = 0.01
every = 1000
"""
CLONE = """
import jaxsim as js
def network():
    return js.Network(
        {"cells": 1}, ["cells -> 2 cells, growth", "cells -> @ kill*drug/(half + drug)*cells"],
        {"kill": 1.0, "half": 2.0, "growth": 0.03}, inputs={"drug": js.OneCompartment(0.5, 2.0)},
    )
"""
MODEL = '[model]\nspecies = {X = 5}\nparameters = {k = 1.0}\nreactions = ["X -> , k"]\n'
TIMES = "[simulation]\ntimes = [1.0, 2.0]\n"


def test_a_full_study_is_understood(tmp_path):
    (tmp_path / "clone.py").write_text(CLONE)
    setup = read_setup(FULL, tmp_path)
    assert setup.request.trajectories == 5000
    assert setup.request.times.tolist() == [0.0, 12.0, 24.0, 36.0, 48.0]
    assert setup.points.values.shape == (4, 1)
    assert setup.request.schedule["drug"][0].starts(np).tolist() == [0.0, 24.0]
    assert setup.network.parameters["kill"].median == 0.4
    assert dict(setup.network.structure.observables).keys() == {"alive"}


REFUSED = {
    "an unknown section": (MODEL + TIMES + "[dezign]\n", "unknown key 'dezign'; did you mean 'design'"),
    "an unknown key": (MODEL + TIMES + "trajectoreis = 5\n", "unknown key 'simulation.trajectoreis'; did you mean 't"),
    "an unknown key of an axis": (
        MODEL + TIMES + '[design]\nkind="grid"\nparameters.k.vales=[1.0]\n', "'design.parameters.k.vales'; did you"
    ),
    "a wrong type": (MODEL + TIMES + 'trajectories = "many"\n', "'simulation.trajectories' .* expected 'whole number'"),
    "a number too small": (MODEL + TIMES + "trajectories = 0\n", "'simulation.trajectories' .* >= 1"),
    "an infinite number": (MODEL + TIMES + "start = inf\n", "'simulation.start' is inf"),
    "no model": (TIMES, "lacks the key 'model'"),
    "two models": ('[model]\nname="cell"\nfile="a.xml"\n' + TIMES, "gives name and file"),
    "an unknown model": ('[model]\nname="cel"\n' + TIMES, "no model 'cel'; did you mean 'cell'"),
    "a file that is not there": ('[model]\nfile="nowhere.xml"\n' + TIMES, "no model file"),
    "an entry that is not there": ('[model]\nentry="nowhere:f"\n' + TIMES, "cannot be imported: .* --trust nowhere"),
    "an entry without function": ('[model]\nentry="nowhere"\n' + TIMES, "'module:function'"),
    "arguments a model does not take": ('[model]\nname="organism"\narguments={anmal="mouse"}\n' + TIMES, "organism"),
    "an unknown parameter": (MODEL + TIMES + "[parameters]\nkk = 1.0\n", "'kk'"),
    "an unknown law": (MODEL + TIMES + '[parameters]\nk = {law="lognormel", median=1.0, cv=1.0}\n', "did you mean"),
    "a law without its numbers": (MODEL + TIMES + '[parameters]\nk = {law="normal", mean=1.0}\n', "mean, sd"),
    "an unknown design": (MODEL + TIMES + '[design]\nkind="gird"\n', "no design 'gird'; did you mean 'grid'"),
    "an unknown parameter of the design": (
        MODEL + TIMES + '[design]\nkind="grid"\nparameters.q.values=[1.0]\n', "varies 'q', which is no parameter"
    ),
    "a Sobol design that is not balanced": (
        MODEL + TIMES + '[design]\nkind="sobol"\npoints=5\nparameters.k={low=1.0,high=2.0}\n', "power of two"
    ),
    "an empty range": (
        MODEL + TIMES + '[design]\nkind="sobol"\npoints=4\nparameters.k={low=2.0,high=1.0}\n', "low < high"
    ),
    "a population of equals": (MODEL + TIMES + '[design]\nkind="virtual population"\npoints=4\n', "all individuals"),
    "a dose without amount": (MODEL + TIMES + "[schedule]\nX = {at = 1.0}\n", "'amount' and 'set'"),
    "an unknown method": (MODEL + TIMES + 'method = "dirct"\n', "did you mean 'direct'"),
    "an unknown output": (MODEL + TIMES + '[outputs]\nspecies=["Y"]\n', "'outputs.species' names 'Y'"),
    "a rule for nothing": (MODEL + TIMES + '[stop]\noutput="Y"\nhalf_width=1.0\n', "'stop.output' is 'Y'"),
    "a rule without a width": (MODEL + TIMES + '[stop]\noutput="X"\n', "neither or both"),
    "no TOML": ("[model\n", "no TOML"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refusals_are_one_sentence(name, tmp_path):
    text, expected = REFUSED[name]
    with pytest.raises(JaxsimError) as caught:
        read_setup(text, tmp_path)
    assert re.search(expected, str(caught.value)), str(caught.value)
    assert "\n" not in str(caught.value)


def mutations(number, generator):
    """Study files with keys misspelt, values replaced, lines doubled, bytes changed and ends cut off."""
    values = [
        "nan",
        "-1",
        "0",
        "1e999",
        '"x"',
        "[]",
        "{}",
        "true",
        "9" * 30,
        "2020-01-01",
        "[[1]]",
        "''",
        "{a={}}",
        "-0.0",
    ]
    lines = FULL.splitlines()
    for _ in range(number):
        new = list(lines)
        for _ in range(generator.choice([1, 1, 2, 5])):
            k = generator.randrange(len(new))
            kind = generator.randrange(7)
            if kind == 0 and "=" in new[k]:
                new[k] = new[k].partition("=")[0] + "= " + generator.choice(values)
            elif kind == 1 and new[k]:
                place = generator.randrange(len(new[k]))
                new[k] = (
                    new[k][:place] + chr(generator.choice([*range(32, 127), 0, 9, 233, 0x1F600])) + new[k][place + 1 :]
                )
            elif kind == 2:
                new.insert(k, generator.choice(lines))
            elif kind == 3 and len(new) > 1:
                del new[k]
            elif kind == 4:
                new[k] = new[k].replace("=", generator.choice([".x =", "", "= [", "= {"]), 1)
            elif kind == 5:
                new[k] = generator.choice(["[[schedule.drug]]", "[design.parameters.k.x]", "[stop]", "[model]", "= 3"])
            else:
                new[k] = new[k][: generator.randrange(len(new[k]) + 1)]
        yield "\n".join(new)


@pytest.mark.parametrize("number", [2_000, pytest.param(10_000, marks=pytest.mark.slow)])
def test_mutations_meet_only_our_own_sentences(number):
    understood = 0
    for text in mutations(number, random.Random(5)):
        try:
            decode(text)
            understood += 1
        except StudyError as error:
            assert "\n" not in str(error), text
            assert len(str(error)) < 500, text
    assert 0.05 < understood / number < 0.95  # the fuzzer reaches both outcomes


@pytest.mark.parametrize("text", [b"\xff\xfe", "x = " + "[" * 100_000, "a." * 100_000 + "b = 1", "x = " + "9" * 10_000])
def test_hostile_files_are_refused(text):
    with pytest.raises(StudyError):
        decode(text)


def network():
    return js.Network({"X": 0}, ["-> X @ k*j"], {"k": 1.0, "j": js.Lognormal(1.0, 0.5)})


def test_each_design_covers_its_box(tmp_path):
    axes = {"k": Axis(low=1.0, high=100.0, scale="log"), "j": Axis(low=-1.0, high=1.0)}
    for kind in ("latin hypercube", "sobol"):
        values = design_points(Design(kind, points=64, seed=3, parameters=axes), network(), tmp_path).values
        strata = np.stack([np.log10(values[:, 0]) / 2, (values[:, 1] + 1) / 2])
        assert np.array_equal(np.sort(np.floor(strata * 64), axis=1), np.tile(np.arange(64.0), (2, 1))), kind
        again = design_points(Design(kind, points=64, seed=3, parameters=axes), network(), tmp_path).values
        assert np.array_equal(values, again)
    axes = {"k": Axis(values=[1.0, 2.0]), "j": Axis(low=0.0, high=1.0, points=3)}
    grid = design_points(Design("grid", parameters=axes), network(), tmp_path)
    assert grid.values.tolist() == [[1, 0], [1, 0.5], [1, 1], [2, 0], [2, 0.5], [2, 1]]
    people = design_points(Design("virtual population", points=500, seed=1), network(), tmp_path)
    assert people.names == ("j",)
    assert abs(np.median(people.values) - 1.0) < 0.1


def test_a_table_is_read_and_its_faults_are_named(tmp_path):
    def points(text):
        (tmp_path / "table.csv").write_text(text)
        return design_points(Design("table", file="table.csv"), network(), tmp_path)

    assert points("k,j\n1,2\n3,4\n").values.tolist() == [[1, 2], [3, 4]]
    for text, fault in (
        ("k,j\n1\n", "line 2 .* has 1 values"), ("k,k\n1,2\n", "twice"), ("k\nx\n", "no number"),
        ("k\nnan\n", "finite"), ("k\n", "holds 0 points"), ("q\n1\n", "'q', which is no parameter"),
    ):  # fmt: skip
        with pytest.raises(StudyError, match=fault):
            points(text)


def test_an_entry_point_beside_the_study_file_is_called(tmp_path):
    (tmp_path / "mine.py").write_text(
        "import jaxsim as js\ndef net(n=1):\n    return js.Network({'X': n}, ['X -> , k'], {'k': 1.0})\n"
        "def no():\n    return 3\n"
    )
    text = '[model]\nentry = "mine:net"\narguments = {n = 7}\n' + TIMES
    assert read_setup(text, tmp_path).network.initial["X"] == 7
    with pytest.raises(StudyError, match="does not take the arguments"):
        read_setup(text.replace("{n =", "{m ="), tmp_path)
    with pytest.raises(StudyError, match="returns a int"):
        read_setup('[model]\nentry = "mine:no"\n' + TIMES, tmp_path)


def test_the_study_of_the_tutorial_is_understood(tmp_path):
    page = (Path(js.__file__).parent.parent / "docs" / "tutorials" / "study.md").read_text()
    (text,) = re.findall(r"%%writefile epidemic.toml\n(.*?)```", page, re.DOTALL)
    setup = read_setup(text, tmp_path)
    assert setup.points.values.shape == (15, 2)
    assert setup.file.stop.half_width == 5.0


def test_the_command_line_refuses_in_one_sentence(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "2")
    study = tmp_path / "s.toml"
    study.write_text(MODEL + TIMES)
    for arguments, fault in (
        (["run", "nowhere.toml"], "'nowhere.toml' cannot be read"),
        (["run", str(study), "--task", "1"], "--task and --of go together"),
        (["run", str(study), "--task", "3", "--of", "2"], "task 3 of 2 does not exist"),
        (["resume", str(tmp_path)], "no store of a study"),
        (["run", str(study), "--distributed", "--coordinator", "localhost:1"], "with --coordinator give"),
    ):
        assert main(arguments) == 2
        assert fault in capsys.readouterr().err
    assert main(["show", str(study)]) == 0
    assert "design points: 1" in capsys.readouterr().out


def test_a_model_file_keeps_its_variables_beside_observables_of_the_study(tmp_path):
    net = js.Network(
        {"A": 9}, ["A -> @ k*V*A"], {"k": 1.0}, variables={"V": 0.5}, events=[js.Event("A < 5", {"V": "0.25"})]
    )
    js.write(net, tmp_path / "m.xml")
    text = '[model]\nfile = "m.xml"\n[outputs]\nobservables = {twice = "2*A"}\n' + TIMES
    found = read_setup(text, tmp_path).network
    assert dict(found.variables) == {"V": 0.5}
    assert [name for name, _ in found.structure.observables] == ["twice"]
    js.write(js.Network(
        {"A": 9}, ["A -> @ k*V*A"], {"k": 1.0}, variables={"V": 0.75}, events=[js.Event("A < 5", {"V": "0.25"})]
    ), tmp_path / "m.xml")  # fmt: skip
    assert fingerprint(read_setup(text, tmp_path).network) != fingerprint(found)
