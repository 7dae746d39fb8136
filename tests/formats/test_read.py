"""js.read picks the reader, warns of what it leaves out, and `jaxsim inspect` reports everything."""

import pytest

import jaxsim as js
from jaxsim.cli.main import main
from jaxsim.errors import FormatError

NET = "begin species\n1 A() {amount}\nend species\nbegin reactions\n1 1 0 {rate}\nend reactions\n"


def test_unknown_endings_and_missing_files_are_refused_with_a_guess(tmp_path):
    with pytest.raises(FormatError, match=r"has an unknown ending; known are \.xml"):
        js.read(tmp_path / "model.txt")
    (tmp_path / "model.net").write_text("")
    with pytest.raises(FormatError, match=r"No such file.*did you mean 'model\.net'"):
        js.read(tmp_path / "modle.net")
    with pytest.raises(FormatError, match="has no species"):
        js.read(tmp_path / "model.net")


def test_inspect_prints_the_network_and_its_laws(tmp_path, capsys):
    path = tmp_path / "m.net"
    path.write_text("begin species\n1 A() 7\n2 B() 0\nend species\nbegin reactions\n1 1 2 2.0\nend reactions\n")
    assert main(["inspect", str(path)]) == 0
    text = capsys.readouterr().out
    for line in ("A = 7", "A -> B @ 2*A   [constant]", "A + B = 7", "refused: nothing"):
        assert line in text


def test_inspect_prints_all_that_is_refused_and_exits_with_2(tmp_path, capsys):
    path = tmp_path / "m.net"
    path.write_text(NET.format(amount=6.5, rate="k"))
    assert main(["inspect", str(path)]) == 2
    text = capsys.readouterr().out
    assert "refused (2)" in text
    assert "line 2, species 'A()': starts at 6.5 molecules" in text
    assert "line 5, reaction 1: reads 'k'" in text


def test_rounding_is_asked_for_and_said(tmp_path):
    path = tmp_path / "m.net"
    path.write_text(NET.format(amount=6.5, rate=1))
    with pytest.warns(js.FormatWarning, match="starts at 6.5 and is rounded to 6"):
        assert js.read(path, rounded=True).initial["A"] == 6


def test_antimony_is_read_through_its_package(tmp_path):
    pytest.importorskip("antimony")
    path = tmp_path / "m.ant"
    path.write_text(
        "model m\n compartment c = 2\n species A in c, B in c\n A = 50; B = 0\n k1 = 0.1; k2 = 0.2\n"
        " J: A -> B; c*(k1*A - k2*B)\n at (time > 5): k1 = 2*k1\nend\n"
    )
    net = js.read(path)
    assert dict(net.initial) == {"A": 100, "B": 0}
    assert [str(found) for found in net.structure.reactions] == [
        "J: A -> B @ 2*(k1*(A/2))",
        "J_reverse: B -> A @ 2*(k2*(B/2))",
    ]
    path.write_text("model m\n J: A -> ; k*\nend\n")
    with pytest.raises(FormatError, match=r"line|Error"):
        js.read(path)
