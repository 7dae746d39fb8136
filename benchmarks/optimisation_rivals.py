"""Searches without gradients, in the same coordinates and with common random numbers."""

import numpy as np
from scipy import optimize

EACH = 2048  # trajectories of one evaluation


def nelder_mead(search, trajectories):
    """The simplex method on the sample mean over fixed trajectories, from the user's start."""
    value = fixed_sample(search)
    found = optimize.minimize(value, search.regimen.start, method="Nelder-Mead",
                              options={"maxfev": int(trajectories / EACH), "adaptive": True})  # fmt: skip
    return search.regimen.schedule(found.x)


def random_search(search, trajectories):
    """The best of regimens drawn uniformly from all that are allowed."""
    value, generator = fixed_sample(search), np.random.default_rng(search.seed)
    drawn = [search.regimen.start] + [search.regimen.random(generator) for _ in range(int(trajectories / EACH) - 1)]
    return search.regimen.schedule(min(drawn, key=value))


def fixed_sample(search):
    """The objective, to be minimised, as a function of coordinates."""

    def value(z):
        search.next_choice = 0  # the same trajectories every time
        found = search.try_out({"here": search.regimen.schedule(np.asarray(z, float))}, EACH)
        return search.criterion.sign * found.mean[0, 0]

    return value
