"""The figure of a switching function: what is coloured, and where doses are marked."""

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.colors import to_hex

import jaxsim as js
from jaxsim.gradient import SwitchingFunction
from jaxsim.plots import plot_switching_function
from jaxsim.plots.style import BLUE, VERMILION

VALUE = np.array([-2.0, 0.1, 3.0])
FOUND = SwitchingFunction(
    edges=np.arange(4.0),
    value=VALUE,
    error=np.full(3, 0.5),
    lower=VALUE - 1,
    upper=VALUE + 1,
    effect="block",
    total=1.1,
    total_error=0.9,
    bias="none",
    trajectories=10,
)
PLAN = js.Schedule(drug=js.Dose(1.0, at=[0.5, 9.0]), block=js.Dose(2.0, at=1.0, duration=0.5), X=js.Set(3, at=1.0))


def test_colour_says_what_the_band_leaves_no_doubt_of():
    (panel,) = plot_switching_function(FOUND, objective="J", effect="block", time_unit="d").axes
    bars = {to_hex(bar.get_facecolor()).upper(): (bar.get_x(), bar.get_y(), bar.get_height()) for bar in panel.patches
            if hasattr(bar, "get_x")}  # fmt: skip
    assert bars[VERMILION] == (0.0, -3.0, 2.0) and bars[BLUE] == (2.0, 2.0, 2.0) and len(bars) == 3
    assert panel.get_ylabel() == "d J / d block(t), per d"


@pytest.mark.parametrize("minimise", [False, True])
def test_blue_is_what_helps_and_the_legend_says_so(minimise):
    """By argument, and by what an optimum says of its objective; unsaid, higher is better."""
    said = replace(FOUND, minimised=minimise)
    for figure in (
        plot_switching_function(FOUND, effect="block", minimise=minimise),
        plot_switching_function(said, effect="block"),
        plot_switching_function(replace(FOUND, minimised=not minimise), effect="block", minimise=minimise),
    ):
        (panel,) = figure.axes
        colours = {bar.get_x(): to_hex(bar.get_facecolor()).upper() for bar in panel.patches if hasattr(bar, "get_x")}
        falls, rises = (BLUE, VERMILION) if minimise else (VERMILION, BLUE)
        assert (colours[0.0], colours[2.0]) == (falls, rises)
        (legend,) = figure.legends
        words = dict(zip((to_hex(h.get_color()).upper() for h in legend.legend_handles),
                         (text.get_text() for text in legend.get_texts()), strict=True))  # fmt: skip
        better, worse = ("lowers", "raises") if minimise else ("raises", "lowers")
        assert words[BLUE] == f"more helps: it {better} the objective"
        assert words[VERMILION] == f"more harms: it {worse} the objective"


def test_doses_of_agents_are_marked_within_the_span():
    (panel,) = plot_switching_function(FOUND, PLAN).axes
    marks = [line.get_xdata().tolist() for line in panel.lines if line.get_transform() == panel.get_xaxis_transform()]
    assert [0.5] in marks and [1.0, 1.5] in marks and not any(9.0 in mark for mark in marks)
    assert [text.get_text() for text in panel.texts] == ["drug", "block"]
