"""BioNetGen's .net files: rate laws by their closed forms, refusals by line, and agreement with BioNetGen's courses."""

import re

import numpy as np
import pytest

import jaxsim as js
from jaxsim.errors import FormatError
from jaxsim.formats.bionetgen.formulas import Formulas, mratio
from jaxsim.formats.bionetgen.reader import read_net_text
from jaxsim.formats.names import Identifiers, constant_value
from jaxsim.network import evaluate

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


FIXED = """begin parameters
1 k 2.0
end parameters
begin species
1 {fixed} 3
2 {free} 4
3 P() 0
end species
begin reactions
1 1,2 3 k
2 3 1,1 k
end reactions
begin groups
1 Source 1
end groups
"""


@pytest.mark.parametrize(
    ("fixed", "free"),
    [
        ("$X()", "X()"),  # names that differ by the mark alone
        ("@EC::$X()", "@EC::X()"),
        ("@EC:$X(a~1,b!1).Y(b!1)", "@PM:X(a~1,b!1).Y(b!1)"),  # and by the compartment alone
        ("$@EC::X()", "@CP::X()"),
        ("$@EC:X()", "X()"),
        ("$X()@EC", "X()@PM"),
        ("X(b!1)@EC.$Y(b!1)@EC", "X(b!1)@EC.Y(b!1)@EC"),
    ],
)
def test_a_fixed_species_is_neither_used_up_nor_made_wherever_its_mark_stands(fixed, free):
    net = read_net_text(FIXED.replace("{fixed}", fixed).replace("{free}", free), "m.net").or_refuse()
    first, second, product = net.structure.species
    assert [reaction.changes for reaction in net.structure.reactions] == [{second: -1, product: 1}, {product: -1}]
    values = {**net.parameters, first: 3, second: 4, product: 5}
    assert constant_value(net.structure.reactions[0].rate, values) == 2 * 3 * 4  # it is read as before
    assert dict(net.initial) == {first: 3, second: 4, product: 0}


FUNCTIONS = {  # of muParser, at k = 2.3
    "sin(k)": np.sin, "cos(k)": np.cos, "tan(k)": np.tan, "asin(k/9)": lambda k: np.arcsin(k / 9),
    "acos(k/9)": lambda k: np.arccos(k / 9), "atan(k)": np.arctan, "sinh(k)": np.sinh, "cosh(k)": np.cosh,
    "tanh(k)": np.tanh, "asinh(k)": np.arcsinh, "acosh(k)": np.arccosh, "atanh(k/9)": lambda k: np.arctanh(k / 9),
    "log2(k)": np.log2, "log10(k)": np.log10, "log(k)": np.log, "ln(k)": np.log, "exp(k)": np.exp, "sqrt(k)": np.sqrt,
    "sign(2 - k)": lambda k: -1, "sign(k-k)": lambda k: 0, "sign( k )": lambda k: 1, "rint(k)": lambda k: 2,
    "rint(k + 0.2)": lambda k: 3, "rint(0 - k)": lambda k: -2, "abs(2-k)": lambda k: k - 2, "min(k,3,1)": lambda k: 1,
    "max(k)": lambda k: k, "max(1,k)": lambda k: k, "min(k)": lambda k: k, "sum(k,1,k)": lambda k: 2 * k + 1,
    "sum(k-1)": lambda k: k - 1, "avg(k,1)": lambda k: (k + 1) / 2, "2^log2(k)": lambda k: k,
    "if(k>=2&&!(k==3),sum(1,log2 (4*k)),9)": lambda k: 1 + np.log2(4 * k), "sign(sign(k))-avg(k)": lambda k: 1 - k,
    "mratio(1,2,sum(k,-2))": lambda k: mratio(1.0, 2.0, k - 2), "floor(k)": np.floor, "ceil(k)": np.ceil,
}  # fmt: skip


@pytest.mark.parametrize("text", FUNCTIONS)
def test_functions_of_muparser(text):
    net = read_net_text(MODEL.replace("2*h  #", "2.3  #").replace("k*Total/2", text).replace("{law}", "f"), "m.net")
    found = constant_value(dict(net.or_refuse().structure.observables)["f"], {"k": 2.3})
    assert found == pytest.approx(float(FUNCTIONS[text](2.3)), rel=1e-14)


