"""Bounds hold for every value in the box, and are reached where each name occurs once."""

import math
import random

import jax.numpy as jnp
import numpy as np
import pytest

from jaxsim.errors import ExpressionError
from jaxsim.network import bounds, evaluate, names, parse, to_string

SAMPLES = 200


def random_box(generator):
    box = {}
    for name, low in {"x": -3, "y": -3, "k": 0.25, "m": 0.25}.items():
        ends = sorted(generator.uniform(low, 3) for _ in range(2))
        box[name] = tuple(ends) if generator.random() < 0.7 else (ends[0], ends[0])
    first = generator.randint(0, 6)
    box["n"] = (float(first), float(first + generator.randint(0, 4)))
    return box


def sample(box, generator):
    uniform = np.random.default_rng(generator.randrange(2**32))
    values = {name: uniform.uniform(*ends, SAMPLES).astype(np.float32) for name, ends in box.items()}
    values["n"] = uniform.integers(int(box["n"][0]), int(box["n"][1]) + 1, SAMPLES).astype(np.float32)
    for name, (low, high) in box.items():
        values[name][:2] = low, high
    return {name: jnp.asarray(value) for name, value in values.items()}


@pytest.mark.parametrize("seeds", [range(50), pytest.param(range(50, 1500), marks=pytest.mark.slow)])
def test_sampled_values_lie_within_the_bounds(random_expression, seeds):
    for seed in seeds:
        generator = random.Random(seed)
        check_a_sample(random_expression(generator, 4), random_box(generator), generator)


def check_a_sample(expression, box, generator):
    env = {name: (jnp.float32(low), jnp.float32(high)) for name, (low, high) in box.items()}
    env = {name: (ends[0], ends[0]) if box[name][0] == box[name][1] else ends for name, ends in env.items()}
    low, high = (np.asarray(end, np.float64) for end in bounds(expression, env))
    values = np.asarray(evaluate(expression, sample(box, generator)), np.float64)
    if np.isnan(low):
        assert np.isnan(values).all(), to_string(expression)
        return
    assert not np.isnan(high)
    finite = values[np.isfinite(values)]
    slack = 1e-4 * (1 + np.abs(finite))
    assert (finite >= low - slack).all() and (finite <= high + slack).all(), (to_string(expression), box, low, high)


@pytest.mark.parametrize(
    "text",
    ["k*x", "k/x", "k - x", "x^2", "x^3", "x^0.5", "x^k", "hill(x, k, 2)", "hill(x, k, m)", "michaelis_menten(x, k, m)",
     "exp(-x)", "log(x)", "sqrt(x)", "min(x, k)", "max(x, k)", "abs(-x)", "k*x/m", "1/(k + x)", "-x", "x^-2",
     "x/(k + x)", "m*x/(x + k)", "m*x^2/(k^2 + x^2)", "1 - x/(1 + x)", "floor(x)", "x < k", "if(x < k, m, 2*m)"],
)  # fmt: skip
def test_bounds_are_tight_where_each_name_occurs_once(text):
    expression = parse(text)
    box = {"x": (0.5, 4.0), "k": (1.0, 2.0), "m": (0.25, 1.5)}
    env = {name: tuple(map(jnp.float32, ends)) for name, ends in box.items()}
    grid = np.meshgrid(*(np.linspace(*box[name], 33, dtype=np.float32) for name in box))
    values = np.asarray(evaluate(expression, {n: jnp.asarray(g.ravel()) for n, g in zip(box, grid, strict=True)}))
    np.testing.assert_allclose(np.asarray(bounds(expression, env), float), [values.min(), values.max()], rtol=1e-5)


@pytest.mark.parametrize(
    ("text", "ends", "expected"),
    [
        ("sin(t)", (0.0, 1.0), (0.0, math.sin(1))),
        ("sin(t)", (1.0, 2.0), (math.sin(1), 1.0)),
        ("sin(t)", (4.0, 5.0), (-1.0, math.sin(4))),
        ("sin(t)", (0.0, 7.0), (-1.0, 1.0)),
        ("cos(t)", (-1.0, 0.5), (math.cos(1), 1.0)),
        ("cos(t)", (3.0, 3.5), (-1.0, math.cos(3.5))),
        ("cos(t)", (-math.inf, math.inf), (-1.0, 1.0)),
        ("tan(t)", (-1.0, 1.0), (math.tan(-1), math.tan(1))),
        ("tan(t)", (1.0, 2.0), (-math.inf, math.inf)),
        ("1/t", (-1.0, 1.0), (-math.inf, math.inf)),
        ("1/t", (0.0, 1.0), (-math.inf, math.inf)),
        ("1/t", (-2.0, -1.0), (-1.0, -0.5)),
        ("log(t)", (0.0, 1.0), (-math.inf, 0.0)),
        ("log(t)", (-1.0, 1.0), (-math.inf, math.inf)),
        ("sqrt(t)", (-1.0, 1.0), (-math.inf, math.inf)),
        ("t^2", (-1.0, 2.0), (0.0, 4.0)),
        ("t^-2", (-1.0, 2.0), (-math.inf, math.inf)),
        ("t^0", (-1.0, 2.0), (1.0, 1.0)),
        ("t > 1", (0.0, 2.0), (0.0, 1.0)),
        ("t > 1", (2.0, 3.0), (1.0, 1.0)),
        ("not t > 1", (2.0, 3.0), (0.0, 0.0)),
        ("t > 1 and t < 5", (2.0, 3.0), (1.0, 1.0)),
        ("t == 1", (2.0, 3.0), (0.0, 0.0)),
        ("t != 1", (2.0, 3.0), (1.0, 1.0)),
        ("if(t > 1, 5, -5)", (0.0, 2.0), (-5.0, 5.0)),
        ("if(t > 1, 5, -5)", (0.0, 1.0), (-5.0, -5.0)),
        ("exp(t) - exp(t)", (0.0, math.inf), (-math.inf, math.inf)),
    ],
)
def test_known_bounds(text, ends, expected):
    found = bounds(parse(text), {"t": tuple(map(jnp.float32, ends))})
    np.testing.assert_allclose(np.asarray(found, float), expected, rtol=1e-5)


def test_a_saturating_fraction_of_negative_values_is_still_bounded():
    low, high = bounds(parse("x/(k + x)"), {"x": (-1.0, 1.0), "k": (3.0, 4.0)})
    assert (low, high) == (-0.5, 0.5)


def test_an_exact_box_costs_one_evaluation():
    x = jnp.array([2.0, 3.0])
    low, high = bounds(parse("k*x*(x - 1)/(2 + hill(x, k, 2))"), {"x": (x, x), "k": (3.0, 3.0)})
    assert low is high


def test_bounds_keep_lanes_and_dtype():
    env = {"x": (jnp.zeros(4, jnp.float32), jnp.ones(4, jnp.float32)), "k": (jnp.float32(1), jnp.float32(2))}
    for end in bounds(parse("if(x < 1, hill(x, k, 2)*k^x, sin(x))/(1 + abs(x))"), env):
        assert end.shape == (4,) and end.dtype == jnp.float32


def test_a_name_without_an_interval_is_refused():
    with pytest.raises(ExpressionError, match="no interval is given for 'beta'"):
        bounds(parse("beta*2"), {"bta": (0.0, 1.0)})


def test_random_expressions_use_every_name(random_expression):
    used = frozenset().union(*(names(random_expression(random.Random(seed), 4)) for seed in range(300)))
    assert used == {"x", "y", "k", "m", "n"}
