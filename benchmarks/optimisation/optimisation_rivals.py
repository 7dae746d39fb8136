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


def cma_es(search, trajectories):
    """Covariance matrix adaptation (Hansen, arXiv 1604.00772, with its defaults), from the user's start."""
    value, generator = fixed_sample(search), np.random.default_rng(search.seed)
    mean, n = np.array(search.regimen.start), search.regimen.start.size
    many = 4 + int(3 * np.log(n))
    weights = np.log(many / 2 + 0.5) - np.log(np.arange(1, many // 2 + 1))
    weights /= weights.sum()
    mass = 1.0 / np.sum(weights**2)
    c_sigma, c_c = (mass + 2) / (n + mass + 5), (4 + mass / n) / (n + 4 + 2 * mass / n)
    c_1 = 2 / ((n + 1.3) ** 2 + mass)
    c_mu = min(1 - c_1, 2 * (mass - 2 + 1 / mass) / ((n + 2) ** 2 + mass))
    damping = 1 + 2 * max(0.0, np.sqrt((mass - 1) / (n + 1)) - 1) + c_sigma
    length = np.sqrt(n) * (1 - 1 / (4 * n) + 1 / (21 * n**2))
    sigma, covariance, step, course = 1.0, np.eye(n), np.zeros(n), np.zeros(n)
    best, least = mean, value(mean)
    for generation in range(int((trajectories / EACH - 1) / many)):
        size, axes = np.linalg.eigh(covariance)
        root = axes * np.sqrt(np.maximum(size, 1e-20))
        moves = generator.normal(size=(many, n)) @ root.T
        values = np.array([value(mean + sigma * move) for move in moves])
        order = np.argsort(values)
        if values[order[0]] < least:
            best, least = mean + sigma * moves[order[0]], values[order[0]]
        chosen = moves[order[: weights.size]]
        move = weights @ chosen
        mean = mean + sigma * move
        step = (1 - c_sigma) * step + np.sqrt(c_sigma * (2 - c_sigma) * mass) * np.linalg.solve(root, move)
        going = (
            np.linalg.norm(step) / np.sqrt(1 - (1 - c_sigma) ** (2 * (generation + 1))) < (1.4 + 2 / (n + 1)) * length
        )
        course = (1 - c_c) * course + going * np.sqrt(c_c * (2 - c_c) * mass) * move
        covariance = (
            (1 - c_1 - c_mu) * covariance + c_1 * np.outer(course, course) + c_mu * (chosen.T * weights) @ chosen
        )
        sigma *= np.exp(c_sigma / damping * (np.linalg.norm(step) / length - 1))
    return search.regimen.schedule(best)


def fixed_sample(search):
    """The objective, to be minimised, as a function of coordinates; a limit exceeded costs a thousand of its unit."""

    def value(z):
        search.next_choice = 0  # the same trajectories every time
        found = search.try_out({"here": search.regimen.schedule(np.asarray(z, float))}, EACH)
        excess = found.mean[0, 1:] - search.criterion.most
        return search.criterion.sign * found.mean[0, 0] + 1e3 * float(np.sum(np.maximum(excess, 0.0)))

    return value
