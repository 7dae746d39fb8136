"""The organism at Omega = 1e-4: leaping against the exact method, and a small ladder of Omega.

Welch z of the mean of every species (|z| < 4.5: 26 species fail together with chance below 2e-4), and the distribution
of the tumour, the neutrophils and the reserve by Kolmogorov and Smirnov (each at 1e-4).
"""

import numpy as np
import pytest
from scipy.stats import ks_2samp

import jaxsim as js
from jaxsim.models import organism, scenarios, standard_regimen
from jaxsim.models.organism.scenarios import organism_schedules

OMEGA, HOURS, NUMBER = 1e-4, 48.0, 200
SHOWN = ("S", "N", "R", "P")
LARGEST_Z, SMALLEST_P = 4.5, 1e-4

pytestmark = pytest.mark.slow


def ends(method, number=NUMBER, scale=OMEGA, **options):
    """Counts [trajectory, species] two days after the first dose."""
    plan = organism_schedules(scenarios(["chemo"]), standard_regimen(), HOURS)[0]
    out = js.simulate(
        organism(scale=scale), times=[HOURS], schedule=plan, method=method, trajectories=number, keep="trajectories",
        seed=3 if method == "direct" else 4, **options,
    )  # fmt: skip
    return out["trajectories"].isel(time=-1).transpose("trajectory", "species")


@pytest.fixture(scope="module")
def exact():
    return ends("direct")


def largest_z(first, second):
    spread = first.var("trajectory", ddof=1) / first.sizes["trajectory"]
    spread = spread + second.var("trajectory", ddof=1) / second.sizes["trajectory"]
    apart = (first.mean("trajectory") - second.mean("trajectory")).values
    return np.max(np.abs(np.where(spread.values > 0, apart / np.sqrt(np.where(spread > 0, spread, 1.0)), apart)))


def test_trapezoidal_leaps_have_the_exact_law(exact):
    leapt = ends("trapezoidal_tau_leap", tolerance=0.05)
    assert largest_z(exact, leapt) < LARGEST_Z
    for name in SHOWN:
        assert ks_2samp(exact.sel(species=name), leapt.sel(species=name)).pvalue > SMALLEST_P


def test_leaps_that_are_too_long_are_found_out(exact):
    """The negative control: Euler leaps of three hours, far beyond the relaxation of G-CSF."""
    assert largest_z(exact, ends("tau_leap", step=3.0)) > LARGEST_Z


def test_the_ladder_narrows_as_the_root_of_omega():
    """Standard deviation of tumour and neutrophils over Omega, relative to the mean, at 1e-5, 1e-3, 1e-1."""
    spreads = []
    for scale in (1e-5, 1e-3, 1e-1):
        found = ends("trapezoidal_tau_leap", 128, scale, tolerance=0.1)
        spreads.append([float(found.sel(species=s).std() / found.sel(species=s).mean()) for s in ("S", "N")])
    ratios = np.array(spreads[:-1]) / np.array(spreads[1:])
    assert np.all(ratios > 7.0) and np.all(ratios < 14.0)  # 10, of which 128 trajectories know 12 %
