"""The stochastic cases of the SBML Test Suite, and the judge of them, who must fail wrong results."""

import json

import numpy as np
import pytest
from scipy import integrate, stats

import jaxsim as js
from jaxsim.cli.main import main
from jaxsim.formats.conformance import cases_in, judge_case, load_case, run_case, run_course
from jaxsim.formats.conformance.case import EXACT

pytest.importorskip("libsbml")

RUNS = 10_000
# A third of the public cases, of every kind: birth-death, local parameters, volumes, rules, boundary species, events,
# dimerisation, batches; draws of real laws, of counts, truncated, by parameters, without a mean.
QUICK = (
    *("00001", "00010", "00019", "00022", "00024", "00028", "00032", "00037"),
    *("00040", "00046", "00048", "00058", "00064", "00070"),
)


@pytest.mark.parametrize("name", QUICK)
def test_case_passes(cases_folder, name):
    outcome = run_case(cases_folder, name, RUNS, seed=1)
    assert outcome.passed, outcome.remark


@pytest.mark.slow
def test_all_cases_pass(cases_folder):
    failed = [o for o in (run_case(cases_folder, n, RUNS, seed=2) for n in cases_in(cases_folder)) if not o.passed]
    assert not failed


def results(case, shift=0.0, spread=1.0):
    """The exact means and standard deviations, moved."""
    found = {}
    for column, exact in case.expected.items():
        sigma = case.expected[f"{column.rsplit('-', 1)[0]}-sd"]
        found[column] = exact + shift * sigma if column.endswith("-mean") else spread * exact
    return found


def test_the_judge_fails_what_is_wrong(cases_folder):
    case = load_case(cases_folder, "00001")
    assert judge_case(case, results(case), RUNS).number_out == 0
    assert judge_case(case, results(case, shift=0.031), RUNS).number_out == 50  # Z = 3.1 but at time zero
    assert judge_case(case, results(case, spread=np.sqrt(1.08)), RUNS).number_out == 50  # Y = 5.7
    wrong = results(case)
    wrong["X-mean"][0] += 1e-3
    assert judge_case(case, wrong, RUNS).number_out == 1


TRUNCATED = {  # law, bounds, and what of a draw is judged
    "00059": (stats.cauchy(1, 2), 1.1, 10, lambda x: x),
    "00060": (stats.chi2(2), 2, 8, lambda x: x),
    "00062": (stats.gamma(1, scale=2), 3, 6, lambda x: x),
    "00064": (stats.lognorm(s=2, scale=np.e), 3, 10, np.log),
    "00066": (stats.rayleigh(scale=2), 3, 5, lambda x: x),
    "00070": (stats.norm(0, 1.5), -20, 0.5, lambda x: x),
    "00096": (stats.norm(0, 1.5), -0.5, 20, lambda x: x),
    "00098": (stats.norm(0, 1.5), -20, 0.5, lambda x: x),
}


@pytest.mark.parametrize("name", EXACT)
def test_corrected_values_are_those_of_the_law(name, cases_folder):
    """And near enough to the table that it is the same law: 0.005 standard deviations, or the variance for one."""
    mean, deviation = EXACT[name].values()
    if name == "00058":
        counts = np.arange(15, 33)
        weights = stats.binom.pmf(counts, 100, 0.2) / stats.binom.pmf(counts, 100, 0.2).sum()
        expected = weights @ counts
        second = weights @ counts**2
    else:
        law, low, high, of = TRUNCATED[name]
        share, expected, second = (
            integrate.quad(lambda x, n=n: of(x) ** n * law.pdf(x), low, high)[0] for n in range(3)
        )
        expected, second = expected / share, second / share
    assert mean == pytest.approx(expected, rel=1e-9)
    assert deviation == pytest.approx(np.sqrt(second - expected**2), rel=1e-9)
    if not (cases_folder / name).is_dir():
        return  # a selection of the suite, which lacks this case
    case = load_case(cases_folder, name)
    row = (cases_folder / name / f"{name}-results.csv").read_text().split()[-1].split(",")
    table_mean, table_deviation = map(float, [*row[1:], deviation][:2])
    assert abs(table_mean - mean) < 0.005 * deviation
    assert table_deviation in (pytest.approx(deviation, rel=1e-3), pytest.approx(deviation**2, rel=1e-8))
    assert max(abs(table_mean - mean), abs(table_deviation - deviation)) > 5e-5
    assert [values[-1] for values in case.expected.values()] == [mean, deviation]
    assert case.remark.startswith("judged by the exact law")


def written(folder, name, draw, mean, deviation=None):
    """A case in which a variable is drawn at 0.5; of which the mean is asked, and the standard deviation if it is."""
    (folder / name).mkdir(parents=True)
    event = js.Event("t >= 0.5", {"X": draw})
    net = js.Network({"N": 1}, ["N -> @ 0*N"], variables={"X": 0.0}, events=[event])
    js.write(net, folder / name / f"{name}-sbml-l3v2.xml")
    columns = ["X-mean"] if deviation is None else ["X-mean", "X-sd"]
    (folder / name / f"{name}-settings.txt").write_text(
        f"start: 0\nduration: 2\nsteps: 2\noutput: {', '.join(columns)}\nmeanRange: (-3, 3)\nsdRange: (-5, 5)\n"
    )
    last = [mean] if deviation is None else [mean, deviation]
    rows = [["time", *columns], [0, *[0.0] * len(last)], [1, *last], [2, *last]]
    (folder / name / f"{name}-results.csv").write_text("\n".join(",".join(map(str, row)) for row in rows))
    return run_case(folder, name, RUNS, seed=3)


