"""Every public name explains itself with an example that runs; functions stay short; no grab-bag modules."""

import ast
import re
import tomllib
import types
from pathlib import Path

import jaxsim

REPOSITORY = Path(jaxsim.__file__).parent.parent
FOLDERS = ("jaxsim", "tests", "benchmarks", "scripts", "docs")
SOURCES = sorted(path for folder in FOLDERS for path in (REPOSITORY / folder).rglob("*.py"))
BANNED = {"utils", "helpers", "common", "misc", "util", "helper", "tools"}
FUNCTION_LINES = 60  # the house rule is 40 lines of code; this leaves room for the docstring of a private function


def name_of(path):
    return str(path.relative_to(REPOSITORY))


def fault_of_docstring(name):
    """What the docstring of a public name lacks, None if nothing."""
    value = getattr(jaxsim, name)
    text = value.__doc__ or ""
    first = text.strip().partition("\n")[0]
    if not first:
        return "has no docstring"
    if isinstance(value, types.ModuleType) or (isinstance(value, type) and issubclass(value, Exception)):
        return None  # a module has no example of its own, and an exception is shown where it is raised
    if first.startswith(f"{name}("):
        return "has only the docstring a dataclass writes for itself"
    if not re.search(r"^\s*Examples\n\s*-{8}\n", text, re.MULTILINE):
        return "has no numpydoc Examples section"
    return None if ">>>" in text else "has Examples without a doctest"


def test_public_names_are_documented_with_an_example():
    faults = {name: fault_of_docstring(name) for name in jaxsim.__all__ if name != "__version__"}
    assert {name: fault for name, fault in faults.items() if fault} == {}


def test_files_say_what_they_are():
    named_for_nothing = [name_of(path) for path in SOURCES if BANNED & {path.stem, path.parent.name}]
    assert named_for_nothing == []
    silent = [
        name_of(path)
        for path in SOURCES
        if (text := path.read_text()).strip() and not ast.get_docstring(ast.parse(text))
    ]
    assert silent == []


def body_lines(function):
    """Lines of a function without its docstring."""
    lines = function.end_lineno - function.lineno + 1
    if ast.get_docstring(function) is not None:
        lines -= function.body[0].end_lineno - function.body[0].lineno + 1
    return lines


def test_functions_are_short():
    long = {}
    for path in sorted((REPOSITORY / "jaxsim").rglob("*.py")):
        functions = [n for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.FunctionDef)]
        long |= {f"{name_of(path)}: {f.name}": n for f in functions if (n := body_lines(f)) > FUNCTION_LINES}
    assert long == {}, "functions that hold more than one thought"


def test_versions_agree():
    citation = (REPOSITORY / "CITATION.cff").read_text()
    assert re.search(r"^version: (.+)$", citation, re.MULTILINE).group(1) == jaxsim.__version__


def test_addresses_agree():
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    citation = (REPOSITORY / "CITATION.cff").read_text()
    assert re.search(r'^repository-code: "(.+)"$', citation, re.MULTILINE).group(1) == project["urls"]["Repository"]
