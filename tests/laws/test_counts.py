"""Poisson and binomial variates against their exact laws.

The law of a sampler is found without sampling: it is monotone in the uniform, so bisection over the 2**32 words that
make a uniform gives every step of its distribution function exactly. Random tests use fixed seeds and reject at 1e-3
(chi-square); their negative controls must be rejected at 1e-6.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from jaxsim.random import binomial, poisson, threefry2x32, uniform

LANES = 4096  # counts examined at once; one shape, so one compilation a sampler
WORDS = 2**32


@jax.jit
def poisson_of_words(bits, mean):
    return poisson(uniform(bits), mean, uniform(~bits))


@jax.jit
def binomial_of_words(bits, n, p):
    return binomial(uniform(bits), n, p, uniform(~bits))


def exact_law(variate, low):
    """Return counts from `low` on and how many of the 2**32 words give at most each."""
    counts = np.arange(low, low + LANES)
    least, most = np.zeros(LANES, np.int64), np.full(LANES, WORDS)
    while np.any(least < most):
        middle = (least + most) // 2
        at_most = (np.asarray(variate(np.minimum(middle, WORDS - 1).astype(np.uint32))) <= counts) & (middle < WORDS)
        least = np.where(at_most & (least < most), middle + 1, least)
        most = np.where(at_most, most, middle)
    return counts, least


def errors(variate, law, low):
    """Total variation distance of a sampler from a law, and the largest difference of distribution functions."""
    counts, words = exact_law(variate, low)
    assert words[-1] == WORDS, "the range examined does not hold the whole law"
    found = words / WORDS
    outside = law.cdf(low - 1) + law.sf(counts[-1])
    variation = (np.abs(np.diff(found, prepend=0) - law.pmf(counts)).sum() + outside) / 2
    return variation, np.abs(found - law.cdf(counts)).max()


MEANS = [  # mean, bound on the total variation distance
    (0.0, 0),
    (1e-7, 3e-10),
    (1e-3, 3e-10),
    (0.03, 1e-8),
    (0.5, 2e-7),
    (2.0, 3e-7),
    (4.7, 3e-7),
    (5.999, 3e-7),
    (6.0, 4e-6),
    (6.3, 4e-6),
    (7.5, 4e-6),
    (11.0, 3e-6),
    (14.9, 3e-6),
    (30.0, 2e-6),
    (100.0, 2e-6),
    (700.0, 2e-6),
    (5e3, 3e-6),
    (6e4, 1e-5),
]


@pytest.mark.parametrize(("mean", "bound"), MEANS)
def test_poisson_law(mean, bound):
    mean = np.float32(mean)
    low = max(0, int(mean - 7 * np.sqrt(mean)) - 10)
    variation, in_cdf = errors(lambda bits: poisson_of_words(bits, mean), stats.poisson(float(mean)), low)
    assert variation <= bound
    assert in_cdf <= 2e-6


def test_rare_firings_keep_their_rate():
    for mean in (1e-3, 1e-5, 1e-7):
        _, words = exact_law(lambda bits, mean=mean: poisson_of_words(bits, np.float32(mean)), 0)
        assert abs((WORDS - words[0]) - WORDS * -np.expm1(-mean)) <= 1 + 1e-6 * WORDS * mean


SIZES = [1, 2, 10, 24, 25, 60, 1000, 100_000]
BINOMIALS = [(n, p) for n in SIZES for p in (1e-4, 0.01, 0.1, 0.3, 0.5, 0.62, 0.99)]


@pytest.mark.parametrize(("n", "p"), BINOMIALS)
def test_binomial_law(n, p):
    p = np.float32(p)
    law = stats.binom(n, float(p))
    low = max(0, int(law.mean() - 7 * law.std()) - 5)
    variation, in_cdf = errors(lambda bits: binomial_of_words(bits, np.int32(n), p), law, low)
    assert variation <= (1.3e-5 if law.var() > 5.9 else 2e-6)
    assert in_cdf <= 4e-6


def test_binomial_of_many_trials():
    for n, p in ((10**9, 2e-9), (2 * 10**9, 1e-7), (10**7, 0.3)):
        p = np.float32(p)
        law = stats.binom(n, float(p))
        low = max(0, int(law.mean() - 2000))
        counts, words = exact_law(lambda bits, n=n, p=p: binomial_of_words(bits, np.int32(n), p), low)
        np.testing.assert_allclose(words / WORDS, law.cdf(counts), atol=3e-6)


def test_summation_and_quantile_agree_where_they_meet():
    grid = np.linspace(5e-4, 1 - 5e-4, 1000).astype(np.float32)
    for below, above in (
        (poisson(grid, np.float32(5.9999)), poisson(grid, np.float32(6))),
        (binomial(grid, 24, np.float32(0.4999)), binomial(grid, 24, np.float32(0.5))),
        (binomial(grid, 28571, np.float32(2.1e-4)), poisson(grid, np.float32(28571 * 2.1e-4))),
    ):
        assert np.abs(np.asarray(below - above)).max() <= 1
        assert np.mean(np.asarray(below != above)) < 0.01


def draws(seed, size=2**20):
    counter = jnp.arange(size, dtype=jnp.uint32)
    return threefry2x32(*(jnp.full(size, word, jnp.uint32) for word in (seed, 77)), counter, counter * 0)[0]


def goodness_of_fit(counts, law):
    """p-value of chi-square over single counts, with those expected less than 10 times joined to their neighbours."""
    counts = np.asarray(counts)
    values = np.arange(int(law.ppf(1e-12)), int(law.isf(1e-12)) + 1)
    expected = law.pmf(values) * counts.size
    kept = values[expected >= 10]
    observed = np.bincount(np.clip(counts, kept[0], kept[-1]) - kept[0], minlength=kept.size)
    expected = law.pmf(kept) * counts.size
    expected[0] = law.cdf(kept[0]) * counts.size
    expected[-1] = law.sf(kept[-1] - 1) * counts.size
    return stats.chisquare(observed, expected).pvalue


@pytest.mark.parametrize("mean", [0.3, 3.0, 6.0, 40.0, 2000.0])
def test_poisson_samples(mean):
    bits = draws(1)
    assert goodness_of_fit(poisson_of_words(bits, np.float32(mean)), stats.poisson(mean)) > 1e-3
    assert goodness_of_fit(poisson(uniform(bits), np.float32(mean)), stats.poisson(mean)) > 1e-3


@pytest.mark.parametrize(("n", "p"), [(7, 0.5), (300, 0.01), (300, 0.9), (10**5, 0.5)])
def test_binomial_samples(n, p):
    bits, law = draws(2), stats.binom(n, float(np.float32(p)))
    assert goodness_of_fit(binomial_of_words(bits, np.int32(n), np.float32(p)), law) > 1e-3
    assert goodness_of_fit(binomial(uniform(bits), n, np.float32(p)), law) > 1e-3


def test_wrong_samplers_are_seen():
    bits, mean = draws(1), np.float32(40)
    good = np.asarray(poisson_of_words(bits, mean))
    cut = np.minimum(good, 60)
    rounded_normal = np.maximum(np.round(40 + np.sqrt(40) * stats.norm.ppf(np.asarray(uniform(bits)))), 0).astype(int)
    for wrong in (cut, rounded_normal, np.asarray(poisson_of_words(bits, mean * np.float32(1.002)))):
        assert goodness_of_fit(wrong, stats.poisson(40)) < 1e-6
    with pytest.raises(AssertionError):
        np.testing.assert_array_less(
            errors(lambda b: poisson_of_words(b, mean * 1.0001), stats.poisson(40), 0)[0], 4e-6
        )


def test_counts_are_monotone_in_the_uniform():
    bits = np.sort(np.asarray(draws(5)))
    for mean in (0.7, 5.9, 6.0, 30.0, 4e3, 1e7):
        assert np.all(np.diff(np.asarray(poisson_of_words(bits, np.float32(mean)))) >= 0)
    for n, p in ((10, 0.4), (100, 0.7), (10**5, 0.5)):
        assert np.all(np.diff(np.asarray(binomial_of_words(bits, np.int32(n), np.float32(p)))) >= 0)


def test_poisson_is_monotone_in_the_mean():
    means = np.unique(np.r_[np.geomspace(1e-3, 1e8, 20001), np.linspace(5.9, 6.1, 2001)].astype(np.float32))
    for u in (1e-9, 0.001, 0.2, 0.5, 0.9, 0.99999):
        counts = np.asarray(poisson(np.full(means.size, u, np.float32), means))
        assert np.all(np.diff(counts) >= 0)


def test_poisson_edges():
    u = np.array([2.0**-33, 0.5, 1 - 2.0**-24], np.float32)
    assert poisson(u, 0.0).tolist() == [0, 0, 0]
    assert poisson(u, np.full(3, 1e-30, np.float32)).tolist() == [0, 0, 0]
    for wrong in (-1e-30, np.nan, np.inf, 2.0**30 * 1.01):
        assert poisson(u, wrong).tolist() == [-1, -1, -1]
    large = np.asarray(poisson(u, 2.0**30))
    np.testing.assert_allclose((large - 2.0**30) / 2.0**15, [-6.34, 0, 5.3], atol=0.01)
    assert poisson(np.array([0.0, 1.0]), 3.0).tolist() == [0, stats.poisson(3).ppf(1 - 2.0**-24)]


def test_binomial_edges():
    u = np.array([2.0**-33, 0.5, 1 - 2.0**-24], np.float32)
    for n in (0, 1, 17, 10**5, 2**31 - 1):
        assert binomial(u, n, 0.0).tolist() == [0, 0, 0]
        assert binomial(u, n, 1.0).tolist() == [n, n, n]
    assert binomial(u, 0, 0.3).tolist() == [0, 0, 0]
    assert binomial(u, np.array([-1, 5, 5], np.int32), np.array([0.5, np.nan, 1.1], np.float32)).tolist() == [-1] * 3
    assert binomial(u, np.float32(3.7), 0.5).tolist() == [0, 2, 3]
    assert binomial(u, np.array([np.nan, -1, 3e9], np.float32), 0.5).tolist() == [-1] * 3
    assert binomial(u, np.array([3, 3, 200], np.uint8), 0.5).tolist() == [0, 2, stats.binom(200, 0.5).ppf(u[2])]


def test_binomial_stays_between_0_and_n():
    generator = np.random.default_rng(3)
    size = 2**18
    n = np.floor(np.exp(generator.uniform(0, np.log(1e6), size))).astype(np.int32)
    p = stats.norm.cdf(generator.normal(0, 2.5, size)).astype(np.float32)
    bits = generator.choice(np.r_[0, 1, 100, 2**31, WORDS - 100, WORDS - 2, WORDS - 1], size).astype(np.uint32)
    k = np.asarray(binomial_of_words(bits, n, p))
    assert np.all((k >= 0) & (k <= n))


def test_counts_are_the_same_with_64_bit_numbers():
    def sample():
        u = np.linspace(0.001, 0.999, 999, dtype=np.float32)
        return [np.asarray(poisson(u, 3.0)), np.asarray(poisson(u, 300.0)), np.asarray(binomial(u, 1000, 0.3))]

    narrow = sample()
    with jax.enable_x64(True):
        wide = sample()
        assert poisson(np.linspace(0.001, 0.999, 999), np.float64(3)).dtype == jnp.int32
    for a, b in zip(narrow, wide, strict=True):
        assert a.dtype == b.dtype == np.int32
        np.testing.assert_array_equal(a, b)
