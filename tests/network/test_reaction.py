"""Reactions and events: what is read, and what is refused."""

import pytest

from jaxsim.errors import ExpressionError, NetworkError
from jaxsim.network import Event, FallingFactorial, Reaction, mass_action, parse, parse_reaction


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("S + I -> 2 I @ beta*S*I/N", "S + I -> 2 I @ beta*S*I/N"),
        ("A + A -> B, k", "2 A -> B @ k*A*(A - 1)"),
        ("2A -> B, k", "2 A -> B @ k*A*(A - 1)"),
        ("3*A + B -> 0, k/2", "3 A + B -> @ k/2*A*(A - 1)*(A - 2)*B"),
        ("-> X @ k", "-> X @ k"),
        ("0 -> X, k", "-> X @ k"),
        ("X -> 0 @ d*X", "X -> @ d*X"),
        ("->, k", "-> @ k"),
        ("decay: A -> , 0.5", "decay: A -> @ 0.5*A"),
        ("A -> B @ hill(A, K, 2)", "A -> B @ hill(A, K, 2)"),
        ("A -> B, hill(C, K, 2)", "A -> B @ hill(C, K, 2)*A"),
        ("A + B -> B + A, k", "A + B -> B + A @ k*A*B"),
    ],
)
def test_one_reaction_is_read(text, written):
    (reaction,) = parse_reaction(text)
    assert str(reaction) == written
    assert parse_reaction(written)[0].changes == reaction.changes


def test_a_reversible_reaction_is_two():
    forward, backward = parse_reaction("bind: A + B <-> C, kf, kr")
    assert (str(forward), str(backward)) == ("bind: A + B -> C @ kf*A*B", "bind_reverse: C -> A + B @ kr*C")
    forward, backward = parse_reaction("A <-> B @ max(a, A), b*B")
    assert (str(forward), str(backward)) == ("A -> B @ max(a, A)", "B -> A @ b*B")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("A -> B", "has no rate; write"),
        ("A -> B @", "has no rate"),
        ("A -> B @ ", "has no rate"),
        ("A + B, k", "needs one arrow"),
        ("A -> B -> C, k", "needs one arrow"),
        ("A -> B, k, l", "has 2 rates and needs 1"),
        ("A <-> B, k", "has 1 rates and needs 2"),
        ("1.5 A -> B, k", "coefficient 1.5 for species 'A'; coefficients are positive integers"),
        ("0 A -> B, k", "coefficient 0 for species 'A'"),
        ("A + -> B, k", "has the term ''"),
        ("A B -> C, k", "has the term 'A B'"),
        ("-A -> C, k", "has the term '-A'"),
        (": A -> C, k", "empty name"),
        (None, "must be text or a Reaction, not None"),
    ],
)
def test_what_is_not_a_reaction_is_refused(text, why):
    with pytest.raises(NetworkError, match=why) as caught:
        parse_reaction(text)
    assert "\n" not in str(caught.value)


def test_an_unreadable_rate_names_its_reaction():
    with pytest.raises(ExpressionError, match=r"reaction 'A -> B @ k\*': cannot read expression 'k\*' at character 3"):
        parse_reaction("A -> B @ k*")


def test_mass_action_uses_falling_factorials():
    rate = mass_action(parse("k"), {"A": 3})
    assert rate.right == FallingFactorial("A", 3)


def test_reactions_are_values():
    one = Reaction({"A": 2}, {"B": 1}, "k*A*(A-1)", effects={"C": "C + D"})
    assert one == Reaction((("A", 2),), (("B", 1.0),), parse("k*A*(A - 1)"), (("C", parse("C+D")),))
    assert len({one, Reaction({"A": 2}, {"B": 1}, "k*A*(A-1)", {"C": "C + D"})}) == 1
    assert str(one) == "2 A -> B @ k*A*(A - 1); C := C + D"
    with pytest.raises(AttributeError):
        one.name = "other"


@pytest.mark.parametrize("count", [0, -1, 1.5, "2", None, True])
def test_coefficients_are_positive_integers(count):
    with pytest.raises(NetworkError, match="species 'A'; coefficients are positive integers"):
        Reaction({"A": count}, {}, "k")


def test_an_effect_may_not_meet_a_change():
    with pytest.raises(NetworkError, match="both changes species 'A' and sets it"):
        Reaction({"A": 1}, {}, "k", effects={"A": "0"})
    assert Reaction({"A": 1}, {"A": 1}, "k", effects={"A": "0"}).effects


def test_a_rate_may_be_a_number():
    assert str(Reaction({}, {"A": 1}, 2.5)) == "-> A @ 2.5"
    with pytest.raises(ExpressionError, match="nan"):
        Reaction({}, {"A": 1}, float("nan"))


def test_events_are_triggered_by_known_moments():
    assert str(Event("A > 5 and B < 2", {"A": "A/2"}, priority=1)) == "when A > 5 and B < 2 set A := A/2"
    with pytest.raises(NetworkError, match=r"'sin\(t\) > 0.5' reads the time t in a way whose moment"):
        Event("A > 3 and sin(t) > 0.5", {"A": "0"})
    with pytest.raises(NetworkError, match="sets nothing"):
        Event("A > 5", {})
