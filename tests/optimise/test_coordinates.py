"""Coordinates: every z is allowed, what is allowed has a z, and derivatives are those of differences."""

from functools import partial

import jax
import numpy as np
import pytest

from jaxsim.optimise.coordinates import Box, Budget, Fixed, OrderedTimes

KINDS = {
    "box": Box(2.0, 5.0, 3),
    "box with a window": Box(0.0, 10.0, 2, ((3.0, 6.0),)),
    "times": OrderedTimes(1.0, 27.0, 4, spacing=2.0),
    "times in runs": OrderedTimes(0.0, 30.0, 7, spacing=1.0, in_a_row=3, pause=2.0),
    "times around windows": OrderedTimes(0.0, 20.0, 3, spacing=1.0, windows=((4.0, 6.0), (10.0, 15.0))),
    "all of a budget": Budget(0.0, 6.0, 4, 12.0, spend_all=True),
    "part of a budget": Budget(0.5, 8.0, 3, 12.0, spend_all=False),
    "given": Fixed(3.0, 2),
}


@partial(jax.jit, static_argnums=0)
def compiled(coordinate, z):
    return coordinate.values(z), jax.jacfwd(coordinate.values)(z), jax.jacrev(coordinate.values)(z)


def evaluated(coordinate, z):
    with jax.enable_x64(True):
        return [np.asarray(found) for found in compiled(coordinate, np.asarray(z, np.float64))]


def values(coordinate, z):
    return evaluated(coordinate, z)[0]


def drawn(coordinate, count=200):
    generator = np.random.default_rng(5)
    return [generator.normal(scale=3.0, size=coordinate.size) for _ in range(count)]


@pytest.mark.parametrize("name", KINDS)
def test_every_coordinate_is_allowed(name):
    kind = KINDS[name]
    for z in drawn(kind):
        found = values(kind, z)
        assert np.all(np.isfinite(found))
        if isinstance(kind, Fixed):
            assert np.all(found == 3.0)
            continue
        assert np.all(found >= kind.low - 1e-9)
        assert np.all(found <= kind.high + 1e-9)
        for left, right in getattr(kind, "windows", ()):
            assert not np.any((found > left + 1e-9) & (found < right - 1e-9))
        if isinstance(kind, OrderedTimes):
            assert np.all(np.diff(found) >= kind.spacing - 1e-9)
            if kind.in_a_row:
                run = found[kind.in_a_row :] - found[: -kind.in_a_row]
                assert np.all(run >= kind.in_a_row * kind.spacing + kind.pause - 1e-9)
        if isinstance(kind, Budget):
            spent = found.sum()
            assert spent == pytest.approx(kind.total, rel=1e-9) if kind.spend_all else spent < kind.total


@pytest.mark.parametrize("name", KINDS)
def test_encoding_is_undone(name):
    kind = KINDS[name]
    generator = np.random.default_rng(6)
    for _ in range(20):
        found = values(kind, kind.random(generator))
        assert values(kind, kind.encode(found)) == pytest.approx(found, rel=2e-3, abs=2e-3)


@pytest.mark.parametrize("name", [name for name in KINDS if name != "given"])
def test_derivatives_are_those_of_differences(name):
    kind = KINDS[name]
    for z in drawn(kind, 5):
        z = z / 3.0
        _, slope, reverse = evaluated(kind, z)
        assert reverse == pytest.approx(slope, abs=1e-9)
        for i, direction in enumerate(np.eye(kind.size)):
            difference = (values(kind, z + 1e-5 * direction) - values(kind, z - 1e-5 * direction)) / 2e-5
            assert slope[:, i] == pytest.approx(difference, abs=1e-6)


@pytest.mark.parametrize("name", KINDS)
def test_shares_vanish_at_bounds_and_every_component_has_a_label(name):
    kind = KINDS[name]
    z = np.zeros(kind.size)
    assert len(kind.labels()) == kind.size == kind.shares(z).size == kind.opening(z).size
    if kind.size:
        z[0] = -12.0
        assert kind.shares(z)[0] < 1e-3
        assert kind.opening(z)[0] == 1.0


def test_a_capped_budget_keeps_its_caps_where_a_softmax_would_not():
    kind = Budget(0.0, 6.0, 4, 12.0, spend_all=True)
    found = values(kind, np.array([8.0, 0.0, 0.0, 0.0]))
    plain = 12.0 * np.exp([8.0, 0, 0, 0]) / np.exp([8.0, 0, 0, 0]).sum()
    assert plain[0] > 6.0 >= found[0] > 5.9
    assert found[1:] == pytest.approx(np.full(3, (12.0 - found[0]) / 3))