@pytest.mark.slow
def test_a_mean_alone_is_judged_as_a_mean_where_the_law_has_one(tmp_path):
    """Cauchy laws: with both ends the mean, and the sample gives the standard deviation; without, the median."""
    mean = 3.345210222
    assert written(tmp_path / "a", "90001", "random_cauchy(1, 2, 1.1, 10)", mean).verdict == "pass"
    wrong = written(tmp_path / "b", "90001", "random_cauchy(1, 2, 1.1, 10)", mean + 0.2)  # 10 standard errors
    assert wrong.verdict == "FAIL"
    median = written(tmp_path / "c", "90001", "random_cauchy(1, 2)", 1.0)
    assert median.verdict == "pass" and median.remark == "median of X, whose law has no mean"
    assert written(tmp_path / "d", "90001", "random_cauchy(1, 2)", 1.3).verdict == "FAIL"  # 9 standard errors
    exact = written(tmp_path / "e", "00059", "random_cauchy(1, 2, 1.1, 10)", 3.348)
    assert exact.verdict == "pass"
    assert exact.remark == "judged by the exact law: the table's mean is 0.0014 sd off"


SEMANTIC = """start: 0
duration: 4
steps: 8
variables: S, C, p, late
absolute: 1e-7
relative: 1e-4
amount: S
concentration: C
"""


def semantic(folder, expected, reactions=("S -> @ k*S",), events=(), level=2.5):
    """A case of an exponential decay of S from a fraction of a molecule, in a compartment of size 2.5."""
    (folder / "00001").mkdir(parents=True)
    net = js.Network(
        {"S": 1, "C": 4}, list(reactions), {"k": 0.7}, {"late": "if(t < 2, 1, 2)"}, variables={"p": 0.5}, events=events
    )
    path = folder / "00001" / "00001-sbml-l3v2.xml"
    js.write(net, path)
    text = path.read_text().replace('initialAmount="1"', 'initialAmount="0.00015"')
    path.write_text(text.replace('spatialDimensions="3" size="1"', f'spatialDimensions="3" size="{level}"'))
    (folder / "00001" / "00001-settings.txt").write_text(SEMANTIC)
    times = np.arange(9) / 2
    rows = np.column_stack([times, *(expected[name](times) for name in ("S", "C", "p", "late"))])
    np.savetxt(folder / "00001" / "00001-results.csv", rows, "%.17g", ",", header="time,S,C,p,late", comments="")
    return run_course(folder, "00001")


DECAY = {
    "S": lambda t: 0.00015 * np.exp(-0.7 * t),
    "C": lambda t: 4 / 2.5 + 0 * t,
    "p": lambda t: 0.5 + 0 * t,
    "late": lambda t: np.where(t < 2, 1.0, 2.0),
}


def test_semantic_cases_are_right_wrong_or_refused(tmp_path, capsys):
    right = semantic(tmp_path / "right", DECAY)
    assert (right.verdict, right.method, right.points) == ("right", "mean_field", 36), right.remark
    wrong = semantic(tmp_path / "wrong", {**DECAY, "S": lambda t: 0.000151 * np.exp(-0.7 * t)})
    assert (wrong.verdict, wrong.wrong) == ("WRONG", 7)  # the last two differ by less than the tolerance
    assert wrong.remark.startswith("S at 0 is 0.00015 instead of 0.000151")
    refused = semantic(tmp_path / "refused", DECAY, events=[js.Event("S < 1", {"p": "1"})])
    assert (refused.verdict, refused.wrong) == ("refused", 0)
    assert refused.reason == "method '...' does not follow the event '...', which whole counts trigger"
    assert main(["conformance", str(tmp_path / "wrong"), "--record", str(tmp_path / "table.json")]) == 1
    assert "1 of 1 cases accepted: 0 right, 1 wrong" in capsys.readouterr().out
    assert main(["conformance", str(tmp_path / "refused"), "--record", str(tmp_path / "table.json")]) == 0
    table = json.loads((tmp_path / "table.json").read_text())
    assert (table["accepted"], table["wrong"], table["refused"]) == (0, 0, {refused.reason: 1})


def test_a_semantic_case_without_reactions_is_followed_exactly(tmp_path):
    """An event at a moment of the time, and nothing that is random."""
    event = js.Event("t >= 1", {"p": "p + 2*C"})
    found = semantic(
        tmp_path,
        {**DECAY, "S": lambda t: 0.00015 + 0 * t, "p": lambda t: np.where(t < 1, 0.5, 8.5)},
        reactions=["C -> C @ k*C"],
        events=[event],
    )
    assert (found.verdict, found.method, found.points) == ("right", "direct", 36), found.remark


def test_a_wrong_model_fails(cases_folder, tmp_path, capsys):
    """Case 00001 with another death rate: the command says so and exits with 1."""
    target = tmp_path / "00001"
    target.mkdir()
    for path in (cases_folder / "00001").iterdir():
        (target / path.name).write_text(path.read_text().replace('id="Mu" value="0.11"', 'id="Mu" value="0.115"'))
    assert main(["conformance", str(tmp_path), "--runs", "10000"]) == 1
    assert "0 of 1 cases pass" in capsys.readouterr().out


def test_cases_are_chosen_by_number_and_range(tmp_path, capsys):
    for name in ("00001", "00007", "00012"):
        (tmp_path / name).mkdir()
    assert cases_in(tmp_path, ["7", "00010-00039"]) == ["00007", "00012"]
    assert main(["conformance", str(tmp_path), "--cases", "00002"]) == 2
    assert "holds no case 00002" in capsys.readouterr().err
    assert main(["conformance", str(tmp_path / "none")]) == 2
