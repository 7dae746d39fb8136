"""The figure of a switching function: what is coloured, and where doses are marked."""

import numpy as np
from matplotlib.colors import to_hex

import jaxsim as js
from jaxsim.gradient import SwitchingFunction
from jaxsim.plots import plot_switching_function
from jaxsim.plots.style import BLUE, VERMILION

VALUE = np.array([-2.0, 0.1, 3.0])
FOUND = SwitchingFunction(np.arange(4.0), VALUE, np.full(3, 0.5), VALUE - 1, VALUE + 1, "block", 1.1, 0.9, "none", 10)
PLAN = js.Schedule(drug=js.Dose(1.0, at=[0.5, 9.0]), block=js.Dose(2.0, at=1.0, duration=0.5), X=js.Set(3, at=1.0))


def test_colour_says_what_the_band_leaves_no_doubt_of():
    (panel,) = plot_switching_function(FOUND, objective="J", effect="block", time_unit="d").axes
    bars = {to_hex(bar.get_facecolor()).upper(): (bar.get_x(), bar.get_y(), bar.get_height()) for bar in panel.patches
            if hasattr(bar, "get_x")}  # fmt: skip
    assert bars[VERMILION] == (0.0, -3.0, 2.0) and bars[BLUE] == (2.0, 2.0, 2.0) and len(bars) == 3
    assert panel.get_ylabel() == "d J / d block(t), per d"


def test_doses_of_agents_are_marked_within_the_span():
    (panel,) = plot_switching_function(FOUND, PLAN).axes
    marks = [line.get_xdata().tolist() for line in panel.lines if line.get_transform() == panel.get_xaxis_transform()]
    assert [0.5] in marks and [1.0, 1.5] in marks and not any(9.0 in mark for mark in marks)
    assert [text.get_text() for text in panel.texts] == ["drug", "block"]
