"""Fit the tables of `jaxsim.random.normal` and `jaxsim.random.poisson` again, and print them.

    python scripts/fit_quantiles.py

Exact quantiles come from SciPy's incomplete beta and gamma functions in double precision. Each fit is a linear least
squares problem whose weights grow where the error is largest, which converges to the fit of least largest error
(Lawson's algorithm; here with a gentle exponent, so that it cannot stall). Takes about two minutes.
"""

import sys

import numpy as np
from numpy.polynomial import chebyshev
from scipy import special

DEPTH = 21.6  # -log(4 u (1 - u)) is 21.49 at the smallest uniform, 2**-33
SPLIT = 5.0
FAR = 6.3  # two uniforms in 1e10 give normal variates further out, up to 6.34
VARIANCES = np.concatenate([[6, 6.5, 7.2, 8.2, 9.5, 11.5, 15, 20, 30], np.geomspace(50, 1e5, 6)])
THETAS = np.r_[np.cos(np.pi * (np.arange(11) + 0.5) / 22), 0, 1 - 1e-3]
ORIGIN = 3.5  # v = w / (theta w + ORIGIN sigma)
POWERS = {"R": (7, 4), "A": (6, 4), "B": (3, 4)}  # highest powers of v and theta


def minimax(columns, target, importance, rounds):
    """Return coefficients that minimise the largest importance * |columns @ coefficients - target|."""
    scale = np.abs(columns).max(0)
    weights, least = importance.copy(), np.inf
    for _ in range(rounds):
        found = np.linalg.lstsq(columns / scale * weights[:, None], target * weights, rcond=1e-15)[0] / scale
        error = importance * np.abs(columns @ found - target)
        if error.max() < least:
            least, best = error.max(), found
        weights *= (error / error.max() + 1e-2) ** 0.1
        weights /= weights.max()
    return best, least


def fit_normal(low, high, depth_of, degree=8, nodes=3000):
    """Fit w / (2u - 1) as a polynomial in t - (low + high) / 2, where -log(4 u (1 - u)) is depth_of(t)."""
    s = np.cos(np.pi * (np.arange(nodes) + 0.5) / nodes)
    depth = depth_of((low + high) / 2 + (high - low) / 2 * s)
    twice = np.sqrt(-np.expm1(-depth))  # 1 - 2u
    u = np.exp(-depth) / 2 / (1 + twice)
    ratio = np.where(twice > 1e-6, -special.ndtri(u) / np.maximum(twice, 1e-300), np.sqrt(np.pi / 2))
    found, least = minimax(chebyshev.chebvander(s, degree), ratio, 1 / ratio, 100)
    powers = chebyshev.cheb2poly(found) / ((high - low) / 2) ** np.arange(degree + 1)
    return powers, least


def exact_quantile(w, variance, theta):
    """Return x with P(K < x) at the standard normal variate w, by bisection on the smaller tail."""
    p = (1 - theta) / 2
    n = variance / (p * (1 - p)) if p else np.inf
    low, high = np.full_like(w, 1e-9), np.full_like(w, min(variance + 7 * np.sqrt(variance) + 25, n + 1 - 1e-9))
    if p:
        high = np.full_like(w, n + 1 - 1e-9)
    for _ in range(100):
        x = (low + high) / 2
        below = special.betainc(n - x + 1, x, 1 - p) if p else special.gammaincc(x, variance)
        above = special.betainc(x, n - x + 1, p) if p else special.gammainc(x, variance)
        short = np.where(
            w < 0,
            np.log(np.maximum(below, 1e-300)) < special.log_ndtr(w),
            special.log_ndtr(-w) < np.log(np.maximum(above, 1e-300)),
        )
        low, high = np.where(short, x, low), np.where(short, high, x)
    return low, n, n * p if p else variance


def samples():
    """Return w, variance, theta and x - mean on a grid, where x lies between 0 and n."""
    w = np.linspace(-FAR, FAR, 127)
    rows = []
    for variance in VARIANCES:
        for theta in (*THETAS, 1.0):
            x, n, mean = exact_quantile(w, variance, theta)
            inside = (x > 0.9) & (x < n + 0.1)
            size = inside.sum()
            rows.append([w[inside], np.full(size, variance), np.full(size, theta), x[inside] - mean])
    return (np.concatenate(column) for column in zip(*rows, strict=True))


def odd_powers(table):
    """Return the pairs (i, j) with i + j odd up to the highest powers of a table."""
    highest_v, highest_theta = POWERS[table]
    return [(i, j) for i in range(highest_v + 1) for j in range(highest_theta + 1) if (i + j) % 2]


def fit_quantile():
    """Fit R, A and B together; a Poisson variate, theta = 1, counts three times, being the one most used."""
    w, variance, theta, above = samples()
    sigma = np.sqrt(variance)
    v = w / (theta * w + ORIGIN * sigma)
    factor = {"R": w**2, "A": np.ones_like(w), "B": 1 / variance}
    terms = [(table, i, j) for table in POWERS for i, j in odd_powers(table)]
    columns = np.stack([factor[table] * v**i * theta**j for table, i, j in terms], 1)
    # errors cost most where K is likely, and in the tails up to fifty times less
    importance = (np.exp(-(w**2) / 2) + 0.02) * np.where(theta == 1, 3, 1)
    found, least = minimax(columns, above - sigma * w - 0.5, importance, 150)
    rows = {table: [[] for _ in range(POWERS[table][0] + 1)] for table in POWERS}
    for (table, i, _), value in zip(terms, found, strict=True):
        rows[table][i].append(float(f"{value:.8g}"))
    return rows, least


def main():
    for name, fit in (
        ("CENTRE", fit_normal(0.0, SPLIT, lambda t: t)),
        ("TAIL", fit_normal(np.sqrt(SPLIT), np.sqrt(DEPTH), np.square)),
    ):
        sys.stdout.write(f"{name}: relative error {fit[1]:.1e}\n  {[float(f'{c:.9g}') for c in fit[0]]}\n")
    rows, least = fit_quantile()
    sys.stdout.write(f"weighted error {least:.1e}\n")
    for table, lines in rows.items():
        sys.stdout.write(f"{table} = (\n" + "".join(f"    {tuple(line)},\n" for line in lines) + ")\n")


if __name__ == "__main__":
    main()
