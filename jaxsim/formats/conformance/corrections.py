"""Exact values of cases of which the suite's table is not exact.

The tables of six truncated laws hold simulated values, up to 0.0047 standard deviations from the law; in three of
truncated normals the column of standard deviations holds the variance, 0.24 % less. At ten thousand runs that is lost
in the noise, at a million right results would be out of range. The values here are moments of the truncated density by
quadrature (binomial: by summation), which a test computes again.
"""

import numpy as np
from jaxtyping import Float64

Table = dict[str, Float64[np.ndarray, " time"]]

EXACT: dict[str, dict[str, float]] = {
    "00058": {"X-mean": 20.60485849, "X-sd": 3.473866636},  # binomial(100, 0.2) from 15 to 32
    "00059": {"X-mean": 3.345210222, "X-sd": 2.041932865},  # Cauchy(1, 2) from 1.1 to 10; the table has no sd
    "00060": {"X-mean": 3.685625821, "X-sd": 1.419480117},  # chi-square(2) from 2 to 8
    "00062": {"X-mean": 4.13834925, "X-sd": 0.8201254375},  # gamma(1, 2) from 3 to 6
    "00064": {"ln(X)-mean": 1.679710927, "ln(X)-sd": 0.3450855781},  # lognormal(1, 2) from 3 to 10
    "00066": {"X-mean": 3.769167006, "X-sd": 0.5376781519},  # Rayleigh(2) from 3 to 5
    "00070": {"X-mean": -0.8977354172, "X-sd": 0.9975988232},  # normal(0, 1.5) up to 0.5
    "00096": {"X-mean": 0.8977354172, "X-sd": 0.9975988232},  # normal(0, 1.5) from -0.5
    "00098": {"X-mean": -0.8977354172, "X-sd": 0.9975988232},  # as 00070
}


def corrected(case: str, table: Table) -> tuple[Table, str]:
    """Return the expected values of a case, and a clause on how far the suite's own are from them, if they are not.

    Examples
    --------
    >>> table = {"X-mean": np.array([0.0, 3.6835]), "X-sd": np.array([0.0, 1.419375])}
    >>> found, remark = corrected("00060", table)
    >>> found["X-mean"].tolist(), remark
    ([0.0, 3.685625821], "judged by the exact law: the table's mean is 0.0015 sd off, its sd 0.01 %")
    """
    exact = EXACT.get(case)
    if exact is None:
        return table, ""
    mean, deviation = exact
    drawn = table[mean] != 0
    off = abs(table[mean][-1] - exact[mean]) / exact[deviation]
    wide = f", its sd {abs(table[deviation][-1] / exact[deviation] - 1):.2%}" if deviation in table else ""
    remark = f"judged by the exact law: the table's mean is {off:.4f} sd off{wide}".replace("%", " %")
    return {column: np.where(drawn, value, 0.0) for column, value in exact.items()}, remark