def test_tabs_between_columns_are_read_like_spaces():
    tabs = "\n".join(re.sub(r"(?<=\S) +(?=\S)", "\t", line) for line in MODEL.replace("{law}", "k").splitlines())
    mixed = MODEL.replace("{law}", "k").replace("1 k    2*h", "1\tk 2*h").replace("3 K    10", "3 K\t10")
    one, two, three = (read_net_text(text, "m.net").or_refuse() for text in (MODEL.replace("{law}", "k"),
                       tabs.replace("begin\t", "begin ").replace("end\t", "end "), mixed))  # fmt: skip
    assert one.structure == two.structure == three.structure
    assert dict(one.parameters) == dict(two.parameters) == dict(three.parameters)


def test_a_group_with_the_name_of_a_parameter_gets_one_of_its_own():
    """Rate constants and amounts mean the parameter; a function that reads the name could mean either."""
    text = MODEL.replace("1 Total 1,2*3", "1 K 1,2*3").replace("Total", "C").replace("{law}", "K")
    reading = read_net_text(text, "m.net")
    net = reading.or_refuse()
    assert constant_value(net.structure.reactions[0].rate, {"K": 10.0, "A_b": 8.0, "B_a_1_C_a_1": 5.0}) == 400
    assert constant_value(dict(net.structure.observables)["K_2"], {"A_b": 8.0, "C": 3.0}) == 8 + 2 * 3
    assert reading.notes == ["group 'K' has the name of a parameter and is called K_2"]
    with pytest.raises(FormatError, match="line 7, function 'f': reads 'K', which is both a parameter and a group"):
        read_net_text(text.replace("k*C/2", "k*K/2"), "m.net").or_refuse()


def test_a_table_is_the_function_through_its_points():
    x, y = [-1.0, 0.5, 2.0, 3.0, 7.0], [2.0, 1.0, 4e-1, 4.0, 3.0]
    formulas = Formulas(Identifiers())
    formulas.declare("k")
    for method in ("linear", "step"):
        for index, name in (("time", "t"), ("k", "k")):
            read = formulas.read(f'2*tfun({x},{y},{index},method=>"{method}") + 1')
            for at in np.linspace(-3.0, 9.0, 97):
                place = np.clip(np.searchsorted(x, at, side="right") - 1, 0, 4)
                value = np.interp(at, x, y) if method == "linear" else y[place]
                assert float(evaluate(read, {name: at})) == pytest.approx(2 * value + 1, rel=1e-6)
    plain = formulas.read("tfun([0,5,10],[1,2,1])")
    assert float(evaluate(plain, {"t": 2.5})) == 1.5


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("k*Total/2", "k*TFUN('drive.tfun')", "line 7, function 'f': calls 'tfun' with a table that is not"),
        ("k*Total/2", "tfun([0,5],[1,2,3],time)", "two columns of the same length"),
        ("k*Total/2", "tfun([0,0],[1,2],time)", "the first of them increasing"),
        ("k*Total/2", "tfun([0,k],[1,2],time)", "a table that is not of numbers"),
        ("k*Total/2", 'tfun([0,1],[1,2],time,method=>"cubic")', "the method 'cubic'; it is linear or step"),
        ("k*Total/2", "k?1:2", "unexpected character '\\?'"),
        ("k*Total/2", "log2(k,3)", "calls 'log2', which is not supported"),
        ("k*Total/2", f"{'sign(' * 60}k{')' * 60}", "is longer than 500000 characters with 'sign' written out"),
        ("k*Total/2", f"{'(' * 5000}k{')' * 5000}", "nested deeper than 100"),
        ("k*Total/2", f"k{'^2' * 5000}", "nested deeper than 100"),
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
    from jaxsim.formats.bionetgen.reader import split_blocks, without_index
    from jaxsim.formats.reading import Problems

    lines = split_blocks(path.read_text(), Problems())["species"]
    amounts = [without_index(line).split()[-1] for line in lines]
    values = [net.parameters[text] if text in net.parameters else float(text) for text in amounts]
    return dict(zip(net.structure.species, values, strict=True))
