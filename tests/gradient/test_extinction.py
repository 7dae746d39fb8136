"""A discontinuous objective with a closed form: extinction of a birth-death process that a drug pulse kills.

Kendall, Ann. Math. Stat. 19 (1948) 1, eq. 18: one cell has died out by T with the probability J/(1 + J), where
J = int d(s) exp(rho(s)) ds and rho(s) = int (d - b). Comparisons are at |z| < 3.3.
"""

import jax
import numpy as np
import pytest
from scipy.integrate import cumulative_trapezoid

import jaxsim as js
from jaxsim.gradient.estimators.surrogate import levels_of
from jaxsim.gradient.free import free_numbers
from jaxsim.gradient.gradient import posed
from jaxsim.gradient.leap.branching import extinction
from jaxsim.gradient.leap.mean import mean_path, no_nudges
from jaxsim.gradient.leap.surrogate import Surrogate, surrogate_gradient
from jaxsim.gradient.problem import chain_of, drive_of, gradient_lanes
from jaxsim.gradient.tables import chained

LIMIT, CELLS, END, BIRTH, DEATH, KILL = 3.3, 10, 8.0, 0.5, 0.2, 1.5
DRUG = js.OneCompartment(0.5, 1.0, absorption_rate=3.0)
NETWORK = js.Network(
    {"X": CELLS},
    ["X -> 2 X, b", "X -> @ (d + kill*drug/(1 + drug))*X"],
    {"b": BIRTH, "d": DEATH, "kill": KILL},
    inputs={"drug": DRUG},
)
PLAN = js.Schedule(drug=js.Dose(4.0, at=2.0))
EXTINCT = js.probability("X == 0", at=END)
GIVEN = {"free": ["drug.amount", "drug.at"], "schedule": PLAN, "step": 0.05}


def kendall(amount, start):
    times = np.unique(np.concatenate([np.linspace(0, END, 40_001), np.linspace(start, END, 40_001)]))
    drug = js.concentration(DRUG, js.Dose(amount, at=start), times)
    death = DEATH + KILL * drug / (1 + drug)
    rho = cumulative_trapezoid(death - BIRTH, times, initial=0.0)
    total = np.trapezoid(death * np.exp(rho), times)
    return (total / (1 + total)) ** CELLS


@pytest.fixture(scope="module")
def slopes():
    h = 1e-3
    amount = (kendall(4.0 + h, 2.0) - kendall(4.0 - h, 2.0)) / (2 * h)
    start = (kendall(4.0, 2.0 + h) - kendall(4.0, 2.0 - h)) / (2 * h)
    return np.array([amount, start])


def test_exact_score(slopes):
    found = js.gradient(NETWORK, EXTINCT, method="score", trajectories=24_576, seed=31, **GIVEN)
    assert abs(found.value - kendall(4.0, 2.0)) < LIMIT * found.value_error
    assert np.all(np.abs(found.vector - slopes) < LIMIT * found.error)
    assert abs(found.vector[0]) > 5 * found.error[0]


def test_coupled_differences_agree_and_a_plain_path_gives_zero(slopes):
    found = js.gradient(NETWORK, EXTINCT, method="difference", trajectories=8192, seed=32, **GIVEN)
    slack = 0.05 * np.abs(slopes)  # of leaping and of the steps
    assert np.all(np.abs(found.vector - slopes) < LIMIT * found.error + slack)
    assert abs(found.vector[0]) > 5 * found.error[0]
    problem = posed(free_numbers(NETWORK, PLAN, GIVEN["free"], None), EXTINCT, 256, 0, (0.0, None), 0.05, None, 4, 0)
    program = Surrogate(chain_of(problem, gradient_lanes(256)), (False, False))
    levels = levels_of(problem.objective, [None])
    cotangent, _ = surrogate_gradient(program, drive_of(problem), levels)
    assert np.array_equal(chained(jax.tree.map(np.asarray, cotangent), problem.slopes), np.zeros(2))


def test_automatic_choice_says_why():
    found = js.gradient(NETWORK, EXTINCT, trajectories=256, **GIVEN)
    assert found.method in ("split_difference", "controlled_exact_score") and "jumping objective" in found.reason
    assert "in a pilot coupled pairs had" in found.reason


def test_branching_critic_leaves_little_noise_and_no_bias(slopes):
    given = GIVEN | {"method": "surrogate", "seed": 33}
    found = js.gradient(NETWORK, EXTINCT, trajectories=8192, **given)
    without = js.gradient(NETWORK, EXTINCT, trajectories=2048, **given)  # too few to fit a critic
    deviation = found.noise * np.sqrt(found.trajectories)
    assert np.all(deviation < 0.4 * without.noise * np.sqrt(without.trajectories))
    assert np.all(np.abs(found.vector - slopes) < LIMIT * found.error + 0.02 * np.abs(slopes))  # of leaping
    assert abs(0.9 * found.vector[0] - slopes[0]) > LIMIT * found.error[0] + 0.02 * abs(slopes[0])  # would be seen
    together = np.hypot(found.value_error, without.value_error)
    assert abs(found.value - without.value) < LIMIT * together  # both of the leap chain


def test_the_branching_mean_field_is_exact_where_cells_are_independent(slopes):
    problem = posed(
        free_numbers(NETWORK, PLAN, ["drug.amount", "drug.at"], None), EXTINCT, 2, 0, (0.0, None), 0.01, None, 4, 0
    )
    chain, drive = chain_of(problem, 1), jax.tree.map(jax.numpy.asarray, drive_of(problem))

    def chance(tables):
        moved = drive._replace(tables=tables)
        path, _ = mean_path(chain, moved, no_nudges(chain, moved))
        return extinction(chain, moved, path, 0, 0)

    value, cotangent = jax.jit(jax.value_and_grad(chance))(drive.tables)
    assert float(value) == pytest.approx(kendall(4.0, 2.0), rel=0.02)  # of leaps of 0.01
    assert chained(cotangent, problem.slopes) == pytest.approx(slopes, rel=0.03)
