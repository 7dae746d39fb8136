"""Values, dtypes and gradients of evaluated expressions."""

import math
import pickle

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

from jaxsim.errors import ExpressionError
from jaxsim.network import FallingFactorial, bounds, evaluate, evaluate_all, parse, united
from jaxsim.network.functions import FUNCTIONS

A = np.array([0.5, 1.0, 3.0], np.float32)
B = np.array([2.0, 1.0, 4.0], np.float32)


def value(text, **env):
    return evaluate(parse(text), {"a": jnp.asarray(A), "b": jnp.asarray(B), **env})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a + b - 1", A + B - 1),
        ("a*b/2", A * B / 2),
        ("a^3", A**3),
        ("a^-2", A**-2.0),
        ("a^0", 1.0),
        ("a^0.5", np.sqrt(A)),
        ("a^b", A**B),
        ("a^40", A**40.0),
        ("-a", -A),
        ("exp(a) + log(a) + log10(b) + sqrt(b)", np.exp(A) + np.log(A) + np.log10(B) + np.sqrt(B)),
        ("sin(a) + cos(a) + tan(a) + abs(-a)", np.sin(A) + np.cos(A) + np.tan(A) + A),
        ("min(a, b, 1.5) + max(a, b)", np.minimum(np.minimum(A, B), 1.5) + np.maximum(A, B)),
        ("floor(a) + ceil(a)", np.floor(A) + np.ceil(A)),
        ("hill(a, b, 2)", A**2 / (A**2 + B**2)),
        ("hill(a, 2, b)", A**B / (A**B + 2**B)),
        ("michaelis_menten(a, 3, b)", 3 * A / (A + B)),
        ("(a < b)*10 + (a == b)", (A < B) * 10.0 + (A == B)),
        ("if(a < b, a, -b)", np.where(A < B, A, -B)),
        ("if(a, 1, 2)", np.ones(3)),
        ("if(a < b and not a == 0.5 or b > 3, 1, 0)", [0, 0, 1]),
        ("if(true_name, 1, 0)", 1.0),
        ("t*2", 6.0),
    ],
)
def test_values(text, expected):
    found = value(text, t=3.0, true_name=True)
    np.testing.assert_allclose(np.broadcast_to(found, np.shape(expected)), expected, rtol=2e-6)


def test_truth_values():
    assert value("a < b").dtype == jnp.bool_
    assert value("not a").tolist() == [False] * 3
    assert value("a != b").tolist() == [True, False, True]


@pytest.mark.parametrize("text", ["2*a + 0.1*b^2", "if(a < b, 1, a)*3.5", "hill(a, k, n)*pi", "(a<b)*k - a^n", "k/a"])
@pytest.mark.parametrize("dtype", [jnp.float32, jnp.float16])
def test_python_numbers_widen_no_dtype(text, dtype):
    env = {"a": jnp.asarray(A, dtype), "b": jnp.asarray(B, dtype), "k": 1.5, "n": 2}
    assert evaluate(parse(text), env).dtype == dtype


@pytest.mark.parametrize("name", sorted(FUNCTIONS.keys() - {"pow"}))
def test_functions_of_python_numbers_widen_no_dtype(name):
    arguments = ", ".join(["k", "m", "n"][: FUNCTIONS[name].arity or 2])
    env = {"a": jnp.float16(1), "k": 1.5, "m": 0.5, "n": 2.0}
    assert evaluate(parse(f"a*{name}({arguments})"), env).dtype == jnp.float16
    ends = bounds(parse(f"a*{name}({arguments})"), {key: (value, value) for key, value in env.items()})
    boxed = {key: (value, 2 * value) for key, value in env.items()}
    assert [end.dtype for end in (*ends, *bounds(parse(f"a*{name}({arguments})"), boxed))] == [jnp.float16] * 4


def test_double_precision_stays_double():
    with jax.enable_x64(True):
        found = evaluate(parse("0.1*a"), {"a": jnp.asarray([1.0], jnp.float64)})
        assert found.dtype == jnp.float64 and found[0] == 0.1


def test_constants_are_python_numbers():
    assert evaluate(parse("2 + 3"), {}) == 5.0
    assert type(evaluate(parse("k*2"), {"k": 3})) is float
    assert math.isinf(evaluate(parse("k/z"), {"k": 1.0, "z": 0.0}))


def test_falling_factorial_counts_ordered_choices():
    x = jnp.array([0.0, 1.0, 2.0, 5.0])
    assert evaluate(FallingFactorial("A", 3), {"A": x}).tolist() == [0.0, 0.0, 0.0, 60.0]


def test_hill_does_not_overflow():
    x = jnp.array([0.0, 1e30, 1.0], jnp.float32)
    assert evaluate(parse("hill(x, 2e9, 8)"), {"x": x}).tolist() == [0.0, 1.0, 0.0]


def test_small_powers_are_multiplications():
    text = str(jax.make_jaxpr(lambda a: evaluate(parse("a^5 + hill(a, 2, 4)"), {"a": a}))(1.0))
    assert "pow" not in text and "exp" not in text


def test_a_missing_value_is_named():
    with pytest.raises(ExpressionError, match="no value is given for 'beta'; did you mean 'bta'"):
        evaluate(parse("beta*2"), {"bta": 1.0})


def test_random_functions_need_a_draw():
    with pytest.raises(ExpressionError, match="only be used in an effect"):
        evaluate(parse("binomial(a, 0.5)"), {"a": 3.0})
    calls = []

    def draw(*call):
        calls.append(call)
        return float(len(calls))

    assert evaluate(parse("binomial(a, 0.5) + 10*binomial(a, 0.5)"), {"a": 3.0}, draw) == 21.0
    assert calls == [("binomial", 3.0, 0.5)] * 2


