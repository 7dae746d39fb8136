"""BioNetGen's ``mratio``: a ratio of confluent hypergeometric functions, as a continued fraction."""

import math

MOST_TERMS = 100_000
ENOUGH = 1e-15
TINY = 1e-300


def mratio(a: float, b: float, z: float) -> float:
    """Return ``M(a + 1, b + 1, z) / M(a, b, z)`` of Kummer's function M.

    Source: Gauss' continued fraction for 1F1 (NIST Handbook of Mathematical Functions, 13.5.1), evaluated by the
    modified method of Lentz.

    Raises
    ------
    ValueError
        If the fraction does not converge to a finite number.

    Examples
    --------
    >>> round(mratio(1.0, 1.0, 0.5), 12)  # M(2, 2, z) = M(1, 1, z) = exp(z)
    1.0
    """
    value, c, d = TINY, TINY, 0.0
    for n in range(MOST_TERMS):
        numerator = 1.0 if n == 0 else _coefficient(a, b, n) * z
        d = 1.0 / (1.0 + numerator * d or TINY)
        c = 1.0 + numerator / c or TINY
        step = c * d
        value *= step
        if not math.isfinite(value):
            break
        if abs(step - 1.0) < ENOUGH:
            return value
    raise ValueError(f"mratio({a:g}, {b:g}, {z:g}) does not converge")


def _coefficient(a: float, b: float, n: int) -> float:
    """Return the partial numerator over z: of 13.5.1, u_1 = (a - b)/(b (b + 1)), u_2 = (a + 1)/((b + 1)(b + 2)), ..."""
    half = n // 2
    if n % 2:
        return (a - b - half) / ((b + 2 * half) * (b + 2 * half + 1))
    return (a + half) / ((b + 2 * half - 1) * (b + 2 * half))
