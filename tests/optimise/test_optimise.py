"""Searches whose answer is known: by rate equations, which are exact for linear networks, on a fine grid."""

import sys
from dataclasses import replace

import numpy as np
import pytest
from scipy import optimize

import jaxsim as js
from jaxsim.optimise.landscape import landscape

END = 10.0
SETTINGS = {"step": 0.1, "starts": 4, "steps": 24, "batch": (256, 1024), "trajectories": 8192, "seed": 3}


def mean_of(network, schedule, species="X"):
    """The exact mean at the end."""
    found = js.simulate(network, times=[END], schedule=schedule, method="mean_field")
    return float(found["mean"].sel(species=species).values[0])


def two_doses(**more):
    return js.Schedule(drug=js.Dose(4.0, at=js.free(0.0, 9.5, start=[1.0, 4.0], spacing=1.0, **more)))


@pytest.fixture(scope="module")
def best(network):
    return js.optimise(network, two_doses(), minimise=js.mean("X", at=END), check=1024, **SETTINGS)


def test_finds_the_exact_optimum(network, best):
    def value(times):
        return mean_of(network, js.Schedule(drug=js.Dose(4.0, at=list(times))))

    grid = [(a, a + gap) for a in np.arange(5.0, 7.6, 0.5) for gap in np.arange(1.0, 3.1, 0.5) if a + gap < 9.5]
    exact = min(value(times) for times in grid)
    assert value(best.held["drug.at"]) == pytest.approx(exact, rel=0.01)


def test_reports_value_gain_and_path(network, best):
    exact = mean_of(network, best.schedule)
    assert abs(best.value - exact) < 3.3 * best.value_error + 0.01 * exact  # the chain's own error at this step
    gain = next(gain for gain in best.gains if gain.over == "start")
    assert gain.interval[1] < 0 < gain.error
    assert gain.difference == pytest.approx(exact - mean_of(network, best.start), abs=4 * gain.error + 0.02 * exact)
    assert gain.error < 0.9 * np.hypot(best.value_error, best.trial.error(1))  # pairs share their noise
    assert best.path["drug.at"][-1] == pytest.approx(best.held["drug.at"])
    assert "optimum - start" in str(best)


def test_first_line_says_whether_the_start_was_improved_on(best):
    def posed(gain, error, limits=(), excess=()):
        """The optimum with a final trial made up: the start at 20, a gain, and what a limit has in both."""
        mean = np.array([[20.0 + gain, *excess[:1]], [20.0, *excess[1:]]])
        covariance = np.zeros((*mean.shape, *mean.shape))
        covariance[0, 0, 0, 0] = error**2
        trial = best.trial._replace(names=("optimum", "start"), mean=mean, covariance=covariance, leaping=None)
        criterion = best.criterion._replace(limits=limits)
        return replace(best, trial=trial, search=replace(best.search, criterion=criterion), certificate=None, checks={})

    limit = (js.mean("Y", at=END) <= 5.0,)
    cases = [
        (posed(-3.0, 1.0), True, "an improvement over the start was shown (optimum - start: -4.96 to -1.04"),
        (posed(-1.0, 1.0), False, "no improvement over the start was shown: the interval of the gain holds zero"),
        (posed(0.0, 0.0), False, "no improvement over the start was shown: the interval of the gain holds zero"),
        (posed(3.0, 1.0), False, "no improvement over the start was shown: the start is better"),
        (posed(3.0, 1.0, limit, (4.0, 9.0)), True, "an improvement over the start was shown: it breaks a limit"),
        (posed(-3.0, 1.0, limit, (6.0, 4.0)), False, "no improvement over the start was shown: the optimum may break"),
    ]
    for found, improved, sentence in cases:
        assert found.improved is improved
        assert str(found).splitlines()[0].startswith(sentence)
    assert best.improved  # of the search itself


def test_certificate_and_checks(best):
    assert best.certificate.stationary
    assert "does not differ from zero" in str(best)
    assert set(best.checks) == {"start", "optimum"}
    assert best.checks["start"].passes
    assert best.certificate.slopes.components == ("drug.at[0]", "drug.at[1]")
    curve = best.switching_function("drug", bins=5, trajectories=2048)
    assert np.all(curve.value[-2:] < 0)
    assert curve.minimised


