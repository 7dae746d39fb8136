"""The models of ``estimation.py``, and what is known of their means."""

import numpy as np

import jaxsim as js
from jaxsim.models.organism.scenarios import standard_regimen

ERROR = 1e-3
ERRORS = (3e-2, 1e-2, 3e-3, 1e-3, 3e-4, 1e-4)


def gene() -> dict:
    """Transcription, translation, dimerisation: Anderson & Higham 2012, section 9."""
    reactions = ["-> M, 25", "M -> M + P, 1000", "2 P -> D, 0.001", "M -> , 0.1", "P -> , 1"]
    network = js.Network({"M": 0, "P": 0, "D": 0}, reactions)
    return {"network": network, "quantity": "D", "at": 1.0, "plain": 20_000, "errors": (*ERRORS, 3e-5, 1e-5)}


def varied() -> dict:
    """The same, with transcription and the loss of proteins varying from cell to cell."""
    reactions = ["-> M, transcription", "M -> M + P, 1000", "2 P -> D, 0.001", "M -> , 0.1", "P -> , loss"]
    network = js.Network(
        {"M": 0, "P": 0, "D": 0}, reactions, {"transcription": js.Lognormal(25.0, 0.3), "loss": js.Lognormal(1.0, 0.3)}
    )
    return {"network": network, "quantity": "D", "at": 1.0, "plain": 20_000, "errors": ERRORS, "points": True}


def decaying() -> dict:
    """The decaying-dimerising set of Gillespie 2001, section VI, with 1e5 monomers."""
    reactions = ["S1 -> , 1", "2 S1 -> S2, 0.001", "S2 -> 2 S1, 0.5", "S2 -> S3, 0.04"]
    network = js.Network({"S1": 100_000, "S2": 0, "S3": 0}, reactions)
    return {
        "network": network, "quantity": "S1", "at": 30.0, "plain": 512, "errors": (*ERRORS, 3e-5, 1e-5),
        "truth": moments,
    }  # fmt: skip


def organism() -> dict:
    """Tumour cells of the mouse after a week with gemcitabine, at full size."""
    schedule = js.Schedule(gemcitabine=standard_regimen("mouse")["gemcitabine"])
    network = js.models.organism()
    return {
        "network": network, "quantity": "tumour", "at": 168.0, "schedule": schedule, "first": 0.02,
        "errors": ERRORS, "truth": rate_equations,
    }  # fmt: skip


def estimated(case: dict, error: float, seed: int):
    return js.estimate(
        case["network"], case["quantity"], at=case["at"], schedule=case.get("schedule"), relative_error=error,
        seed=seed, limit_seconds=1e5,
    )  # fmt: skip


def reference(case: dict, plain: dict) -> dict:
    """The same estimator at a tenth of the error, held against exact trajectories."""
    found = estimated(case, 0.1 * ERROR, 1)
    return judged({"by": "js.estimate at a tenth of the error", "value": found.value,
                   "standard_error": found.standard_error}, plain)  # fmt: skip


def judged(truth: dict, plain: dict) -> dict:
    """Add how far exact trajectories are from a truth."""
    z = (plain["mean"] - truth["value"]) / np.hypot(plain["standard_error"], truth["standard_error"])
    relative = plain["standard_error"] / plain["mean"]
    return {**truth, "z_of_exact_trajectories": float(z), "relative_standard_error_of_exact_trajectories": relative}


def rate_equations(case: dict, plain: dict) -> dict:
    """The mean where fluctuations are a thousandth of the count, and that of the estimator at a tenth of the error."""
    out = js.simulate(
        case["network"], times=[case["at"]], schedule=case["schedule"], method="mean_field", progress=False
    )
    value = float(out["observable_mean"].sel(observable=case["quantity"])[0])
    found = estimated(case, 0.1 * ERROR, 1)
    other = {"by": "js.estimate at a tenth of the error", "value": found.value, "half_width": found.half_width}
    return {"by": "rate equations", "value": value, "standard_error": 0.0, "other": other,
            "relative_difference": (found.value - value) / value}  # fmt: skip


def moments(case: dict, plain: dict) -> dict:
    """Means and covariances of S1 and S2 with third cumulants left out, which makes an error of about cv^4 = 3e-6."""
    from scipy.integrate import solve_ivp

    change = np.array([[-1.0, -2.0, 2.0, 0.0], [0.0, 1.0, -1.0, -1.0]])

    def slope(_, y):
        (a, b), covariance = y[:2], y[2:].reshape(2, 2)
        rates = np.array([a, 1e-3 * (a * (a - 1) + covariance[0, 0]), 0.5 * b, 0.04 * b])
        slopes = change @ np.array([[1.0, 0.0], [1e-3 * (2 * a - 1), 0.0], [0.0, 0.5], [0.0, 0.04]])
        flow = slopes @ covariance
        return np.concatenate([change @ rates, (flow + flow.T + (change * rates) @ change.T).ravel()])

    start = np.array([1e5, 0.0, 0.0, 0.0, 0.0, 0.0])
    found = solve_ivp(slope, (0.0, case["at"]), start, "LSODA", rtol=1e-10, atol=1e-8)
    truth = {"by": "moment equations of second order", "value": float(found.y[0, -1]), "standard_error": 0.0}
    return judged(truth, plain)


CASES = {"dimerisation": gene, "varied-dimerisation": varied, "decaying-dimerising": decaying, "organism": organism}
