"""The benchmarks time the same networks everywhere, and notice a simulator that samples another law."""

import ast
import sys
from pathlib import Path

import numpy as np
import pytest

import jaxsim

BENCHMARKS = Path(jaxsim.__file__).parent.parent / "benchmarks"


@pytest.fixture
def benchmarks(monkeypatch):
    """The repository on the search path, and nothing of its scripts left behind."""
    monkeypatch.syspath_prepend(str(BENCHMARKS.parent))
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if str(BENCHMARKS) in (getattr(sys.modules[name], "__file__", None) or ""):
            del sys.modules[name]


def test_networks_are_those_of_the_cases(benchmarks):
    from benchmarks.speed.cases import CASES, Case
    from jaxsim.network import evaluate, stoichiometry

    draw = np.random.default_rng(0)
    for case in (case for case in CASES.values() if isinstance(case, Case)):
        network = case.network()
        changes = np.array([[step.change.get(s, 0) for step in case.steps] for s in network.structure.species])
        np.testing.assert_array_equal(stoichiometry(network.structure), changes)
        counts = dict(zip(case.species, draw.integers(0, 50, len(case.species)).tolist(), strict=True))
        known = {**{k: float(v) for k, v in network.parameters.items()}, **{k: float(v) for k, v in counts.items()}}
        for step, reaction in zip(case.steps, network.structure.reactions, strict=True):
            expected = eval(step.propensity, {}, counts)  # noqa: S307
            assert float(evaluate(reaction.rate, known)) == pytest.approx(expected, rel=1e-5)


def described(x, kurtosis):
    return {"trajectories": x.size, "mean": x.mean(), "variance": x.var(ddof=1), "kurtosis": kurtosis}


def test_a_wrong_law_shows_and_leaves_the_others_clean(benchmarks):
    from benchmarks.speed.laws import compare, merge

    draw = np.random.default_rng(1)

    def law(rate):
        return merge([described(draw.poisson(rate, 5000), kurtosis=3.1) for _ in range(3)])

    scores = compare({"a": law(10.0), "b": law(10.0), "c": law(10.0), "wrong": law(10.5)})
    assert all(abs(z) < 4 for peer in "abc" for z in scores[peer].values())
    assert scores["wrong"]["z_mean"] > 4


def test_merging_runs_equals_pooling_them(benchmarks):
    from benchmarks.speed.laws import merge

    x = np.random.default_rng(2).normal(5.0, 2.0, 1000)
    parts = [x[:10], x[10:400], x[400:]]
    merged = merge([described(part, kurtosis=None) for part in parts])
    assert merged["mean"] == pytest.approx(x.mean(), rel=1e-12)
    assert merged["variance"] == pytest.approx(x.var(ddof=1), rel=1e-12)


def test_adapters_show_the_same_verbs_in_the_same_order(benchmarks):
    from benchmarks.peers import PEERS

    for peer in PEERS:
        tree = ast.parse((BENCHMARKS / "peers" / f"{peer}.py").read_text())
        functions = [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]
        constants = [
            n.targets[0].id for n in tree.body if isinstance(n, ast.Assign) and isinstance(n.targets[0], ast.Name)
        ]
        assert functions[:2] == ["available", "prepare"], peer
        assert "OWN_THREADS" in constants, peer
