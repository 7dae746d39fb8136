"""SBML to networks: what formulas mean, what becomes of each quantity, and what is refused, all at once and by line."""

import pytest

pytest.importorskip("libsbml")

from sbml_text import (
    CELL,
    DISTRIB,
    ci,
    cn,
    csymbol,
    event,
    function,
    initial,
    listed,
    model,
    op,
    parameter,
    reaction,
    rule,
    species,
)  # fmt: skip

from jaxsim.errors import FormatError
from jaxsim.formats.sbml.reader import read_sbml_text
from jaxsim.network import to_string

K = listed("Parameters", parameter("k", 0.5), parameter("r", 0.25), parameter("w", 3, "false"))


COMP = ' xmlns:comp="http://www.sbml.org/sbml/level3/version1/comp/version1" comp:required="true"'


def read(*parts, **settings):
    return read_sbml_text(model(*parts, **settings), "model.xml").or_refuse()


def problems(*parts, **settings):
    return [str(problem) for problem in read_sbml_text(model(*parts, **settings), "model.xml").problems]


@pytest.mark.parametrize(
    ("law", "expected"),
    [
        (op("times", ci("k"), ci("A"), ci("B")), "k*(A/2)*B"),
        (op("times", ci("c"), ci("k"), ci("A")), "2*k*(A/2)"),
        (op("plus"), "0"),
        (op("minus", op("minus", ci("k"))), "--k"),
        (op("power", ci("B"), cn(2)), "B^2"),
        (op("root", ci("B")), "sqrt(B)"),
        (op("log", ci("B")), "log10(B)"),
        (op("times", ci("B"), csymbol("time")), "B*t"),
        (op("leq", ci("k"), ci("B"), ci("r")), "k <= B and B <= r"),
        (f"<piecewise><piece>{ci('k')}{op('gt', ci('B'), cn(3))}</piece><otherwise>{ci('r')}</otherwise></piecewise>",
         "if(B > 3, k, r)"),
        (op("max", ci("k"), ci("B")), "max(k, B)"),
        (op("times", cn(2), cn(3), ci("B")), "6*B"),
        ('<cn type="rational">1<sep/>4</cn>', "0.25"),
        ('<cn type="e-notation">3<sep/>-2</cn>', "0.03"),
        ("<pi/>", "3.141592653589793"),
    ],
)  # fmt: skip
def test_formulas_become_expressions(law, expected):
    pair = [("A", 1)], [("B", 1)]
    quantities = listed("Species", species("A", 10, hasOnlySubstanceUnits="false"), species("B", 0))
    net = read(CELL, quantities, K, listed("Reactions", reaction("R", *pair, law)))
    assert to_string(net.structure.reactions[0].rate) == expected


def test_functions_are_written_out_and_local_parameters_shadow_global_ones():
    local = listed("LocalParameters", '<localParameter id="k" value="7"/>')
    net = read(
        listed("FunctionDefinitions", function("f", ["x", "y"], op("times", ci("x"), op("plus", ci("y"), ci("x"))))),
        CELL,
        listed("Species", species("A", 10)),
        K,
        listed("Reactions", reaction("R", [("A", 1)], [], "<apply><ci>f</ci><ci>k</ci><ci>A</ci></apply>", local)),
    )
    assert to_string(net.structure.reactions[0].rate) == "R_k*(A + R_k)"
    assert net.parameters["R_k"] == 7
    assert net.parameters["k"] == 0.5


def test_boundary_and_constant_species_are_not_changed_and_stoichiometry_counts():
    net = read(
        CELL,
        listed("Species", species("A", 9), species("S", 4, boundaryCondition="true"), species("D", 0, constant="true")),
        K,
        listed("Reactions", reaction("R", [("A", 3), ("S", 1)], [("A", 1), ("D", 2), ("S", 0)], ci("k"))),
    )
    found = net.structure.reactions[0]
    assert (found.reactants, found.products) == ((("A", 3),), (("A", 1),))
    assert dict(net.initial) == {"A": 9, "S": 4, "D": 0}


