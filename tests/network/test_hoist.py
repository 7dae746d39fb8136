"""Hoisting keeps the value, pulls out all that may be, and shares what is identical."""

import random

import jax.numpy as jnp
import numpy as np
import pytest

import jaxsim as js
from jaxsim.network import Binary, Name, Number, evaluate, hoist, hoist_all, names, parse, substitute, to_string

ALLOWED = frozenset({"x", "k"})


def test_grouped_factors_become_one_name():
    rest, pulled = hoist(parse("kup*dck*g/(Km+g)"), frozenset({"g", "Km"}), "h")
    assert to_string(rest) == "kup*dck*h0"
    assert {name: to_string(value) for name, value in pulled.items()} == {"h0": "g/(Km + g)"}


@pytest.mark.parametrize(
    ("text", "rest", "pulled"),
    [
        ("A", "A", []),
        ("3", "3", []),
        ("k", "h0", ["k"]),
        ("2*A", "2*A", []),
        ("2*k*A", "h0*A", ["2*k"]),
        ("k*A*x*B/2", "h0*A*B", ["k*x/2"]),
        ("A/k", "A*h0", ["1/k"]),
        ("k/A", "h0/A", ["k"]),
        ("A/(k*B)", "A*h0/B", ["1/k"]),
        ("A - k + 2 - x", "A + h0", ["2 - k - x"]),
        ("-k - A", "h0 - A", ["-k"]),
        ("-(k*A)", "-(h0*A)", ["k"]),
        ("(k*A)*(x*B)", "h0*A*B", ["k*x"]),
        ("(k + A)*(k + A)", "(h0 + A)*(h0 + A)", ["k"]),
        ("hill(A, k, 2)*hill(x, k, 2)", "hill(A, h0, 2)*h1", ["k", "hill(x, k, 2)"]),
        ("if(k > x, A, B)", "if(h0, A, B)", ["k > x"]),
        ("binomial(k, x)", "binomial(h0, h1)", ["k", "x"]),
        ("A^(k*2)", "A^h0", ["k*2"]),
    ],
)
def test_what_is_left_and_what_is_pulled(text, rest, pulled):
    left, mapping = hoist(parse(text), ALLOWED, "h")
    assert sorted(map(to_string, mapping.values())) == sorted(pulled)
    assert to_string(left) == rest


@pytest.mark.parametrize("seeds", [range(30), pytest.param(range(30, 600), marks=pytest.mark.slow)])
def test_the_value_is_unchanged_and_nothing_is_left_behind(random_expression, seeds):
    for seed in seeds:
        check_the_value(random_expression(random.Random(seed), 5), seed)


def check_the_value(expression, seed):
    rest, pulled = hoist(expression, ALLOWED, "h")
    assert not names(rest) & ALLOWED
    assert all(names(value) <= ALLOWED for value in pulled.values())
    uniform = np.random.default_rng(seed)
    env = {name: jnp.asarray(uniform.uniform(0.5, 3, 50).astype(np.float32)) for name in ("x", "y", "k", "m", "n")}
    before = np.broadcast_to(evaluate(expression, env), (50,))
    env |= {name: evaluate(value, env) for name, value in pulled.items()}
    after = np.broadcast_to(evaluate(rest, {name: env[name] for name in names(rest)}), (50,))
    tame = np.isfinite(before) & (np.abs(before) < 1e3)
    close = np.isclose(after, before, rtol=1e-3, atol=1e-3) | ~tame
    # A comparison, floor or pole may flip by the rounding of regrouping in a few samples.
    assert close.mean() > 0.9, (to_string(expression), to_string(rest))


def operands(expression, ops):
    """Return the operands of the chain of `ops` that starts here."""
    if isinstance(expression, Binary) and expression.op in ops:
        return [end for child in expression.children for end in operands(child, ops)]
    return [expression]


def test_pulling_is_maximal(random_expression):
    for seed in range(120):
        rest, pulled = hoist(random_expression(random.Random(seed), 5), ALLOWED, "h")
        assert not any(isinstance(value, Number) for value in pulled.values())
        _, more = hoist(rest, frozenset(pulled), "again")
        assert all(isinstance(value, Name) for value in more.values()), to_string(rest)
        for ops in ("*/", "+-"):
            assert sum(end.id in pulled for end in operands(rest, ops) if isinstance(end, Name)) <= 1


def test_identical_subexpressions_share_a_name():
    (first, second), pulled = hoist_all([parse("k*x*A"), parse("B*(k*x) + A^(k*x)")], ALLOWED, "h")
    assert list(map(to_string, pulled.values())) == ["k*x"]
    assert names(first) & names(second) == {"A", "h0"}


def test_a_long_product_is_hoisted_without_recursion():
    expression = parse("*".join(["k", "A"] * 3000))
    rest, pulled = hoist(expression, ALLOWED, "h")
    assert len(pulled) == 1 and substitute(rest, pulled) != rest


@pytest.mark.parametrize(
    ("rate", "shared"),
    [
        ("N + N", "A + B"),
        ("N*N", "A*B"),
        ("k*(N - (C - N))", "A + B*k"),
        ("N*N/(N + N)", "A*B"),
        ("N - N - N", "A - B"),
        ("N/N/N*N*N", "A/B"),
        ("M*M + M", "N*N*C"),
        ("M + M - N", "N + N + k"),
    ],
)
def test_a_subexpression_that_stands_twice_counts_twice(rate, shared):
    """Observables put one and the same node into a rate at several places."""
    values = {"A": 3.0, "B": 5.0, "C": 2.0, "k": 1.5}
    inner = substitute(parse(shared), {"N": parse("A*B + k")})
    whole = substitute(parse(rate), {"M": inner, "N": inner})
    for allowed in (frozenset({"k"}), frozenset({"A"}), frozenset()):
        rest, pulled = hoist(whole, allowed, "h")
        known = {name: evaluate(value, values) for name, value in pulled.items()}
        assert float(evaluate(rest, values | known)) == pytest.approx(float(evaluate(whole, values)), rel=1e-12)


def test_random_rates_of_shared_observables_keep_their_value(random_expression):
    generator = random.Random(11)
    for _ in range(80):
        inner = random_expression(generator, 3)
        whole = substitute(random_expression(generator, 4), {"x": inner, "y": inner, "m": Binary("+", inner, inner)})
        values = {name: generator.uniform(0.5, 2.0) for name in ("x", "y", "k", "m")} | {"n": 4.0}
        with np.errstate(all="ignore"):
            rest, pulled = hoist(whole, frozenset({"k"}), "h")
            known = {name: evaluate(value, values) for name, value in pulled.items()}
            found, expected = (float(evaluate(e, env)) for e, env in ((rest, values | known), (whole, values)))
        if np.isfinite(expected) and abs(expected) < 1e9:
            assert found == pytest.approx(expected, rel=1e-3, abs=1e-3)


@pytest.mark.parametrize("method", ["direct", "mean_field"])
def test_a_rate_of_an_observable_times_itself(method):
    """-> C at rate (A B)^2 = 36: the mean at 1 is 36, with 4,000 trajectories within 4 standard errors, 0.38."""
    net = js.Network({"A": 2, "B": 3, "C": 0}, ["-> C @ N*N"], observables={"N": "A*B"})
    found = js.simulate(net, times=[1.0], trajectories=4_000, seed=1, method=method, progress=False)
    assert abs(float(found["mean"].sel(species="C")[0]) - 36.0) < 0.38
