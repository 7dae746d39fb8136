"""``jaxsim organism``: tables and files of a short study, and refusals in one sentence."""

import numpy as np
import pytest
import xarray

from jaxsim.cli import main


def test_a_short_study_prints_tables_and_writes_files(tmp_path, capsys):
    chosen = ["--scenario", "vehicle", "chemo", "chemo+antibody", "--days", "9", "--animals", "3"]
    assert main(["organism", *chosen, "--out", str(tmp_path / "out")]) == 0
    text = capsys.readouterr().out
    assert "3 virtual animals" in text
    assert "Days 4 to 9: chemo over vehicle" in text
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"organism.nc", "restoration.nc", "headline.png", "headline.pdf", "arms.png", "arms.pdf"}
    with xarray.open_dataset(tmp_path / "out" / "organism.nc", engine="h5netcdf") as study:
        assert dict(study["tumour"].sizes) == {"arm": 3, "animal": 3, "time": 37}
        assert len(set(study["burden"].values.ravel())) == 9
        assert study["parameter_damage_rate"].dims == ("animal",)
        late = study.isel(time=study["time"].values >= 96.0).mean(("time", "animal"))  # the finding: days 4 to 9
        for quantity, least in (("gmp_relative", 1.3), ("neutrophils_relative", 1.2)):
            over = late[quantity] / late[quantity].sel(arm="vehicle")
            assert over.sel(arm="chemo") > least > 1.1 > over.sel(arm="chemo+antibody")
    with xarray.open_dataset(tmp_path / "out" / "restoration.nc", engine="h5netcdf") as found:
        assert np.all(found["left"].sel(arm="chemo") == 1.0) and np.all(found["left"].sel(arm="vehicle") == 0.0)
        assert np.all(found["left"].sel(arm="chemo+antibody", quantity="gmp_relative") < 1.0)


@pytest.mark.parametrize(
    ("option", "message"),
    [
        (["--scenario", "vehicel"], "there is no scenario 'vehicel'; did you mean 'vehicle'"),
        (["--animal", "rat"], "there is no animal 'rat'"),
        (["--without", "tumor_gcsf"], "no link 'tumor_gcsf'; did you mean 'tumour_gcsf'"),
        (["--scale", "100"], "may outgrow a 32-bit count"),
        (["--animals", "0"], "give a whole number from 1"),
    ],
)
def test_refusals_are_one_sentence(tmp_path, capsys, option, message):
    try:
        code = main(["organism", "--out", str(tmp_path), *option])
    except SystemExit as stop:
        code = stop.code
    error = [line for line in capsys.readouterr().err.splitlines() if not line.startswith("Simulating")]
    assert code == 2
    assert len(error) == 1 and message in error[0]