def test_reserved_names_are_changed_and_said():
    reading = read_sbml_text(
        model(
            CELL,
            listed("Species", species("t", 9), species("exp", 1)),
            listed("Parameters", parameter("pi", 1)),
            listed("Reactions", reaction("R", [("t", 1)], [], op("times", ci("pi"), ci("t")))),
        ),
        "m",
    )
    assert reading.names == {"t": "t_", "exp": "exp_", "pi": "pi_"}
    assert to_string(reading.or_refuse().structure.reactions[0].rate) == "pi_*t_"


def test_initial_assignments_and_rules_are_computed_in_the_order_they_need():
    net = read(
        CELL,
        listed("Species", species("A", hasOnlySubstanceUnits="false"), species("B", 0), species("total")),
        listed("Parameters", parameter("p"), parameter("q", 3)),
        listed(
            "InitialAssignments",
            initial("A", op("times", ci("p"), cn(2))),
            initial("p", op("plus", ci("q"), ci("total"))),
        ),
        listed("Rules", rule("assignment", "total", op("plus", ci("B"), cn(1)))),
        listed("Reactions", reaction("R", [("A", 1)], [("B", 1)], ci("p"))),
    )
    assert net.parameters["p"] == 4
    assert net.initial["A"] == 16  # a concentration of 8 in a volume of 2
    assert [(name, to_string(value)) for name, value in net.structure.observables] == [("total", "B + 1")]


def test_rate_rules_with_a_closed_solution_are_functions_of_the_time():
    net = read(
        CELL,
        listed("Species", species("A", 1)),
        listed("Parameters", parameter("v", 2, "false"), parameter("g", 8, "false"), parameter("k", 0.5)),
        listed("Rules", rule("rate", "v", ci("k")), rule("rate", "g", op("minus", op("times", ci("k"), ci("g"))))),
        listed("Reactions", reaction("R", [("A", 1)], [], op("times", ci("v"), ci("A")))),
    )
    assert to_string(net.structure.reactions[0].rate) == "(2 + k*t)*A"
    growth = dict(net.structure.observables)["g"]
    assert to_string(growth) == "8*exp(-k*t)"


@pytest.mark.parametrize(
    ("law", "expected"),
    [
        (op("minus", op("times", ci("k"), ci("A")), op("times", ci("r"), ci("B"))), ["k*A", "r*B"]),
        (op("times", ci("c"), op("minus", op("times", ci("k"), ci("A")), ci("B"))), ["2*(k*A)", "2*B"]),
        (op("times", ci("k"), ci("A"), op("minus", ci("A"), cn(1))), ["k*A*(A - 1)"]),
        (op("times", ci("k"), ci("A")), ["k*A"]),
    ],
)
def test_reversible_laws_are_split_where_they_are_differences(law, expected):
    net = read(
        CELL,
        listed("Species", species("A", 5), species("B", 5)),
        K,
        listed("Reactions", reaction("R", [("A", 1)], [("B", 1)], law, reversible="true")),
    )
    assert [to_string(found.rate) for found in net.structure.reactions] == expected
    if len(expected) == 2:
        forward, backward = net.structure.reactions
        assert forward.reactants == backward.products


def test_events_set_counts_variables_and_clocks():
    net = read(
        CELL,
        listed("Species", species("A", 5), species("free", 0.5)),
        listed("Parameters", parameter("k", 2, "false"), parameter("clock", 0, "false")),
        listed("Rules", rule("rate", "clock", cn(1))),
        listed("Reactions", reaction("R", [("A", 1)], [], op("times", ci("k"), ci("A")))),
        listed(
            "Events",
            event("e", op("geq", ci("clock"), cn(0.5)),
                  {"clock": cn(0), "k": op("divide", ci("k"), cn(3)), "A": op("floor", op("divide", ci("A"), cn(2)))}),
            event("f", op("lt", ci("A"), cn(2)), {"free": op("divide", ci("A"), cn(3))}),
        ),
    )  # fmt: skip
    assert dict(net.variables) == {"free": 0.5, "k": 2.0, "clock_at_0": 0.0}
    assert [str(found) for found in net.structure.events] == [
        "e: when clock_at_0 + t >= 0.5 set clock_at_0 := 0 - 1*t, k := k/3, A := floor(A/2)",
        "f: when A < 2 set free := A/3",
    ]
    assert net.structure.events[0].persistent


