"""Shapley shares: the axioms on games with known shares, and the tables that are made of a decomposition."""

from itertools import chain, combinations

import numpy as np
import pytest

from jaxsim.models.organism.decomposition import PLAYERS, SINGLE_LINKS, organism_decomposition, shapley_shares


def game(players, worth):
    """The worth of every set of players."""
    sets = chain.from_iterable(combinations(players, size) for size in range(len(players) + 1))
    return {frozenset(one): np.array([float(worth(frozenset(one)))]) for one in sets}


def test_links_in_series_share_equally_and_what_does_nothing_gets_nothing():
    shares = shapley_shares("abc", game("abc", lambda on: float({"a", "b"} <= on)))
    assert shares[:, 0].tolist() == [0.5, 0.5, 0.0]


def test_shares_add_up_and_sums_of_games_have_the_sum_of_shares():
    draw = np.random.default_rng(3)
    weights = {player: draw.uniform() for player in PLAYERS}
    added = game(PLAYERS, lambda on: sum(weights[player] for player in on))
    assert shapley_shares(PLAYERS, added)[:, 0] == pytest.approx(list(weights.values()))
    random = {key: draw.uniform(size=1) for key in added}
    both = {key: added[key] + random[key] for key in added}
    shares = shapley_shares(PLAYERS, both)
    assert shares.sum() == pytest.approx((both[frozenset(PLAYERS)] - both[frozenset()]).item())
    assert shares == pytest.approx(shapley_shares(PLAYERS, added) + shapley_shares(PLAYERS, random))


@pytest.mark.slow
def test_the_benefit_of_the_antibody_goes_through_the_links():
    found = organism_decomposition(["antibody"]).isel(agent=0, animal=0)
    whole = float(found["benefit"])
    assert whole == pytest.approx(np.log(1 / 0.758), rel=0.01)
    assert float(found["share"].sum()) + float(found["benefit_none"]) == pytest.approx(whole)
    assert np.all(found["share"] > 0.0)
    assert abs(float(found["benefit_none"])) < 0.05 * whole
    assert float(found["lost"].sel(link="harm")) > 0.9
    assert list(found["link"].values) == list(SINGLE_LINKS)
