"""The calibration: its record is that of the present targets, and a fit moves a parameter the way it should go."""

from pathlib import Path

import numpy as np
import pytest
import xarray

import jaxsim
from jaxsim.errors import NetworkError
from jaxsim.models import calibrate_organism, organism_parameters
from jaxsim.models.organism_fit import FREE
from jaxsim.models.organism_profile import _limits
from jaxsim.models.organism_targets import TARGETS

RECORDS = Path(jaxsim.__file__).parent.parent / "scripts" / "results"


@pytest.mark.parametrize("record", sorted(RECORDS.glob("organism-calibration-*.nc")), ids=lambda path: path.stem)
def test_the_record_is_of_the_present_targets_and_ranges(record):
    with xarray.open_dataset(record, engine="h5netcdf") as found:
        assert found["target"].values.tolist() == [target.name for target in TARGETS]
        assert found["parameter"].values.tolist()[: len(FREE)] == list(FREE)
        entries = organism_parameters(fitted=False)["parameters"]
        for name in found["parameter"].values:
            one = found.sel(parameter=name)
            assert float(one["prior"]) == pytest.approx(entries[name].value)
            assert entries[name].range[0] <= float(one["fitted_low"]) * (1 + 1e-9)
            assert float(one["fitted_low"]) <= float(one["fitted"]) <= float(one["fitted_high"])
            assert float(one["fitted_high"]) <= entries[name].range[1] * (1 + 1e-9)
        assert int(found["met"].sum()) > int(found["met_by_default"].sum())
        assert np.all(np.diag(found["correlation"].values) == pytest.approx(1.0))


def test_the_default_numbers_are_those_of_the_record():
    with xarray.open_dataset(RECORDS / "organism-calibration-both.nc", engine="h5netcdf") as found:
        used = organism_parameters()["parameters"]
        for name in found["parameter"].values:
            assert used[str(name)].tag == "fitted"
            assert used[str(name)].value == pytest.approx(float(found["fitted"].sel(parameter=name)), rel=1e-3)


def test_the_profile_belongs_to_the_record():
    """Its limits hold the fit, and are within the ranges of the file."""
    with (
        xarray.open_dataset(RECORDS / "organism-calibration-both.nc", engine="h5netcdf") as fit,
        xarray.open_dataset(RECORDS / "organism-profile-both.nc", engine="h5netcdf") as profile,
    ):
        assert profile["parameter"].values.tolist() == fit["parameter"].values.tolist()
        assert np.all(profile["low"].values <= fit["fitted"].values * (1 + 1e-6))
        assert np.all(fit["fitted"].values <= profile["high"].values * (1 + 1e-6))
        assert float(profile["rise"].min()) == 0.0
        assert not bool((profile["open_low"] & profile["open_high"]).all())


def test_a_profile_crosses_its_limit_between_points():
    """A parabola whose twice cost rises by 3.84 at 1.96."""
    x = np.linspace(-4.0, 4.0, 161)
    low, high, *opens = _limits(x, x**2)
    assert (low, high) == (pytest.approx(-1.96, abs=1e-3), pytest.approx(1.96, abs=1e-3))
    assert opens == [False, False]
    assert _limits(x[60:], x[60:] ** 2)[2:] == (True, False)


def test_an_unknown_parameter_is_refused():
    with pytest.raises(NetworkError, match="no 'il1_konstant' to fit"):
        calibrate_organism(free=["il1_konstant"])


@pytest.mark.slow
def test_a_fit_of_one_parameter_lowers_the_content_of_cells():
    """At the defaults the antibody alone does too much; less IL-1alpha in a cell is the way out."""
    found = calibrate_organism(free=["il1a_per_cell"], evaluations=4)
    assert float(found["fitted"][0]) < 0.7 * float(found["prior"][0])
    assert float(found["shrinkage"][0]) > 0.3