def test_priorities_keep_their_order_and_simultaneous_events_that_interfere_are_refused():
    parts = [CELL, listed("Species", species("A", 5), species("B", 0))]
    late = event("late", op("geq", csymbol("time"), cn(5)), {"B": ci("A")}, priority=cn(-2))
    first = event("first", op("geq", csymbol("time"), cn(7)), {"A": cn(0)}, priority=cn(1.5))
    net = read(*parts, listed("Events", late, first))
    assert [found.priority for found in net.structure.events] == [0, 1]
    open_ = event("open", op("geq", csymbol("time"), cn(5)), {"B": ci("A")})
    same = event("same", op("geq", csymbol("time"), cn(5)), {"A": cn(0)})
    assert "may change 'A' at the same moment" in problems(*parts, listed("Events", open_, same))[0]
    low, high = (
        event("low", op("lt", ci("A"), cn(3)), {"B": cn(1)}),
        event("high", op("gt", ci("A"), cn(9)), {"B": cn(2)}),
    )
    assert len(read(*parts, listed("Events", low, high)).structure.events) == 2


def test_events_that_set_what_they_read_at_their_trigger_act_once():
    parts = [CELL, listed("Species", species("A", 5), species("B", 0))]
    more = op("plus", ci("B"), cn(1))
    events = [
        event("again", op("gt", ci("A"), cn(7)), {"B": cn(1)}),
        event("same", op("gt", ci("A"), cn(8)), {"B": more}, priority=cn(-2)),
        event("now", op("gt", ci("A"), cn(9)), {"B": more}, priority=cn(-3), frozen="false"),
    ]
    assert [read(*parts, listed("Events", one)).structure.events[0].once for one in events] == [False, True, False]


@pytest.mark.parametrize("kind", ["rate", "assignment"])
def test_events_that_interfere_by_way_of_a_rule_are_refused(kind):
    """Both reset the clock that triggers them, or one changes what the other's trigger is computed from."""
    parts = [
        CELL,
        listed(
            "Parameters", *(parameter(name, 0, "false") for name in ("clock", "Q", "R")), parameter("S", None, "false")
        ),
        listed("Rules", rule("rate", "clock", cn(1)), rule("assignment", "S", op("plus", ci("Q"), ci("R")))),
    ]
    if kind == "rate":
        due, sets = op("geq", ci("clock"), cn(0.01)), {"clock": cn(0)}
        first = event("first", due, sets | {"Q": op("plus", ci("Q"), cn(1))}, persistent="false")
        second = event("second", due, sets | {"R": op("plus", ci("R"), cn(1))}, persistent="false")
    else:
        first = event("first", op("geq", csymbol("time"), cn(1)), {"Q": cn(5)})
        second = event("second", op("geq", csymbol("time"), cn(1)), {"R": ci("S")})
    why = "may lose its trigger to event 'first'" if kind == "rate" else "may change 'Q' at the same moment"
    (problem,) = problems(*parts, listed("Events", first, second))
    assert why in problem, problem


def test_draws_at_the_start_are_events_of_the_start():
    net = read(
        CELL,
        listed("Species", species("A", 0)),
        listed("Parameters", parameter("k", 1), parameter("s", 2)),
        listed("InitialAssignments", initial("k", csymbol("normal", cn(0), ci("s"), op("minus", "<infinity/>"), cn(1))),
               initial("A", csymbol("poisson", cn(4)))),
        listed("Reactions", reaction("R", [("A", 1)], [], op("times", ci("s"), ci("A")))),
        packages=DISTRIB,
    )  # fmt: skip
    assert dict(net.variables) == {"k": 1.0}
    sets = [str(found).partition(" set ")[2] for found in net.structure.events]
    assert sets == ["k := random_normal(0, s, -1.7976931348623157e+308, 1)", "A := random_poisson(4)"]
    assert all(found.at_start for found in net.structure.events)


