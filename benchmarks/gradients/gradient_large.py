"""Rows 9, 12 and 13: the seven species of model B, where the tumour is scored and the rest follows its path."""

import numpy as np

import jaxsim as js
from benchmarks.gradients import tumour_and_blockade as b
from benchmarks.gradients.gradient_lines import line
from jaxsim.gradient.estimators.difference import paired_chunks
from jaxsim.gradient.estimators.surrogate import estimate
from jaxsim.gradient.free import free_numbers
from jaxsim.gradient.gradient import posed
from jaxsim.gradient.objective import leap_grid
from jaxsim.gradient.stencils import central
from jaxsim.gradient.tables import build_tables

FREE = ["block.amount", "block.at"]
EXTINCT = js.probability("T == 0", at=b.END)
STEP = 0.05
GIVEN = {"free": FREE, "schedule": b.plan(), "step": STEP}


def hybrid(_):
    """Variance of the score over that of the surrogate, and deviation of the latter over coupled differences."""
    many = b.network(1000.0)
    score = js.gradient(many, EXTINCT, method="leap_score", trajectories=8192, seed=9, **GIVEN)
    found = js.gradient(many, EXTINCT, method="surrogate", scored=["T"], trajectories=32_768, seed=9, **GIVEN)
    problem = posed(free_numbers(many, b.plan(), FREE, None), EXTINCT, 32_768, 9, (0.0, None), STEP, None, 4, 0)
    alone = estimate(problem._replace(scored=("T",)), controlled=False)
    deviation = {name: _deviation(one) for name, one in (("score", score), ("found", found), ("alone", alone))}
    ratio = (deviation["score"] / deviation["alone"]) ** 2
    yield line("variance of the score over the hybrid, start of the blockade", ratio, ">= 1e4", ratio >= 1e4)
    problem = posed(free_numbers(many, b.plan(), ["block.at"], None), EXTINCT, 16_384, 9, (0.0, None), STEP, None, 4, 0)
    pairs = np.concatenate([found.quotients[0] for found in paired_chunks(problem, [central(0.5)], [None])])
    ratio = deviation["found"] / pairs.std()
    yield line("deviation of the controlled hybrid over coupled differences of 0.5 d", ratio, "<= 1.3", ratio <= 1.3)
    spreads = [deviation["alone"], deviation["found"], pairs.std()]
    yield line("deviation per trajectory: hybrid, controlled hybrid, differences", spreads, "shown", None)


def _deviation(found):
    return float(np.sqrt(found.covariance[1, 1] * found.trajectories))


def agreement(_):
    """The default estimator on model B against coupled differences."""
    widths = {"block.amount": 8.0, "block.at": 0.4}
    check = js.check_gradient(b.network(1000.0), EXTINCT, method="surrogate", scored=["T"], trajectories=131_072,
                              pairs=262_144, seed=12, widths=widths, **GIVEN)  # fmt: skip
    yield line("hybrid against differences: z (amount, time)", check.z, "|z| < 3", np.abs(check.z) < 3)
    limits = np.array([0.03, 0.25])
    passes = check.smallest_bias <= limits
    yield line("smallest relative bias seen (amount, time)", check.smallest_bias, "<= 0.03, 0.25", passes)
    yield line("gradient (amount, time)", check.found.vector, "shown", None)
    yield line("coupled differences (amount, time)", check.reference, "shown", None)


def functional(_):
    """The gradient in the whole effect, chained to the dose, is the gradient in the dose."""
    effect, many = "block/(1 + block)", b.network(1000.0)
    more = {"schedule": b.plan(), "step": STEP, "trajectories": 8192, "scored": ["T"], "seed": 13}
    leaps = leap_grid(EXTINCT, b.plan(), many.structure.species, (0.0, b.END), STEP)
    course = js.switching_function(many, EXTINCT, of=effect, bins=leaps.steps, **more)
    whole = js.gradient(many, EXTINCT, free=FREE, method="surrogate", **more)
    reads = js.Network({"T": 1}, [f"T -> @ T*({effect})"], inputs={"block": many.inputs["block"]})
    plan = js.Schedule(block=b.plan()["block"])
    by = build_tables(free_numbers(reads, plan, FREE, None), reads, leaps.edges)[1].tables.exposure[:, 0]
    error = np.abs((course.value * leaps.widths) @ by / whole.vector - 1)
    yield line("effect curve chained to the dose over its gradient, less 1", error, "<= 1e-4", error <= 1e-4)
    days = js.switching_function(many, EXTINCT, of=effect, bins=28, **{**more, "trajectories": 32_768})
    yield line("switching function per day, by day", days.value, "shown", None)
    yield line("its standard error", days.error, "shown", None)
