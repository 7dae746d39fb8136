"""What reading a model may cost: long formulas read in time linear in them, and what would not end is refused."""

import os
import pickle
import time

import numpy as np
import pytest

import jaxsim as js
from jaxsim.errors import LONGEST, FormatError, JaxsimError, NetworkError
from jaxsim.formats.bionetgen.reader import read_net_text
from jaxsim.formats.sbml import mathml
from jaxsim.formats.sbml.reader import read_sbml_text
from jaxsim.network import evaluate, hoist_all, names, parse

pytest.importorskip("libsbml")

SECONDS = 30.0  # of processor time for any of these; each takes a small part of it
MATH = '<math xmlns="http://www.w3.org/1998/Math/MathML">'
MODEL = (
    '<?xml version="1.0" encoding="UTF-8"?><sbml xmlns="http://www.sbml.org/sbml/level3/version2/core" level="3" '
    'version="2"><model>{functions}<listOfCompartments><compartment id="c" size="1" constant="true"/>'
    '</listOfCompartments><listOfSpecies><species id="A" compartment="c" initialAmount="9" '
    'hasOnlySubstanceUnits="true" boundaryCondition="false" constant="false"/></listOfSpecies>{parts}'
    "<listOfReactions>{reactions}</listOfReactions></model></sbml>"
)
REACTION = (
    '<reaction id="r{n}" reversible="{reversible}"><listOfReactants><speciesReference species="A" stoichiometry="1" '
    'constant="true"/></listOfReactants><kineticLaw>' + MATH + "{law}</math></kineticLaw></reaction>"
)
NET = (
    "begin parameters\n1 k 2\nend parameters\nbegin functions\n{functions}\nend functions\nbegin species\n1 A() 9\n"
    "end species\nbegin reactions\n1 {reactants} 0 {rate}\nend reactions\nbegin groups\n1 G {group}\nend groups\n"
)


@pytest.fixture(autouse=True)
def in_good_time():
    began = time.process_time()
    yield
    assert time.process_time() - began < SECONDS


def read(law, functions="", parts="", reversible="false", reactions=1):
    functions = f"<listOfFunctionDefinitions>{functions}</listOfFunctionDefinitions>" if functions else ""
    laws = "".join(REACTION.format(n=n, law=law, reversible=reversible) for n in range(reactions))
    text = MODEL.format(functions=functions, parts=parts, reactions=laws)
    return read_sbml_text(text.encode(), "m.xml").or_refuse()


def net(**parts):
    given = {"functions": "1 f() k", "reactants": "1", "rate": "k", "group": "1"}
    return read_net_text(NET.format(**(given | parts)), "m.net").or_refuse()


def applied(operator, *operands):
    return f"<apply><{operator}/>{''.join(operands)}</apply>"


def called(name, *operands):
    return f"<apply><ci>{name}</ci>{''.join(operands)}</apply>"


def defined(name, body, arguments="x"):
    bound = "".join(f"<bvar><ci>{argument}</ci></bvar>" for argument in arguments)
    return f'<functionDefinition id="{name}">{MATH}<lambda>{bound}{body}</lambda></math></functionDefinition>'


X, A = "<ci>x</ci>", "<ci>A</ci>"
STEPS = {
    "sums": lambda below: applied("plus", called(below, X), called(below, X)),
    "products": lambda below: applied("times", called(below, X), called(below, X)),
    "calls of calls": lambda below: called(below, called(below, X)),
    "arguments": lambda below: called(below, applied("plus", X, X)),
}


@pytest.mark.parametrize("kind", STEPS)
def test_functions_that_double_are_refused(kind, monkeypatch):
    monkeypatch.setattr(mathml, "LARGEST_CONSTANT", 5_000)  # instead of 200,000, for speed
    functions = defined("f0", applied("plus", X, X))
    functions += "".join(defined(f"f{n}", STEPS[kind](f"f{n - 1}")) for n in range(1, 60))
    with pytest.raises(FormatError, match="more than 5000 terms with its functions written out") as caught:
        read(called("f59", A), functions)
    assert len(caught.value.problems) == 1  # and not one for each that calls it


def test_many_calls_of_a_large_function_are_refused(monkeypatch):
    """A few kilobytes, each formula below the limit of one, that would be millions of terms."""
    monkeypatch.setattr(mathml, "MOST_WRITTEN", 10_000)  # instead of 1,000,000, for speed
    functions = defined("f0", applied("plus", X, X))
    functions += "".join(defined(f"f{n}", STEPS["sums"](f"f{n - 1}")) for n in range(1, 9))
    with pytest.raises(FormatError, match="all calls of the file written out make more than 10000 terms"):
        read(called("f8", A), functions, reactions=100)