def test_level_2_reads_with_its_defaults():
    text = (
        '<listOfCompartments><compartment id="c" size="1"/></listOfCompartments>'
        '<listOfSpecies><species id="A" compartment="c" initialAmount="5"/></listOfSpecies>'
        '<listOfReactions><reaction id="R" reversible="false"><listOfReactants><speciesReference species="A"/>'
        '</listOfReactants><kineticLaw><math xmlns="http://www.w3.org/1998/Math/MathML"><apply><times/><ci>k</ci>'
        '<ci>A</ci></apply></math><listOfParameters><parameter id="k" value="2"/></listOfParameters></kineticLaw>'
        "</reaction></listOfReactions>"
    )
    net = read(text, level=2, version=4)
    assert str(net.structure.reactions[0]) == "R: A -> @ R_k*A"


def test_everything_that_is_refused_is_reported_at_once_with_its_line():
    found = problems(
        CELL,
        listed("Species", species("A", 2.5), species("B", 1), species("C")),
        K,
        listed("Rules", f"<algebraicRule>{'<math xmlns=' + chr(34) + 'http://www.w3.org/1998/Math/MathML' + chr(34)}>"
               f"{ci('A')}</math></algebraicRule>", rule("rate", "w", op("times", ci("w"), ci("A")))),
        listed(
            "Reactions",
            reaction("R1", [("A", 1)], [("B", 1)], op("times", ci("k"), ci("Q"))),
            reaction("R2", [("A", 0.5)], [], ci("k")),
            reaction("R3", [("B", 1)], [], ""),
            reaction("R4", [("B", 1)], [("A", 1)], op("sin", ci("A")), reversible="true"),
            reaction("R5", [("B", 1)], [], op("factorial", ci("A"))),
        ),
        listed("Events", event("E", op("gt", ci("B"), cn(5)), {"B": cn(0)}, delay=cn(1)),
               event("F", op("gt", op("sin", csymbol("time")), cn(0)), {"B": op("divide", ci("B"), cn(2))})),
    )  # fmt: skip
    for why in (
        "species 'A': starts at 2.5 molecules",
        "species 'C': has no value at the start",
        "algebraic rule: is not supported",
        "rate rule of 'w': has a rate rule that is not followed exactly",
        "reaction 'R1': reads 'Q'",
        "reaction 'R2': the stoichiometry of 'A' is 0.5",
        "reaction 'R3': has no kinetic law",
        "reaction 'R4': is reversible",
        "reaction 'R5': uses 'factorial' of 1 operand",
        "event 'E': has a delay",
        "event 'F': sets 'B', which reactions change, to what may not be a whole number",
    ):
        assert any(why in text and text.startswith("line ") for text in found), (why, found)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"", "no element found"),
        (b"<sbml", "not well-formed"),
        (b"<!DOCTYPE a [<!ENTITY a 'b'><!ENTITY c '&a;&a;'>]><a>&c;</a>", "document type declaration"),
        (b"<a>" * 200 + b"</a>" * 200, "nested deeper than"),
        (b"<a>" * 1_000_000, "nested deeper than"),
        (b"<html/>", "."),
        (b"\xff\xfe\x00", "."),
        (model(CELL, packages=COMP),
         "requires the package 'comp'"),
    ],
)  # fmt: skip
def test_unsafe_and_foreign_files_are_refused(text, why):
    with pytest.raises(FormatError, match=why):
        read_sbml_text(text, "m.xml").or_refuse()


@pytest.mark.slow
def test_functions_that_double_do_not_fill_the_memory():
    chain = [function("f0", ["x"], op("plus", ci("x"), ci("x")))]
    for n in range(1, 60):
        call = f"<apply><ci>f{n - 1}</ci><ci>x</ci></apply>"
        chain.append(function(f"f{n}", ["x"], op("plus", call, call)))
    assert any("more than 200000 terms" in text for text in problems(listed("FunctionDefinitions", *chain), CELL))
