"""``jaxsim optimise``: files that are refused in one sentence, and one run that leaves everything behind."""

import csv
import json
import re
from pathlib import Path

import pytest

from jaxsim.cli.main import main

FILE = """
[model]
species = {X = 40}
reactions = ["-> X @ 20/(1 + drug)", "X -> , 0.5"]
[model.inputs.drug]
elimination_rate = 0.7
volume = 1.0
[schedule.drug]
amount = 4.0
at = {low = 0.0, high = 9.5, start = [1.0, 4.0], spacing = 1.0}
[minimise]
kind = "mean"
of = "X"
at = 10.0
[compare.none]
drug = {amount = 0.0, at = 1.0}
[search]
step = 0.25
starts = 2
steps = 4
smallest_batch = 128
largest_batch = 256
trajectories = 1024
check = 128
[report]
points = 5
landscape_trajectories = 256
bins = 4
courses = 20
method = "direct"
"""


def run(folder, text, capsys, *more):
    path = folder / "plan.toml"
    path.write_text(text)
    code = main(["optimise", str(path), "--out", str(folder / "out"), *more])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_leaves_everything_behind(tmp_path, capsys):
    code, out, err = run(tmp_path, FILE, capsys)
    assert code == 0
    assert "optimum - none" in out
    assert "first scout" in err
    assert "final trial" in err
    folder = tmp_path / "out"
    left = {path.name for path in folder.iterdir()}
    assert left >= {
        *("schedule.toml", "table.csv", "optimum.txt", "optimum.nc", "checks.txt", "provenance.json"),
        *("landscape.csv", "landscape.png", "switching_drug.csv", "switching_drug.png", "courses.nc", "courses.png"),
    }
    rows = list(csv.reader((folder / "table.csv").read_text().splitlines()))
    assert [row[0] for row in rows[1:4]] == ["optimum", "start", "none"]
    assert float(rows[1][1]) < float(rows[2][1]) < float(rows[3][1])
    facts = json.loads((folder / "provenance.json").read_text())
    assert facts["file"]["schedule"]["drug"]["at"]["high"] == 9.5
    again = FILE.replace("at = {low = 0.0, high = 9.5, start = [1.0, 4.0], spacing = 1.0}\n", "")
    again = again.replace("[schedule.drug]\namount = 4.0\n", (folder / "schedule.toml").read_text())
    code, _, err = run(tmp_path, again, capsys)  # the schedule that is left is one that a file may give
    assert code == 2
    assert "nothing in the schedule is free" in err


REFUSED = {
    "unknown key 'schedule.drug.at.hihg'; did you mean 'high'": ("high = 9.5", "hihg = 9.5"),
    "outside the horizon": ("high = 9.5", "high = 19.5"),
    "names no species": ('of = "X"', 'of = "3"'),
    "did you mean 'mean'": ('kind = "mean"', 'kind = "maen"'),
    "takes no 'during'": ('of = "X"\nat = 10.0', 'of = "X"\nduring = [0.0, 10.0]'),
    "one of minimise= and maximise=": ('[minimise]\nkind = "mean"\nof = "X"\nat = 10.0', ""),
    "neither or both of 'at_most' and 'at_least'": ("[search]", '[[limits]]\nkind = "mean"\nof = "X"\n[search]'),
    "unknown key 'voulme'; did you mean 'volume'": ("volume = 1.0", "voulme = 1.0"),
    "is a rate, but its dose has no duration": (
        "amount = 4.0", "amount = {low = 0.0, high = 9.0, start = 4.0, rate = true}"
    ),
    "no rate reads 't'": ("[report]", '[report]\nswitching = ["t"]'),
    "no agent|'durg'": ("[compare.none]\ndrug", "[compare.none]\ndurg"),
}  # fmt: skip


@pytest.mark.parametrize("sentence", REFUSED)
def test_refused_in_one_sentence(tmp_path, capsys, sentence):
    old, new = REFUSED[sentence]
    assert old in FILE
    code, _, err = run(tmp_path, FILE.replace(old, new), capsys)
    assert code == 2
    assert len(err.strip().splitlines()) == 1
    assert re.search(sentence, err), err


def test_the_shipped_example_can_be_read():
    from jaxsim.optimise.criterion import criterion
    from jaxsim.study.optimise_file import read_chosen

    chosen = read_chosen(Path(__file__).parents[2] / "scripts" / "blockade.toml")
    sought = criterion(chosen.network, None, chosen.arguments["maximise"], (), 0.0, None)
    assert sought.end == 28.0
    assert chosen.schedule["block"][0].at.spacing == 1.0
