"""``jaxsim organism``: tables and files of a short study, and refusals in one sentence."""

import pytest
import xarray

from jaxsim.cli import main


def test_a_short_study_prints_tables_and_writes_files(tmp_path, capsys):
    chosen = ["--scenario", "vehicle", "chemo", "--days", "4", "--animals", "3", "--out", str(tmp_path / "out")]
    assert main(["organism", *chosen]) == 0
    text = capsys.readouterr().out
    assert "3 virtual animals" in text
    assert "T4 chemo raises GMP frequency" in text
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"organism.nc", "validation.nc", "courses.png", "arms.png", "validation.png"}
    with xarray.open_dataset(tmp_path / "out" / "organism.nc", engine="h5netcdf") as study:
        assert dict(study["tumour"].sizes) == {"arm": 2, "animal": 3, "time": 17}
        assert len(set(study["burden"].values.ravel())) == 6
        assert study["parameter_damage_rate"].dims == ("animal",)


@pytest.mark.parametrize(
    ("option", "message"),
    [
        (["--scenario", "vehicel"], "there is no scenario 'vehicel'; did you mean 'vehicle'"),
        (["--animal", "rat"], "there is no animal 'rat'"),
        (["--hypothesis", "direkt"], "there is no hypothesis 'direkt'; did you mean 'direct'"),
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
