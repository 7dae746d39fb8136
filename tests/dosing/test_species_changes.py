"""Doses and settings of species act in the right cells, in the order listed."""

import numpy as np

from jaxsim import Network
from jaxsim.dosing import Dose, OneCompartment, Schedule, Set, build_timeline

NETWORK = Network({"A": 5, "B": 0}, ["A -> B @ A*drug"], inputs={"drug": OneCompartment(0.3, 2.0)})


def run(timeline, state, keep):
    """Apply the changes of species cell by cell; the state at the end of every cell that satisfies `keep`."""
    seen = []
    for cell in range(len(timeline.edges) - 1):
        state = timeline.multiply[cell] * state + timeline.add[cell]
        if keep(cell):
            seen.append(state.tolist())
    return seen


def test_doses_at_start_end_and_twice():
    plan = Schedule(A=Dose([1, 2, 4, 8, 16], at=[0, 0, 3, 3, 9]), B=Set([7, 6], at=[3, 9]))
    timeline = build_timeline(NETWORK, plan, 0.0, 9.0)
    assert timeline.edges.tolist() == [0, 0, 0, 3, 3, 3, 9, 9, 9]
    # both doses at the start act in cell 0, both at 3 in the first cell that begins there
    assert timeline.add[:, 0].tolist() == [3, 0, 0, 12, 0, 0, 16, 0]
    assert timeline.multiply[:, 1].tolist() == [1, 1, 1, 0, 1, 1, 0, 1]
    states = run(timeline, np.array([5.0, 1.0]), lambda cell: True)
    assert states[0] == [8.0, 1.0] and states[5] == [20.0, 7.0] and states[-1] == [36.0, 6.0]


def test_order_at_one_instant_is_the_order_listed():
    first = build_timeline(NETWORK, Schedule(A=[Set(0, at=3), Dose(4, at=3)]), 0.0, 9.0)
    second = build_timeline(NETWORK, Schedule(A=[Dose(4, at=3), Set(0, at=3)]), 0.0, 9.0)
    assert run(first, np.array([5.0, 0.0]), lambda cell: True)[-1] == [4.0, 0.0]
    assert run(second, np.array([5.0, 0.0]), lambda cell: True)[-1] == [0.0, 0.0]


def test_doses_after_the_end_do_nothing():
    plan = Schedule(A=Dose(4, at=[3, 10]), drug=Dose(4, at=20.0, duration=2.0), B=Set(7, at=9.5))
    timeline = build_timeline(NETWORK, plan, 0.0, 9.0)
    assert timeline.add.sum() == 4 and timeline.multiply.min() == 1
    assert np.all(timeline.amplitude == 0) and np.all(timeline.upper[:, 0] == 0)