@pytest.mark.parametrize("terms", [600, pytest.param(10_000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("reversible", ["false", "true"])
def test_long_sums_of_sbml_are_read(terms, reversible):
    rate = read(applied("plus", *[A] * terms), reversible=reversible).structure.reactions[0].rate
    assert float(evaluate(rate, {"A": 2.0})) == 2.0 * terms


def test_ten_thousand_terms_are_read():
    rate = read(applied("plus", *[A] * 10_000)).structure.reactions[0].rate
    assert float(evaluate(rate, {"A": 2.0})) == 20_000.0


def test_other_long_formulas_of_sbml_are_read():
    less = applied("lt", A, "<cn>3</cn>")
    for law in (
        applied("times", *[A] * 600),
        applied("max", *[A] * 600),
        f"<piecewise><piece>{A}{applied('and', *[less] * 600)}</piece><otherwise><cn>0</cn></otherwise></piecewise>",
        f"<piecewise>{f'<piece>{A}{less}</piece>' * 600}<otherwise><cn>0</cn></otherwise></piecewise>",
    ):
        assert names(read(law).structure.reactions[0].rate) == {"A"}


@pytest.mark.parametrize("terms", [100_000, 1_000_000])
def test_what_would_overflow_the_stack_of_a_library_is_refused_before(terms):
    with pytest.raises(FormatError, match="a formula of more than 50000 elements; write it in parts"):
        read(applied("plus", *[A] * terms))


@pytest.mark.parametrize("terms", [600, pytest.param(10_000, marks=pytest.mark.slow)])
def test_long_sums_of_text_are_read(terms):
    environment = {"k": 2.0, "A": 3.0, "G": 3.0}
    for network, value in (
        (net(functions=f"1 f() {'+'.join(['G'] * terms)}", rate="f"), 9.0),
        (net(functions="1 f() G", group=",".join(["1"] * terms), rate="f"), 9.0),
        (js.Network({"A": 3}, [f"A -> @ {' + '.join(['k*A'] * terms)}"], {"k": 2.0}), 6.0),
        (js.Network({"A": 3}, [f"A -> , {'+'.join(['k'] * terms)}"], {"k": 2.0}), 6.0),
    ):
        assert float(evaluate(network.structure.reactions[0].rate, environment)) == value * terms
    assert js.Network({"A": 3}, [f"A -> {' + '.join(['A'] * terms)} @ A"]).structure.reactions[0].changes["A"] > 500


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda: js.Network({"A": 9}, ["1000000000 A -> , 1"]), "mass action of 1000000000 molecules of 'A'"),
        (lambda: js.Network({"A": 9}, [" + ".join(["A"] * 600) + " -> , 1"]), "mass action of 600 molecules"),
        (lambda: net(reactants=",".join(["1"] * 600)), "line 11, reaction 1: mass action of 600 molecules"),
        (lambda: js.Network({"A": 9}, ["9" * 5_000 + " A -> @ 1"]), "coefficient of 5000 digits for species 'A'"),
        (lambda: js.Network({"A": 9}, ["A -> 2147483648 A @ 1"]), "'A'; at most 2147483647"),
        (lambda: js.Reaction({"A": float("inf")}, {}, "1"), "coefficients are positive integers"),
        (lambda: js.Network({"A": 10**400}, ["A -> @ A"]), "species 'A' is an integer beyond what a number can be"),
        (lambda: js.Network({"A": 9}, ["A -> @ k*A"], {"k": 10**400}), "parameter 'k' is an integer beyond"),
        (lambda: js.Network({"A": 9}, ["A -> @ " + "(" * 15_000]), "nested deeper than 100"),
        (lambda: js.Network({"A": 9}, ["A -> @ 10^10^10"]), "the result is not a finite real number"),
    ],
)
def test_numbers_and_depths_without_bound_are_refused(make, why):
    with pytest.raises(NetworkError if "line" not in why else FormatError, match=why):
        make()


