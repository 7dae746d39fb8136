"""One meaning a name: public names are defined once, modules import each other in no circle, arguments have types."""

import ast
from collections import defaultdict
from pathlib import Path

import jaxsim

ROOT = Path(jaxsim.__file__).parent

# The verbs of siblings, which are called through a table or as module.verb: the same name is the point.
VERBS = {
    "estimate": "gradient.estimators",
    "refuse": "gradient.estimators",
    "parser": "a command",
    "run": "a command",
    "DESCRIPTION": "a command",
    "EPILOG": "a command",
}
NAMESPACES = ("network.arithmetic", "network.interval")  # used as arithmetic.add(a, b), interval.add(a, b)
MOST_UNTYPED = 0.03  # of the annotated arguments of public functions may be Any


def sources():
    """Dotted name below jaxsim, and syntax tree, of every module."""
    for path in sorted(ROOT.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), ast.parse(path.read_text())


def names_defined(tree):
    """Names without underscore that a module defines at its top level."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Assign):
            targets = [t for target in node.targets for t in getattr(target, "elts", [target])]
            yield from (target.id for target in targets if isinstance(target, ast.Name))
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield node.target.id


def defined_twice(modules):
    """Public names that more than one module defines, with the modules."""
    where = defaultdict(set)
    for module, tree in modules:
        if module not in NAMESPACES:
            for name in names_defined(tree):
                if not name.startswith("_") and name not in VERBS:
                    where[name].add(module)
    return {name: sorted(found) for name, found in where.items() if len(found) > 1}


def test_no_public_name_is_defined_twice():
    assert defined_twice(sources()) == {}
    planted = [("a", ast.parse("def grid(): ...")), ("b", ast.parse("grid = 1"))]
    assert defined_twice(planted) == {"grid": ["a", "b"]}


def imports_at_load(modules):
    """Module to the modules that it imports when it is loaded."""
    trees = dict(modules)
    packages = {name for name in trees if any(other.startswith(f"{name}.") for other in trees)}
    result = {}
    for module, tree in trees.items():
        found = set()
        for node in tree.body:
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("jaxsim.") and not node.level:
                base = node.module.removeprefix("jaxsim.")
                submodules = {f"{base}.{alias.name}" for alias in node.names} & set(trees)
                found |= submodules - packages if base in packages and submodules else {base}
        result[module] = found - {module}
    return result


def circles(graph):
    """Sets of modules that import each other in a circle (Tarjan's strongly connected components)."""
    index, low, stack, found = {}, {}, [], []

    def visit(node):
        index[node] = low[node] = len(index)
        stack.append(node)
        for following in graph.get(node, ()):
            if following not in index:
                visit(following)
                low[node] = min(low[node], low[following])
            elif following in stack:
                low[node] = min(low[node], index[following])
        if low[node] == index[node]:
            component = stack[stack.index(node) :]
            del stack[stack.index(node) :]
            if len(component) > 1:
                found.append(sorted(component))

    for node in graph:
        if node not in index:
            visit(node)
    return found


def test_no_modules_import_each_other_in_a_circle():
    assert circles(imports_at_load(sources())) == []
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == [["a", "b", "c"]]


def arguments(tree):
    """Annotations of the arguments of public functions and methods."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            for argument in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs):
                if argument.annotation is not None:
                    yield ast.unparse(argument.annotation)


def test_arguments_have_types():
    given = [annotation for _, tree in sources() for annotation in arguments(tree)]
    untyped = sum(annotation == "Any" for annotation in given)
    assert untyped < MOST_UNTYPED * len(given), f"{untyped} of {len(given)}"
