"""Every public name explains itself with an example that runs; functions stay short; no grab-bag modules."""

import ast
import re
import tomllib
import types
from pathlib import Path

import pytest

import jaxsim

REPOSITORY = Path(jaxsim.__file__).parent.parent
FOLDERS = ("jaxsim", "tests", "benchmarks", "scripts", "docs")
SOURCES = sorted(path for folder in FOLDERS for path in (REPOSITORY / folder).rglob("*.py"))
BANNED = {"utils", "helpers", "common", "misc", "util", "helper", "tools"}
FUNCTION_LINES = 60  # the house rule is 40 lines of code; this leaves room for the docstring of a private function


def name_of(path):
    return str(path.relative_to(REPOSITORY))


@pytest.mark.parametrize("name", [n for n in jaxsim.__all__ if n != "__version__"])
def test_public_name_is_documented_with_an_example(name):
    value = getattr(jaxsim, name)
    text = value.__doc__ or ""
    first = text.strip().partition("\n")[0]
    assert first, f"{name} has no docstring"
    if isinstance(value, types.ModuleType) or (isinstance(value, type) and issubclass(value, Exception)):
        return  # a module has no example of its own, and an exception is shown where it is raised
    assert not first.startswith(f"{name}("), f"{name} has only the docstring a dataclass writes for itself"
    assert re.search(r"^\s*Examples\n\s*-{8}\n", text, re.MULTILINE), f"{name} has no numpydoc Examples section"
    assert ">>>" in text, f"the Examples of {name} hold no doctest"


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_file_says_what_it_is(path):
    text = path.read_text()
    assert not BANNED & {path.stem, path.parent.name}, f"{name_of(path)} is named for no concept"
    assert ast.get_docstring(ast.parse(text)) or not text.strip(), f"{name_of(path)} does not say what it is"


def body_lines(function):
    """Lines of a function without its docstring."""
    lines = function.end_lineno - function.lineno + 1
    if ast.get_docstring(function) is not None:
        lines -= function.body[0].end_lineno - function.body[0].lineno + 1
    return lines


@pytest.mark.parametrize("path", sorted((REPOSITORY / "jaxsim").rglob("*.py")), ids=name_of)
def test_functions_are_short(path):
    tree = ast.parse(path.read_text())
    functions = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
    long = {f.name: body_lines(f) for f in functions if body_lines(f) > FUNCTION_LINES}
    assert long == {}, f"{name_of(path)} has functions that hold more than one thought"


def test_versions_agree():
    citation = (REPOSITORY / "CITATION.cff").read_text()
    assert re.search(r"^version: (.+)$", citation, re.MULTILINE).group(1) == jaxsim.__version__


def test_addresses_agree():
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    citation = (REPOSITORY / "CITATION.cff").read_text()
    assert re.search(r'^repository-code: "(.+)"$', citation, re.MULTILINE).group(1) == project["urls"]["Repository"]
