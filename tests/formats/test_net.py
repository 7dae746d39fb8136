"""BioNetGen's .net files: rate laws by their closed forms, refusals by line, and agreement with BioNetGen's courses."""

import numpy as np
import pytest

import jaxsim as js
from jaxsim.errors import FormatError
from jaxsim.formats.bionetgen.mratio import mratio
from jaxsim.formats.bionetgen.reader import read_net_text
from jaxsim.formats.constant_value import constant_value

MODEL = """begin parameters
    1 k    2*h  # ConstantExpression
    2 h    0.5
    3 K    10
end parameters
begin functions
    1 f() k*Total/2
    2 g() if(Total>5 && !(Total==7),1,2)
end functions
begin species
    1 A(b) 8
    2 $B(a!1).C(a!1) K/2
    3 C() 3
end species
begin reactions
    1 1,2 3 {law} #Rule
end reactions
begin groups
    1 Total 1,2*3
    2 C 3
end groups
"""


def law(text, reactants="1,2"):
    return read_net_text(MODEL.replace("{law}", text).replace("1 1,2 3", f"1 {reactants} 3"), "m.net").or_refuse()


@pytest.mark.parametrize(
    ("text", "reactants", "expected"),
    [
        ("k", "1,2", 1 * 8 * 5),
        ("0.5*k", "1,1", 0.5 * 8 * 7),
        ("f", "1", 1 * (8 + 2 * 3) / 2 * 8),
        ("g", "0", 1),
        ("Sat k K", "1,2", 1 * 8 * 5 / (10 + 8)),
        ("2*Sat k K", "1,2", 2 * 8 * 5 / (10 + 8)),
        ("MM k K", "1,2", None),
        ("Hill k K h", "1", 8**0.5 / (10**0.5 + 8**0.5)),
        ('FunctionProduct "f" "g"', "1,2", 7 * 1 * 8 * 5),
    ],
)
def test_rate_laws(text, reactants, expected):
    net = law(text, reactants)
    values = {**net.parameters, "A_b": 8, "B_a_1_C_a_1": 5, "C": 3}
    if expected is None:
        free = 0.5 * ((8 - 10 - 5) + np.sqrt((8 - 10 - 5) ** 2 + 4 * 8 * 10))
        expected = 5 * free / (10 + free)
    assert constant_value(net.structure.reactions[0].rate, values) == pytest.approx(expected, rel=1e-14)


def test_species_groups_and_fixed_species():
    net = law("k")
    assert dict(net.initial) == {"A_b": 8, "B_a_1_C_a_1": 5, "C": 3}
    assert net.structure.reactions[0].reactants == (("A_b", 1),)  # the fixed one is not used up
    assert [name for name, _ in net.structure.observables] == ["f", "g", "Total"]  # the group C is the species C
    assert net.parameters["k"] == 1


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("1,2 3 {law}", "1,9 3 k", "line 16, reaction 1: names species '9', of which there are 3"),
        ("{law}", "q", "line 16, reaction 1: reads 'q', which the file does not declare"),
        ("{law}", "Arrhenius a b", "Arrhenius, which is not supported"),
        ("{law}", "Sat k", "Sat that needs"),
        ("2*h", "2*k", "read each other in a circle"),
        ("2*h", "1e400", "line 2, parameter 'k'"),
        ("A(b) 8", "A(b) 8.5", "line 11, species 'A.b.': starts at 8.5 molecules.*round it by rounded=True"),
        ("A(b) 8", "A(b) 1e30", "starts at 1e\\+30 molecules; give a whole number from 0 to 2147483647$"),
        ("1 A(b)", "7 A(b)", "needs its number in sequence"),
        ("1,2*3", "1,2*30", "has the term '2\\*30'"),
        ("end groups", "", "block 'groups': does not end"),
        ("begin groups", "begin things", "block 'things': is not known"),
    ],
)
def test_refusals_name_the_line(old, new, why):
    text = MODEL.replace(old, new).replace("{law}", "k")
    with pytest.raises(FormatError, match=why):
        read_net_text(text, "m.net").or_refuse()


def test_all_problems_are_reported_at_once():
    text = MODEL.replace("{law}", "q").replace("A(b) 8", "A(b) -1").replace("1,2*3", "4")
    assert len(read_net_text(text, "m.net").problems) == 3


def test_mratio_is_the_ratio_of_kummer_functions():
    from scipy.special import hyp1f1

    for a, b, z in ((0.5, 1.5, 0.7), (-3.0, 4.0, -2.0), (2.0, 5.0, 3.0)):
        assert mratio(a, b, z) == pytest.approx(hyp1f1(a + 1, b + 1, z) / hyp1f1(a, b, z), rel=1e-12)


def courses(path):
    """Columns of a .gdat file by name."""
    lines = path.read_text().splitlines()
    return dict(zip(lines[0].lstrip("#").split(), np.loadtxt(lines[1:]).T, strict=True))


# .gdat files that hold rate equations of networks without reactions of two equal molecules, whose rate equations
# BioNetGen writes with x^2 where ours have x (x - 1).
ODE = ["Repressilator", "test_mratio", "motor", "Haugh2b", "CaOscillate_Sat"]


@pytest.mark.parametrize("name", ODE)
def test_rate_equations_agree_with_bionetgen(networks_folder, name):
    import jax

    net = js.read(networks_folder / f"{name}.net") if name in ODE[:3] else rounded(networks_folder / f"{name}.net")
    wanted = courses(networks_folder / f"{name}.gdat")
    times = wanted["time"][wanted["time"] <= wanted["time"][0] + 0.25 * np.ptp(wanted["time"])]
    times = times[:: max(1, len(times) // 40)]
    start = unrounded(networks_folder / f"{name}.net", net)
    from jaxsim.network import evaluate

    with jax.enable_x64(True):
        found = jax.jit(lambda x: js.mean_field(net.with_initial(**x), times=times))(start)
        states = dict(zip(net.structure.species, np.asarray(found).T, strict=True))
        values = {n: np.asarray(evaluate(e, {**net.parameters, **states})) for n, e in net.structure.observables}
    rows = np.searchsorted(wanted["time"], times)
    values |= states
    assert set(wanted) - {"time"} <= set(values)
    for column, got in values.items():
        if column in wanted:
            scale = np.max(np.abs(wanted[column]))
            assert np.max(np.abs(got - wanted[column][rows])) < 1e-4 * scale + 1e-6, column


def rounded(path):
    with pytest.warns(js.FormatWarning, match="is rounded to"):
        return js.read(path, rounded=True)


def unrounded(path, net):
    """Initial amounts as the file has them, which rate equations take and counts do not."""
    from jaxsim.formats.bionetgen.blocks import split_blocks, without_index
    from jaxsim.formats.problems import Problems

    lines = split_blocks(path.read_text(), Problems())["species"]
    amounts = [without_index(line).split()[-1] for line in lines]
    values = [net.parameters[text] if text in net.parameters else float(text) for text in amounts]
    return dict(zip(net.structure.species, values, strict=True))
