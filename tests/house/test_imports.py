"""Imports point one way, and importing the package is quick and leaves the process as it was."""

import ast
import json
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

import jaxsim

ROOT = Path(jaxsim.__file__).parent

# each part may import itself and the parts before it
ORDER = (
    *("errors", "random", "network", "dosing", "statistics", "kernels", "runtime", "ensemble", "paths", "estimation"),
    *("gradient", "optimise", "plots", "console", "models", "formats", "study", "cli", "__main__"),
)
# stand beside the order: they may be imported from anywhere and import nothing of ours
LEAVES = ("_version", "_identity", "_files", "_process", "_html")


def modules():
    return sorted(path.relative_to(ROOT).with_suffix("").parts for path in ROOT.rglob("*.py"))


def imports_of(source, package):
    """Dotted names a module imports at any depth, relative imports resolved against its package."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            anchor = package[: len(package) - node.level + 1] if node.level else ()
            base = ".".join([*anchor, *([node.module] if node.module else [])])
            if base == "jaxsim":
                yield from (f"jaxsim.{alias.name}" for alias in node.names)
            else:
                yield base


def violations(source, parts):
    """Sentences naming every import that points the wrong way."""
    here = parts[0]
    if here == "__init__":
        return []
    allowed = set(LEAVES) if here in LEAVES else {*LEAVES, *ORDER[: ORDER.index(here) + 1]}
    package = ("jaxsim", *parts[:-1])
    found = []
    for name in imports_of(source, package):
        top, _, rest = name.partition(".")
        part = rest.partition(".")[0]
        if top == "jaxsim" and part and part not in allowed:
            found.append(f"{'.'.join(parts)} imports {name}, which lies above it")
    return found


def test_imports_point_one_way():
    homeless = {parts[0] for parts in modules()} - {*ORDER, *LEAVES, "__init__"}
    assert homeless == set(), "folders without a place in the order of imports"
    found = [v for parts in modules() for v in violations(ROOT.joinpath(*parts).with_suffix(".py").read_text(), parts)]
    assert found == []


def test_the_check_sees_a_wrong_import():
    assert violations("from jaxsim.dosing import Dose", ("network", "parse"))
    assert violations("from jaxsim import simulate", ("network", "parse"))
    assert violations("from ..cli import main", ("random", "streams"))
    assert violations("def f():\n    import jaxsim.plots", ("kernels", "loop"))
    assert not violations("from ..network import parse\nfrom jaxsim.errors import JaxsimError", ("dosing", "dose"))


def in_fresh_interpreter(code):
    """The JSON value that `code` prints last, run in an interpreter of its own."""
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return json.loads(out.stdout.splitlines()[-1])


def test_import_is_light():
    heavy = ("pandas", "xarray", "zarr", "matplotlib")
    code = f"import sys, json, jaxsim; print(json.dumps([m for m in {heavy} if m in sys.modules]))"
    assert in_fresh_interpreter(code) == []


def test_no_module_touches_a_device_or_the_configuration():
    names = [".".join(("jaxsim", *parts)).removesuffix(".__init__") for parts in modules() if parts[-1] != "__main__"]
    code = f"""
import json, importlib, jax
from jax._src import xla_bridge
before = dict(jax.config.values)
for name in {names}:
    importlib.import_module(name)
changed = [k for k, v in jax.config.values.items() if k in before and before[k] != v]
print(json.dumps([xla_bridge.backends_are_initialized(), changed]))
"""
    assert in_fresh_interpreter(code) == [False, []]


def test_import_takes_less_than_a_second_beyond_jax():
    code = "import time, jax; t = time.process_time(); import jaxsim; print(time.process_time() - t)"
    assert statistics.median(in_fresh_interpreter(code) for _ in range(3)) < 1.0


def test_reaching_for_a_network_takes_less_than_a_second_beyond_jax():
    code = "import time, jax; t = time.process_time(); from jaxsim import Network; print(time.process_time() - t)"
    assert statistics.median(in_fresh_interpreter(code) for _ in range(3)) < 1.0


def test_names_for_type_checkers_are_the_names_at_run_time():
    tree = ast.parse((ROOT / "__init__.py").read_text())
    block = next(n for n in tree.body if isinstance(n, ast.If))
    declared = {}
    for node in block.body:
        declared |= {alias.asname: node.module for alias in node.names}
    assert declared == {**jaxsim._TABLE, **dict.fromkeys(jaxsim._MODULES, "jaxsim")}


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'simulte'"):
        jaxsim.simulte
    assert set(jaxsim.__all__) <= set(dir(jaxsim))
