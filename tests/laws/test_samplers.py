"""Normal, lognormal and Bernoulli variates, and the laws of variability built on them.

Errors are measured against SciPy in double precision; random tests use fixed seeds and reject at 1e-3, and their
negative controls must be rejected at 1e-6.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import special, stats

from jaxsim.errors import JaxsimError
from jaxsim.random import (
    Bernoulli,
    Lognormal,
    Normal,
    Poisson,
    Uniform,
    bernoulli,
    lognormal,
    normal,
    threefry2x32,
    uniform,
)

LAWS = [Lognormal(2.0, 0.3), Normal(-1.0, 0.5), Uniform(-1.0, 2.0), Bernoulli(0.3), Poisson(2.5)]
REFERENCES = [
    stats.lognorm(np.sqrt(np.log1p(0.09)), scale=2.0),
    stats.norm(-1, 0.5),
    stats.uniform(-1, 3),
    stats.bernoulli(0.3),
    stats.poisson(2.5),
]


def words(seed, size=2**20):
    counter = jnp.arange(size, dtype=jnp.uint32)
    return threefry2x32(*(jnp.full(size, word, jnp.uint32) for word in (seed, 5)), counter, counter * 0)[0]


def test_normal_is_accurate_in_both_tails():
    bits = np.unique(np.r_[0, np.geomspace(1, 2**31, 10**5), 2**32 - np.geomspace(1, 2**31, 10**5)].astype(np.uint32))
    u, c = (np.asarray(uniform(b)) for b in (bits, ~bits))
    exact = np.where(bits < 2**31, special.ndtri(u.astype(float)), -special.ndtri(c.astype(float)))
    found = np.asarray(normal(u, c)).astype(float)
    far = np.abs(exact) > 0.01
    np.testing.assert_allclose(found[far], exact[far], rtol=4e-6)
    np.testing.assert_allclose(found[np.abs(exact) > 0.5], exact[np.abs(exact) > 0.5], rtol=6e-7)
    assert (found[0], found[-1]) == pytest.approx((-6.338, 6.338), abs=1e-3)
    # in probability: below two units of the last place of u
    assert np.max(np.abs(found - exact) * stats.norm.pdf(exact)) < 1.2e-7


def test_normal_needs_no_complement_but_for_the_upper_tail():
    u = np.linspace(0.01, 0.99, 999, dtype=np.float32)
    np.testing.assert_allclose(normal(u), special.ndtri(u.astype(float)), atol=1e-6)
    assert float(normal(np.float32(1 - 2.0**-24))) == pytest.approx(5.2946, abs=1e-3)
    assert np.all(np.isfinite(normal(np.array([0.0, 1.0], np.float32))))


def test_normal_is_antithetic():
    u, c = uniform(words(1)), uniform(~words(1))
    np.testing.assert_array_equal(normal(u, c), -normal(c, u))


def test_normal_and_lognormal_samples():
    bits = words(2)
    z = np.asarray(normal(uniform(bits), uniform(~bits))).astype(float)
    assert stats.kstest(z, "norm").pvalue > 1e-3
    assert stats.kstest(np.clip(z, -2.5, 2.5), "norm").pvalue < 1e-6
    assert stats.kstest(z + 0.01, "norm").pvalue < 1e-6
    x = np.asarray(lognormal(uniform(bits), 3.0, 0.4)).astype(float)
    assert stats.kstest(x, stats.lognorm(np.sqrt(np.log1p(0.16)), scale=3.0).cdf).pvalue > 1e-3
    assert stats.kstest(x, stats.lognorm(0.4, scale=3.0).cdf).pvalue < 1e-6  # cv is not the logarithm's sd
    mean = 3.0 * np.sqrt(1.16)
    assert abs(x.mean() - mean) < 4 * 0.4 * mean / 2**10


def test_lognormal_edges_and_gradient():
    u = np.array([0.1, 0.5, 0.9], np.float32)
    assert lognormal(u, 2.0, 0.0).tolist() == [2.0, 2.0, 2.0]
    assert np.all(np.isnan(lognormal(u, -1.0, 0.1)))
    assert np.all(np.isnan(lognormal(u, 1.0, -0.1)))
    by_median, by_cv = jax.grad(lambda m, c: lognormal(jnp.float32(0.9), m, c), (0, 1))(2.0, 0.3)
    spread = np.sqrt(np.log1p(0.09))
    z = special.ndtri(0.9)
    assert float(by_median) == pytest.approx(np.exp(spread * z), rel=1e-5)
    assert float(by_cv) == pytest.approx(2 * np.exp(spread * z) * z * 0.3 / (1.09 * spread), rel=1e-5)


def test_bernoulli_keeps_small_probabilities():
    edge = np.arange(2**32 - 1000, 2**32, dtype=np.uint64).astype(np.uint32)
    ones = np.asarray(bernoulli(uniform(edge), np.float32(1e-7), uniform(~edge)))
    assert abs(ones.sum() - 1e-7 * 2**32) <= 1
    u = np.array([2.0**-33, 0.5, 1 - 2.0**-24], np.float32)
    assert bernoulli(u, 0.0).tolist() == [0, 0, 0]
    assert bernoulli(u, 1.0).tolist() == [1, 1, 1]
    assert bernoulli(u, np.array([-0.1, 1.1, np.nan], np.float32)).tolist() == [-1, -1, -1]
    frequency = float(jnp.mean(bernoulli(uniform(words(3)), 0.3).astype(jnp.float32)))
    assert abs(frequency - 0.3) < stats.norm.isf(5e-4) * np.sqrt(0.21) / 2**10


@pytest.mark.parametrize(("law", "reference"), list(zip(LAWS, REFERENCES, strict=True)), ids=lambda v: type(v).__name__)
def test_law_has_its_quantiles_and_mean(law, reference):
    u = np.linspace(0.003, 0.9973, 500, dtype=np.float32)
    found = law.sample(u)
    assert found.dtype == jnp.float32
    np.testing.assert_allclose(found, reference.ppf(u.astype(float)), rtol=2e-6, atol=2e-6)
    assert float(law.mean) == pytest.approx(reference.mean(), rel=1e-6)
    assert np.all(np.diff(np.asarray(found)) >= 0)
    np.testing.assert_allclose(law.sample(u, np.float32(1) - u), found)


@pytest.mark.parametrize("law", LAWS, ids=lambda law: type(law).__name__)
def test_law_is_a_pytree_with_traced_parameters(law):
    leaves, structure = jax.tree.flatten(law)
    assert jax.tree.unflatten(structure, leaves) == law
    jax.tree.map(lambda leaf: None, law)  # placeholders are not validated
    u = np.linspace(0.1, 0.9, 9, dtype=np.float32)
    np.testing.assert_allclose(jax.jit(type(law).sample)(law, u), law.sample(u), rtol=1e-6)
    stacked = jax.tree.map(lambda leaf: jnp.stack([leaf, leaf]), law)
    both = jax.vmap(lambda one: one.sample(u))(stacked)
    np.testing.assert_allclose(both, np.stack([law.sample(u)] * 2), rtol=1e-6)
    assert jax.jit(lambda *parameters: type(law)(*parameters).sample(0.5))(*leaves).shape == ()


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: Lognormal(0.0, 0.3), "median 0.0 of Lognormal is not a finite number above 0"),
        (lambda: Lognormal(1.0, -0.3), "cv -0.3 of Lognormal is not a finite number at least 0"),
        (lambda: Lognormal(np.nan, 0.3), "median nan of Lognormal"),
        (lambda: Lognormal("2", 0.3), "median '2' of Lognormal"),
        (lambda: Lognormal(np.array([1.0, -1.0]), 0.3), "median array"),
        (lambda: Normal(np.inf, 1.0), "mean inf of Normal is not a finite number"),
        (lambda: Normal(0.0, -1.0), "sd -1.0 of Normal"),
        (lambda: Uniform(2, 1), "low 2 of Uniform exceeds high 1"),
        (lambda: Uniform(None, 1), "low None of Uniform"),
        (lambda: Bernoulli(1.5), "probability 1.5 of Bernoulli is not a finite number at least 0 and at most 1"),
        (lambda: Poisson(-1.0), "mean -1.0 of Poisson"),
        (lambda: Poisson(2e9), "mean 2000000000.0 of Poisson"),
    ],
)
def test_parameters_outside_their_range_are_refused(make, sentence):
    with pytest.raises(JaxsimError, match=sentence) as refusal:
        make()
    assert "\n" not in str(refusal.value)