@pytest.mark.slow
def test_a_limit_is_kept_by_its_upper_bound(network):
    amount = js.Schedule(drug=js.Dose(js.free(0.5, 30.0, start=5.0), at=7.0))
    limit = js.mean("Y", at=END) >= 24.0
    found = js.optimise(network, amount, minimise=js.mean("X", at=END), subject_to=limit, check=0, **SETTINGS)
    assert found.feasible
    assert found.limits[0][1] > found.limits[0][2] >= 24.0
    exact = optimize.brentq(
        lambda x: mean_of(network, js.Schedule(drug=js.Dose(x, at=7.0)), "Y") - 24.0, 0.5, 30.0, xtol=1e-3
    )
    assert 0.75 * exact < found.held["drug.amount"][0] < 1.02 * exact
    across = landscape(found, points=9, trajectories=1024)
    assert np.all(across.kept[across.values < 0.95 * exact]) and not np.any(across.kept[across.values > 1.05 * exact])
    assert across.values[across.best] < 1.05 * exact and np.all(across.kept[across.near])
    free = js.optimise(network, amount, minimise=js.mean("X", at=END), check=0, **SETTINGS)
    assert free.held["drug.amount"][0] > 2 * exact  # without the limit it is not kept


@pytest.mark.slow
def test_agents_are_compared_on_the_same_trajectories(network):
    weak = js.Schedule(drug=js.Dose(1.0, at=js.free(0.0, 9.5, start=[1.0, 4.0], spacing=1.0)))
    plans = {"weak": weak, "strong": two_doses()}
    none = js.Schedule(drug=js.Dose(0.0, at=1.0))
    few = SETTINGS | {"steps": 2, "starts": 2, "trajectories": 2048}
    found = js.optimise(network, plans, minimise=js.mean("X", at=END), compare={"none": none}, check=0, **few)
    assert found.order == ("strong", "weak")
    assert found.best is found.optima["strong"]
    assert found.gain("none").interval[1] < found.gain("weak").interval[0] < found.gain("weak").interval[1] < 0
    assert "best - this" in str(found)
    assert str(found).splitlines()[0].startswith("strong: an improvement over the start was shown")


@pytest.mark.slow
def test_one_program_for_gradients_of_every_batch(network):
    from jaxsim.gradient.leap.scores import leap_scores
    from jaxsim.gradient.tables import _evaluated

    before = leap_scores._cache_size(), _evaluated._cache_size()
    amount = js.Schedule(drug=js.Dose(js.free(0.5, 30.0, start=5.0), at=[1.0, 7.0]))
    settings = SETTINGS | {"starts": 2, "steps": 6, "batch": (128, 2048), "method": "leap_score"}
    found = js.optimise(network, amount, minimise=js.mean("X", at=END), check=0, budget=70_000, **settings)
    assert found.cost["search"] <= 70_000
    assert len(set(found.batches)) > 1  # they have grown
    assert leap_scores._cache_size() - before[0] <= 1
    assert _evaluated._cache_size() - before[1] <= 1


REFUSED = {
    "nothing in the schedule is free": {"schedule": js.Schedule(drug=js.Dose(1.0, at=3.0))},
    "outside the horizon": {"schedule": js.Schedule(drug=js.Dose(1.0, at=js.free(0, 12, start=3)))},
    "names no species": {"minimise": js.mean("3", at=END)},
    "neither a species nor an observable": {"minimise": js.mean("Z", at=END)},
    "one of minimise= and maximise=": {"maximise": js.mean("X", at=END)},
    "no schedule can keep 'probability of X < 3": {"subject_to": [js.probability("X < 3", at=END) <= -0.1]},
    "no schedule can keep both": {"subject_to": [js.mean("Y", at=END) <= 3, js.mean("Y", at=END) >= 4]},
    "is no limit": {"subject_to": [js.mean("Y", at=END)]},
    "cannot be called 'start'": {"compare": {"start": js.Schedule(drug=js.Dose(1.0, at=3.0))}},
    "no agent|neither a species nor an input|'durg'": {"compare": {"other": js.Schedule(durg=js.Dose(1.0, at=3.0))}},
    "there is no gradient method": {"method": "adjoint"},
    "trajectories is 1": {"trajectories": 1},
}


@pytest.mark.parametrize("sentence", REFUSED)
def test_refused_before_any_simulation(network, sentence, monkeypatch):
    monkeypatch.setattr(sys.modules["jaxsim.optimise.optimise"], "descend", None)
    given = {"schedule": two_doses(), "minimise": js.mean("X", at=END), **REFUSED[sentence]}
    with pytest.raises(js.JaxsimError, match=sentence) as caught:
        js.optimise(network, given.pop("schedule"), **{"step": 0.1, **given})
    assert "\n" not in str(caught.value)
