"""Bad input gives one sentence on stderr and exit code 2, at once; Ctrl-C gives a sentence and 130."""

import os
import warnings

import pytest

from jaxsim import __version__
from jaxsim.cli import main
from jaxsim.console.guard import guarded
from jaxsim.errors import SimulationWarning


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ("cels", "jaxsim: there is no command 'cels'; did you mean 'cells'?"),
        ("--halp", "jaxsim: there is no option '--halp'; did you mean '--help'?"),
        ("cells --dos 5", "jaxsim cells: there is no option '--dos'; did you mean '--dose'?"),
        ("cells --dos=5", "jaxsim cells: there is no option '--dos'; did you mean '--dose'?"),
        ("cells --inhibiter 5", "there is no option '--inhibiter'; did you mean '--inhibitor'?"),
        ("cells 7", "there is no argument '7'"),
        ("cells --dose x", "--dose: 'x' is not a number"),
        ("cells --dose -3", "--dose: '-3' is not possible; give a finite number from 0"),
        ("cells --dose nan", "--dose: 'nan' is not possible"),
        ("cells --cells 0", "--cells: '0' is not possible; give a whole number from 1"),
        ("cells --cells 1.5", "--cells: '1.5' is not possible"),
        ("cells --cells", "--cells: expected one argument"),
        ("cells --cells 1e12", "trajectories is 1000000000000; give a whole number from 1 to"),
        ("cells --hours 0", "--hours: '0' is not possible; give a positive number of hours"),
        ("cells --seed -1", "--seed: '-1' is not possible; give a whole number from 0"),
        ("cells --seed 1e30", "--seed: '1e30' is too large"),
        ("cells --inhibitor-every 0", "--inhibitor-every: '0' is not possible"),
        ("cells --at 0 100", "gemcitabine at 100 h is not before the end at 96 h"),
        ("demo --cell 5", "jaxsim demo: there is no option '--cell'; did you mean '--cells'?"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(arguments, sentence, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(arguments.split()) == 2
    printed = capsys.readouterr()
    lines = [line for line in printed.err.splitlines() if not line.startswith("Simulating")]
    assert len(lines) == 1
    assert sentence in lines[0]
    assert printed.out == ""


def test_an_output_that_is_no_folder_is_refused(capsys, tmp_path):
    file = tmp_path / "results"
    file.write_text("something of the user's")
    assert main(["cells", "--out", str(file)]) == 2
    assert f"the output '{file}' is there and is no folder; give another --out" in capsys.readouterr().err
    assert file.read_text() == "something of the user's"


def test_an_output_below_a_file_is_refused(capsys, tmp_path):
    (tmp_path / "file").touch()
    assert main(["cells", "--out", str(tmp_path / "file" / "results")]) == 2
    assert "cannot be written" in capsys.readouterr().err


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_is_refused(capsys, tmp_path):
    folder = tmp_path / "results"
    folder.mkdir(mode=0o500)
    assert main(["cells", "--out", str(folder)]) == 2
    assert "cannot be written" in capsys.readouterr().err


def test_ctrl_c_is_a_sentence_and_130(capsys):
    def interrupted():
        raise KeyboardInterrupt

    assert guarded(interrupted) == 130
    assert "interrupted" in capsys.readouterr().err


def test_warnings_about_trajectories_are_printed_without_a_traceback(capsys):
    def warned():
        warnings.warn("3 of 10 trajectories had a negative rate", SimulationWarning, stacklevel=2)
        return 0

    assert guarded(warned) == 0
    assert capsys.readouterr().err == "jaxsim: warning: 3 of 10 trajectories had a negative rate\n"


def test_errors_of_the_program_are_not_hidden():
    with pytest.raises(ZeroDivisionError):
        guarded(lambda: 1 // 0)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], ["cells", "demo", "examples:"]),
        (["--help"], ["cells", "demo", "examples:"]),
        (
            ["cells", "--help"],
            ["--dose", "--inhibitor", "MG/KG", "default: 120", "--cells", "--seed", "--out", "examples:"],
        ),
        (["demo", "--help"], ["--cells", "default: 1,000,000", "scripts/demo", "examples:"]),
        (["--version"], [__version__]),
    ],
)
def test_help_explains_itself(arguments, expected, capsys):
    assert main(arguments) == 0
    text = capsys.readouterr().out
    assert [part for part in expected if part not in text] == []
