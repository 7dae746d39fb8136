"""Whether simulators agree: means and variances of the observable merged over runs, and z-scores between simulators."""

import math
import statistics

FEWEST = 20  # trajectories below which a z-score says nothing
DISAGREE = 4.0


def merge(outcomes: list[dict]) -> dict:
    """One law from many runs, after Chan, Golub and LeVeque 1983."""
    n, mean, square = 0, 0.0, 0.0
    for o in outcomes:
        m = o["trajectories"]
        shift = o["mean"] - mean
        square += o["variance"] * (m - 1) + shift**2 * n * m / (n + m)
        mean += shift * m / (n + m)
        n += m
    kurtoses = [o["kurtosis"] for o in outcomes if o["kurtosis"] is not None]
    variance = square / max(n - 1, 1)
    kurtosis = statistics.median(kurtoses) if kurtoses else None
    return {"trajectories": n, "mean": mean, "variance": variance, "kurtosis": kurtosis}


def standard_errors(law: dict, kurtosis: float) -> tuple[float, float]:
    """Of the mean and of the variance."""
    n = law["trajectories"]
    return math.sqrt(law["variance"] / n), law["variance"] * math.sqrt(max(kurtosis - (n - 3) / (n - 1), 0.0) / n)


def compare(laws: dict[str, dict]) -> dict[str, dict]:
    """For each simulator the median of its z-scores with the others, for mean and variance.

    The median, so that one simulator that is wrong shows against all others and leaves the others clean.
    """
    known = [law["kurtosis"] for law in laws.values() if law["kurtosis"] is not None]
    kurtosis = statistics.median(known) if known else 3.0
    usable = {peer: law for peer, law in laws.items() if law["trajectories"] >= FEWEST}
    scores = {}
    for peer, law in usable.items():
        errors = standard_errors(law, kurtosis)
        pairs: tuple[list, list] = ([], [])
        for other, second in usable.items():
            if other == peer:
                continue
            for which, key in enumerate(("mean", "variance")):
                error = math.hypot(errors[which], standard_errors(second, kurtosis)[which])
                difference = law[key] - second[key]
                pairs[which].append(difference / error if error else 0.0)
        if pairs[0]:
            scores[peer] = {"z_mean": statistics.median(pairs[0]), "z_variance": statistics.median(pairs[1])}
    return scores
