"""Sobol indices of a study, against those of a function whose indices are known."""

import numpy as np
import pytest

import jaxsim as js
from jaxsim.errors import StudyError
from jaxsim.study import sobol_indices_of

STUDY = """
[model]
species = {X = 0}
parameters = {a = 1.0, b = 1.0}
reactions = ["-> X, a", "-> X, b"]
[design]
kind = "KIND"
points = 64
seed = 1
parameters.a = {low = 0.0, high = 3.0}
parameters.b = {low = 0.0, high = 1.0}
[simulation]
times = [1.0]
method = "mean_field"
chunk = 128
"""


def test_indices_of_a_sum_are_its_shares_of_the_variance(tmp_path):
    study = tmp_path / "sum.toml"
    study.write_text(STUDY.replace("KIND", "sensitivity"))
    assert js.run_study(study, progress=False).complete
    found = sobol_indices_of(tmp_path / "sum.store", "X")
    assert found["input"].values.tolist() == ["a", "b"]
    assert np.allclose(found["first"], [0.9, 0.1], atol=0.05)
    assert np.allclose(found["total"], [0.9, 0.1], atol=0.05)
    assert float(found["noise"]) == 0.0
    with pytest.raises(StudyError, match="no species 'Y'"):
        sobol_indices_of(tmp_path / "sum.store", "Y")


def test_another_design_has_no_indices(tmp_path):
    study = tmp_path / "other.toml"
    study.write_text(STUDY.replace("KIND", "sobol").replace("points = 64", "points = 2"))
    js.run_study(study, progress=False)
    with pytest.raises(StudyError, match="is not 'sensitivity'"):
        sobol_indices_of(tmp_path / "other.store", "X")