def test_what_doubles_is_computed_once_for_all_of_its_parents():
    """Eighteen observables, each the product (or sum) of the one before with itself: 262,144 factors written out."""
    for operator in "*+":
        given = {"o0": f"A {operator} k", **{f"o{n}": f"o{n - 1} {operator} o{n - 1}" for n in range(1, 18)}}
        rate = js.Network({"A": 9}, ["A -> @ o17"], {"k": 1.0}, given).structure.reactions[0].rate
        (rest,), pulled = hoist_all([rate], frozenset({"k"}), "h")
        assert len(rest.__reduce__()[1][0]) < 2_000  # nodes, each once
        known = {name: evaluate(value, {"k": 1.0 + 1e-7}) for name, value in pulled.items()}
        expected = evaluate(rate, {"A": 1.0, "k": 1.0 + 1e-7})
        assert float(evaluate(rest, {"A": 1.0, **known})) == pytest.approx(float(expected), rel=1e-9)


@pytest.mark.slow
def test_observables_in_a_long_chain_are_written_out_in_good_time():
    given = {f"o{n}": f"o{n + 1}" for n in range(2_000)} | {"o2000": "A"}
    assert names(js.Network({"A": 9}, ["A -> @ o0"], {}, given).structure.reactions[0].rate) == {"A"}


def test_antimony_is_read_as_far_as_its_parser_goes(tmp_path):
    pytest.importorskip("antimony")
    model = "model m()\n compartment c=1; species A in c=9; k=2;\n R: A -> ; {rate};\nend\n"
    (tmp_path / "m.ant").write_text(model.format(rate="+".join(["k*A"] * 600)))
    rate = js.read(tmp_path / "m.ant").structure.reactions[0].rate
    assert float(evaluate(rate, {"A": 2.0, "k": 3.0})) == 3_600.0
    modules = "model m0()\n species A=9; R: A -> ; A;\nend\n"
    modules += "".join(f"model m{n}()\n X: m{n - 1}(); Y: m{n - 1}();\nend\n" for n in range(1, 30))
    for text, why in (
        (model.format(rate="/".join(["k"] * 10_000)), "a statement with 9999 operators, of at most 4000"),
        (modules, "modules of modules that are written out more than 2000 times"),
    ):
        (tmp_path / "m.ant").write_text(text)
        with pytest.raises(FormatError, match=why):
            js.read(tmp_path / "m.ant")


def test_a_pipe_is_not_waited_for(tmp_path):
    for ending in ("xml", "net", "ant"):
        os.mkfifo(tmp_path / f"m.{ending}")
        with pytest.raises(FormatError, match="cannot be read: it is no ordinary file"):
            js.read(tmp_path / f"m.{ending}")


def test_a_sentence_that_quotes_a_long_reaction_is_shortened(monkeypatch):
    text = "A -> @ " + " + ".join(["rate*A"] * 2_500)
    with pytest.raises(NetworkError, match="unknown name 'rate'") as caught:
        js.Network({"A": 9}, [text])
    said = str(caught.value)
    assert len(said) < LONGEST < 20_000 < len(caught.value.whole)
    assert said.startswith("reaction 'A -> @ rate*A + rate*A")
    assert said.endswith("to see all 22,593 characters, set JAXSIM_WHOLE_ERRORS=1")
    assert str(pickle.loads(pickle.dumps(caught.value))) == said
    monkeypatch.setenv("JAXSIM_WHOLE_ERRORS", "1")
    assert text in str(JaxsimError(caught.value.whole))


def test_problems_of_a_file_are_shortened_one_by_one():
    with pytest.raises(FormatError) as caught:
        net(functions=f"1 f() {'+'.join(['q'] * 20_000)}", rate="?" * 5_000)
    assert len(caught.value.problems) == 2
    lines = str(caught.value).splitlines()
    assert [line.lstrip()[:7] for line in lines[1:]] == ["line 5,", "line 11"]
    assert max(map(len, lines)) < 1.2 * LONGEST
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_hoisting_keeps_the_value_of_short_and_long_shared_sums():
    generator = np.random.default_rng(5)
    long = " + ".join(f"{value:.3f}*x{n}*k" for n, value in enumerate(generator.uniform(1, 2, 90)))
    environment = {f"x{n}": float(value) for n, value in enumerate(generator.uniform(1, 2, 90))}
    total = parse(long)
    for op in "+-*/":
        shared = type(parse("a + b"))(op, type(parse("a + b"))("*", total, parse("k")), total)
        (rest,), pulled = hoist_all([shared], frozenset({"k"}), "h")
        known = {name: evaluate(value, {"k": 0.3}) for name, value in pulled.items()}
        expected = float(evaluate(shared, {**environment, "k": 0.3}))
        assert float(evaluate(rest, {**environment, **known})) == pytest.approx(expected, rel=1e-12)
