"""An agent without effect: the interval of its gain covers zero, although the search has chased noise."""

import numpy as np
import pytest

import jaxsim as js

REPETITIONS = 100
FEWEST = 91  # at 95 % each, fewer than 91 of 100 have a probability of 3 %; 93 are asked for of the benchmark's seeds


@pytest.mark.slow
def test_intervals_of_a_null_agent_cover_zero():
    network = js.Network(
        {"A": 30, "B": 30},  # two forms that are made and lost alike; the drug moves cells from one to the other
        ["-> A, 15", "A -> , 0.5", "B -> , 0.5", "A -> B @ (0.2 + drug)*A", "B -> A, 0.2"],
        inputs={"drug": js.OneCompartment(0.7, 1.0)},
    )
    plan = js.Schedule(drug=js.Dose(3.0, at=js.free(0, 9, start=[2.0, 5.0], spacing=0.5)))
    covered, gains = 0, []
    for seed in range(REPETITIONS):
        best = js.optimise(
            network, plan, minimise=js.mean_log10("A + B", at=10.0), step=0.25, starts=4, steps=6, batch=(256, 512),
            trajectories=4096, check=0, seed=seed, budget=20_000,
        )  # fmt: skip
        gain = next(gain for gain in best.gains if gain.over == "start")
        covered += gain.interval[0] <= 0.0 <= gain.interval[1]
        gains.append(gain.difference)
    assert covered >= FEWEST
    assert np.ptp(gains) > 0.0  # the schedules do differ, and with them the trajectories
