"""What the rows of the acceptance table are made of: lines with number, limit and verdict, gradients of model A."""

import numpy as np

import jaxsim as js
from benchmarks.gradients import immigration_death as a
from jaxsim.gradient.free import free_numbers
from jaxsim.gradient.gradient import posed
from jaxsim.gradient.tables import build_tables


def line(what, number, limit, passes):
    """Return one line; `passes` is None where the number is only shown."""
    passes = None if passes is None else bool(np.all(passes))
    return {"what": what, "number": np.asarray(number, float), "limit": limit, "passes": passes}


def model_a(objective, method, trajectories, **more):
    """Return a gradient of immigration-death under a pulse."""
    given = {"free": a.FREE, "schedule": a.PLAN, "step": a.STEP, "trajectories": trajectories} | more
    return js.gradient(given.pop("network", a.NETWORK), objective, method=method, **given)


def problem_a(objective, trajectories, network=a.NETWORK, free=a.FREE, seed=0, shifts=4):
    """Return what its estimators are given."""
    found = free_numbers(network, a.PLAN, free, None)
    return posed(found, objective, trajectories, seed, (0.0, None), a.STEP, None, shifts, 0)


def leap_truth(network=a.NETWORK, start=a.START, many=a.MANY):
    """Return the exact gradient of each functional on the leap chain."""
    tables, slopes = build_tables(free_numbers(network, a.PLAN, a.FREE, None), network, a.edges())
    counts, law, slope = a.leap_law(tables.exposure[:, 0], slopes.tables.exposure[:, 0], start, many)
    return {name: slope @ f for name, f in a.functionals(counts, law).items()}


def relative_deviation(found, component):
    """Return the standard deviation of one trajectory over the gradient."""
    return float(found.error[component] * np.sqrt(found.trajectories) / abs(found.vector[component]))