@pytest.mark.parametrize(
    "text",
    [
        "a*b^2",
        "hill(a, b, 3)",
        "hill(b, a, a)",
        "a^b",
        "exp(-a)*sin(b)",
        "a/(a + b)",
        "michaelis_menten(a, b, a)",
        "if(a < b, a*b, a/b)",
        "sqrt(a*b)",
    ],
)
@pytest.mark.parametrize("point", [(1.3, 0.7), (0.7, 1.3)])
def test_gradients_match_differences(text, point):
    with jax.enable_x64(True):

        def function(a, b):
            return evaluate(parse(text), {"a": a, "b": b})

        check_grads(function, tuple(map(jnp.float64, point)), order=1, rtol=1e-6)


def test_hill_gradient_where_the_branches_meet():
    slope = jax.grad(lambda x: evaluate(parse("hill(x, 2, 3)"), {"x": x}))(jnp.float32(2.0))
    np.testing.assert_allclose(slope, 3 / 8, rtol=1e-6)


@pytest.mark.parametrize("power", [0.5, 1.0, 1.5, 2.0, 7.3])
def test_powers_of_zero_have_no_nan(power):
    def function(x, n):
        return evaluate(parse("x^n + hill(x, 3, n)"), {"x": x, "n": n})

    found, slopes = jax.value_and_grad(function, argnums=(0, 1))(jnp.float32(0.0), jnp.float32(power))
    assert found == 0.0 and np.isfinite(slopes).all()


def test_zero_to_the_zero_is_one():
    assert evaluate(parse("x^n"), {"x": jnp.float32(0.0), "n": jnp.float32(0.0)}) == 1.0


@pytest.mark.parametrize(
    ("text", "expected"),
    [("if(x > 0, 1/x, 7*x)", 7.0), ("if(x > 0, log(x), 2*x)", 2.0), ("if(x > 0, sqrt(x) + 3/(2*x), 4*x)", 4.0)],
)
def test_the_gradient_is_that_of_the_branch_taken(text, expected):
    def function(x):
        return evaluate(parse(text), {"x": x})

    assert jax.grad(function)(jnp.float32(0.0)) == expected
    assert jax.jvp(function, (jnp.float32(0.0),), (jnp.float32(1.0),))[1] == expected


@pytest.mark.parametrize("text", ["1/x", "log(x)", "log10(x)", "sqrt(x)", "-1/x", "0*x/x"])
@pytest.mark.parametrize("x", [-1.0, 0.0, 2.0])
def test_guarded_branches_keep_their_values(text, x):
    env = {"x": jnp.float32(x)}
    np.testing.assert_array_equal(evaluate(parse(f"if(x > -9, {text}, 0)"), env), evaluate(parse(text), env))


def test_evaluation_traces_to_one_program_over_lanes():
    step = jax.jit(jax.vmap(lambda a: evaluate(parse("k*a*(a - 1)"), {"a": a, "k": 0.5})))
    assert step(jnp.array([4.0, 2.0])).tolist() == [6.0, 1.0]


def test_what_rates_share_is_computed_once_and_what_is_guarded_keeps_its_own_derivative():
    """At zero the root has no derivative; below an `if` that is not taken it must not matter, beside it must show."""
    plain, guarded = united([parse("2*sqrt(x)"), parse("if(x > 0, sqrt(x), x)")])

    def slope(which):
        return jax.grad(lambda x: evaluate_all([plain, guarded], {"x": x})[which])(jnp.float32(0.0))

    assert not np.isfinite(slope(0)) and slope(1) == 1.0
    twice = united([parse("a*b/(1 + a*b)"), parse("c + a*b/(1 + a*b)")])
    traced = jax.make_jaxpr(lambda a, b, c: evaluate_all(twice, {"a": a, "b": b, "c": c}))(1.0, 2.0, 3.0)
    assert len(traced.eqns) == 4  # a product, a sum, a quotient, and the sum with c


def test_what_expressions_share_is_computed_once_and_draws_stay_apart():
    texts = [f"{n}*exp(-a*b)/(1 + exp(-a*b))" for n in range(1, 9)]
    apart = [parse(text) for text in texts]
    shared = united(apart)
    env = {"a": jnp.float32(0.3), "b": jnp.float32(2.0)}

    def count(expressions):
        traced = jax.make_jaxpr(lambda env: evaluate_all(expressions, env))(env)
        return sum(equation.primitive.name == "exp" for equation in traced.jaxpr.eqns)

    assert (count(apart), count(shared)) == (16, 1)
    assert shared == tuple(apart)
    expected = [float(evaluate(one, env)) for one in apart]
    assert [float(value) for value in evaluate_all(shared, env)] == pytest.approx(expected, rel=1e-6)
    assert count(pickle.loads(pickle.dumps(shared[:1]))) == 1
    assert str(united([parse("0*a"), parse("-0*a")])[1]) == str(parse("-0*a"))
    drawn = []
    twice = parse("random_poisson(2) + random_poisson(2)")
    evaluate_all([twice], {}, lambda function, mean: drawn.append(function) or float(len(drawn)))
    assert len(drawn) == 2


def test_a_division_below_a_branch_keeps_its_guard():
    safe, plain = united([parse("if(x > 0, 1/x, 0)"), parse("2 + 1/x")])
    slope = jax.grad(lambda x: evaluate_all([safe, plain], {"x": x})[0])(jnp.float32(0.0))
    assert slope == 0.0
    assert float(evaluate_all([safe, plain], {"x": jnp.float32(4.0)})[1]) == 2.25
