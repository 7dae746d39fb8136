"""The stochastic cases of the SBML Test Suite, and the judge of them, who must fail wrong results."""

import numpy as np
import pytest
from scipy import integrate, stats

from jaxsim.cli.main import main
from jaxsim.formats.conformance import cases_in, judge, load_case, run_case
from jaxsim.formats.conformance.corrections import EXACT

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
    assert judge(case, results(case), RUNS).number_out == 0
    assert judge(case, results(case, shift=0.031), RUNS).number_out == 50  # Z = 3.1 but at time zero
    assert judge(case, results(case, spread=np.sqrt(1.08)), RUNS).number_out == 50  # Y = 5.7
    wrong = results(case)
    wrong["X-mean"][0] += 1e-3
    assert judge(case, wrong, RUNS).number_out == 1


TRUNCATED = {  # law, bounds, and what of a draw is judged
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
    case = load_case(cases_folder, name)
    row = (cases_folder / name / f"{name}-results.csv").read_text().split()[-1].split(",")
    table_mean, table_deviation = map(float, row[1:])
    assert abs(table_mean - mean) < 0.005 * deviation
    assert table_deviation in (pytest.approx(deviation, rel=1e-3), pytest.approx(deviation**2, rel=1e-8))
    assert max(abs(table_mean - mean), abs(table_deviation - deviation)) > 5e-5
    assert [values[-1] for values in case.expected.values()] == [mean, deviation]
    assert case.remark.startswith("judged by the exact law")


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
