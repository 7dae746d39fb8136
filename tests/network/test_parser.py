"""The grammar, its errors, and that nothing but ExpressionError comes of hostile text."""

import copy
import pickle
import random
import subprocess
import sys

import pytest

from jaxsim.errors import ExpressionError
from jaxsim.network import Binary, Call, Name, Number, names, parse, to_string
from jaxsim.network.functions import FUNCTIONS, SPECIAL_ARITY


@pytest.fixture
def deep_stack():
    """The runtime type checks of the tests triple the frames of every call."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(3 * limit)
    yield
    sys.setrecursionlimit(limit)


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("a+b*c", "a + b*c"),
        ("(a+b)*c", "(a + b)*c"),
        ("a-b-c", "a - b - c"),
        ("a-(b-c)", "a - (b - c)"),
        ("a/b/c", "a/b/c"),
        ("a/(b/c)", "a/(b/c)"),
        ("a^b^c", "a^b^c"),
        ("(a^b)^c", "(a^b)^c"),
        ("a**-b", "a^(-b)"),
        ("-a^2", "-a^2"),
        ("(-a)^2", "(-a)^2"),
        ("-a*b", "-a*b"),
        ("- - a", "--a"),
        ("+a", "a"),
        ("2*3*a", "6*a"),
        ("a*2*3", "a*2*3"),
        ("1e-3*a", "0.001*a"),
        (".5 + 2. + a", "2.5 + a"),
        ("pi*a", "3.141592653589793*a"),
        ("ln(a)", "log(a)"),
        ("pow(a, 2)", "a^2"),
        ("exp(0)*a", "1*a"),
        ("not a < b and c >= d or e", "not a < b and c >= d or e"),
        ("not (a and b)", "not (a and b)"),
        ("(a < b)*c", "(a < b)*c"),
        ("(a < b) < c", "(a < b) < c"),
        ("if(a==b, 1, 0)", "if(a == b, 1, 0)"),
        ("min(a,b,c)", "min(a, b, c)"),
        ("binomial(n, 0.5)", "binomial(n, 0.5)"),
        ("Größe*β", "Größe*β"),
        ("-5", "-5"),
        ("a^-5", "a^(-5)"),
        ("0.1 + 0.2", "0.30000000000000004"),
    ],
)
def test_text_is_read_and_written_back(text, written):
    assert to_string(parse(text)) == written
    assert parse(written) == parse(text)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "a value is missing"),
        ("a +", "at character 4: a value is missing"),
        ("a + * b", "at character 5: a value is missing before '*'"),
        ("(a", r"expected '\)' before the end"),
        ("a)", r"unexpected '\)'"),
        ("a b", "unexpected 'b'"),
        ("2x", "unexpected 'x'"),
        ("a < b < c", "a < b and b < c"),
        ("a & b", "unexpected character '&'"),
        ("a = b", "unexpected character '='"),
        ("1/0", "division by zero"),
        ("0^-1", "not a finite real number"),
        ("log(0)", "not a finite real number"),
        ("log(-1)", "not a finite real number"),
        ("exp(1000)", "not a finite real number"),
        ("(-8)^0.5", "not a finite real number"),
        ("hill(0, 0, 1)", "division by zero"),
        ("1e999", "too large"),
        ("hil(a, b, 2)", "did you mean 'hill'"),
        ("hill(a, b)", "takes 3 arguments, not 2"),
        ("min(a)", "takes at least 2 arguments, not 1"),
        ("if(a, b)", "takes 3 arguments"),
        ("exp", "'exp' is a function"),
        ("f()", "'f' is not a function"),
        ("exp()", "a value is missing"),
        ("and", "a value is missing before 'and'"),
        ("a and", "a value is missing"),
        ("²", "unexpected character"),
        ("a\x00b", "unexpected character"),
        ("__import__(os)", "'__import__' is not a function"),
        ("a.b", r"unexpected character '\.'"),
        ("x" * 500_001, "500001 characters is too long"),
        ("(" * 300 + "a" + ")" * 300, "nested deeper than 100"),
        ("-" * 10_000 + "a", "nested deeper than 100"),
        ("a^" * 5_000 + "a", "nested deeper than 100"),
        (5, "must be text, not int"),
    ],
)
def test_errors_are_one_sentence_with_the_place(text, why, deep_stack):
    with pytest.raises(ExpressionError, match=why) as caught:
        parse(text)
    assert len(str(caught.value)) < 300 and "\n" not in str(caught.value)


def test_the_deepest_nesting_fits_the_usual_stack():
    code = "from jaxsim.network import parse; parse('hill(' * 99 + 'a' + ', k, 2)' * 99)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_random_text_gives_an_expression_or_an_expression_error():
    generator = random.Random(0)
    pieces = [*FUNCTIONS, *SPECIAL_ARITY, *"abt()()(),,+-*/^<>=!.", "**", "<=", "==", "and", "or", "not", "pi", " ",
              "1", "0", "2.5", "1e9", "1e400", "é", "\n", "\\", "'", "²", "𝟙", "\ud800"]  # fmt: skip
    read = 0
    for _ in range(8_000):
        text = "".join(generator.choice(pieces) for _ in range(generator.randint(1, 12)))
        try:
            expression = parse(text)
        except ExpressionError:
            continue
        read += 1
        assert to_string(parse(to_string(expression))) == to_string(expression)
    assert read > 100


def test_random_expressions_are_written_and_read_back(random_expression):
    for seed in range(150):
        text = to_string(random_expression(random.Random(seed), 5))
        try:
            expression = parse(text)
        except ExpressionError as error:
            assert "finite" in str(error) or "division by zero" in str(error)
        else:
            assert parse(to_string(expression)) == expression


def test_a_long_sum_needs_no_recursion():
    text = " + ".join(f"s{index}" for index in range(2500))
    expression = parse(text)
    assert to_string(expression) == text
    assert len(names(expression)) == 2500
    assert hash(expression) == hash(parse(text)) and expression == parse(text)
    assert pickle.loads(pickle.dumps(expression)) == expression
    assert copy.deepcopy(expression) == expression


def test_equality_is_of_structure():
    assert parse("a*b") == Binary("*", Name("a"), Name("b"))
    assert parse("a*b") != parse("b*a")
    assert parse("exp(a)") == Call("exp", (Name("a"),))
    assert parse("a") != "a"
    assert Number(1) == Number(1.0) and Number(1) != Name("a")
    assert len({parse("a + 1"), parse("a+1"), parse("a + 2")}) == 2


def test_a_node_shows_the_text_it_is_read_from():
    assert repr(parse("a*(b+1)")) == "parse('a*(b + 1)')"
    assert len(repr(parse("+".join(["a"] * 5000)))) > 10_000


def test_nodes_are_immutable():
    with pytest.raises(AttributeError):
        parse("a").id = "b"
