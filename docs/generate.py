"""Write the reference pages that are made from the program: names, files, the command line, statuses, units, records.

``scripts/docs`` calls :func:`write` before Sphinx reads the pages, so that no page can differ from the program.
"""

import ast
import importlib
import inspect
import json
from itertools import pairwise
from pathlib import Path

import measured
import msgspec

import jaxsim
from jaxsim import models, plots
from jaxsim.cli.main import COMMANDS
from jaxsim.dosing import units
from jaxsim.ensemble.methods import METHODS, OPTIONAL
from jaxsim.gradient.estimators import ESTIMATORS
from jaxsim.kernels import Status
from jaxsim.network.functions import FUNCTIONS, RANDOM, SYNONYMS
from jaxsim.study import optimise_schema, schema

ROOMS = {
    "jaxsim.network": ("networks", "Networks", "Species, parameters, reactions and events."),
    "jaxsim.dosing": ("doses", "Doses and drug curves", "Schedules, doses and the disposition of drugs."),
    "jaxsim.random": (
        "laws",
        "Laws of parameters",
        "Laws that a parameter or an initial count follows.",
    ),
    "jaxsim.ensemble": ("simulation", "Simulation", "Ensembles, rate equations, one trajectory again."),
    "jaxsim.estimation": ("estimation", "Accuracy on request", "A mean to a wanted relative error."),
    "jaxsim.gradient": (
        "gradients",
        "Objectives and gradients",
        "Objectives, and their derivatives.",
    ),
    "jaxsim.optimise": ("optimisation", "Schedules that are best", "What is free, and the search."),
    "jaxsim.study": ("studies", "Studies", "Sweeps on disk that survive interruptions."),
    "jaxsim.formats": ("files", "Model files", "SBML, Antimony and BioNetGen."),
    "jaxsim.plots": ("figures", "Figures of results", "A figure of any result; those of the models are in plots."),
    "jaxsim.errors": ("errors", "Errors and warnings", "All errors are a JaxsimError."),
}


def write(folder: Path) -> None:
    """Write all pages into `folder`, and only those whose text has changed."""
    folder.mkdir(parents=True, exist_ok=True)
    pages = {
        **{f"{page}.md": names_page(module) for module, (page, *_) in ROOMS.items()},
        "models.md": module_page(models, "Models", "js.models: networks of the literature and studies made with them."),
        "plots.md": module_page(plots, "Figures", "jaxsim.plots: each function takes a Dataset and returns a Figure."),
        "study_file.md": file_page(schema.StudyFile, "Study files", STUDY),
        "optimise_schema.md": file_page(optimise_schema.ChosenFile, "Files of jaxsim optimise", CHOSEN),
        "cli.md": commands_page(),
        "statuses.md": statuses_page(),
        "units.md": units_page(),
        "methods.md": methods_page(),
        "functions.md": functions_page(),
        **{f"{name}.inc": text for name, text in measured.tables().items()},
    }
    for name, text in pages.items():
        path = folder / name
        if not path.exists() or path.read_text() != text:
            path.write_text(text)
    for path in folder.iterdir():
        if path.name not in pages:
            path.unlink()


def directive(kind: str, target: str, *options: str) -> str:
    """Return an autodoc directive, in MyST."""
    body = "\n".join((f".. {kind}:: {target}", *(f"   :{option}:" for option in options)))
    return f"```{{eval-rst}}\n{body}\n```\n"


def entry(name: str, owner: object, value: object) -> str:
    """Return the directive that documents one name."""
    if inspect.ismodule(value) and callable(value):  # js.gradient: a package that is called
        return directive("autofunction", f"{value.__name__}.{name}")
    if inspect.ismodule(value):
        return f"`js.{name}`: see [Models](models.md).\n"
    if inspect.isclass(value):
        kind = "autoexception" if issubclass(value, Exception) else "autoclass"
        return directive(kind, f"{owner}.{name}", *(() if kind == "autoexception" else ("members",)))
    return directive("autofunction" if callable(value) else "autodata", f"{owner}.{name}")


def names_page(module: str) -> str:
    """Return the page of the public names that come from one room."""
    _, title, sentence = ROOMS[module]
    names = [name for name in jaxsim.__all__ if jaxsim._TABLE.get(name) == module]
    parts = [f"## {name}\n\n{entry(name, 'jaxsim', getattr(jaxsim, name))}" for name in names]
    return f"# {title}\n\n{sentence}\n\n" + "\n".join(parts)


def module_page(module: object, title: str, sentence: str) -> str:
    """Return the page of all names of a module."""
    parts = [f"## {n}\n\n{entry(n, module.__name__, getattr(module, n))}" for n in module.__all__]
    return f"# {title}\n\n{sentence}\n\n" + "\n".join(parts)


STUDY = """\
A study file says what `jaxsim run` simulates. This page is made from the schema that reads the file: what is not here
is refused, with the nearest name that is. How to use one: [a study that survives](../../tutorials/study.md)."""
CHOSEN = """\
A file of `jaxsim optimise` has the sections of a [study file](study_file.md), in which numbers may be free, and says
what is sought. This page is made from the schema. How to use one:
[find the best schedule](../../how-to/optimise.md)."""
ESTIMATED = """\
Which to take: [choose an estimator](../../how-to/estimators.md). The cost is that of one trajectory's gradient in one
number, in trajectories that are only simulated.

| estimator | does | cost | walks on leaps | sees objectives that jump |
|---|---|---:|---|---|
"""
EXPRESSIONS = """\
# Expressions

Rates, observables, conditions and effects are expressions of species, parameters, inputs, the time `t` and `pi`, with
`+ - * / ^ **`, comparisons, `and`, `or`, `not` and `if(condition, a, b)`. Nothing is evaluated as Python.

## Functions

{names}.

## Random functions, in effects and events

Two more arguments, the lowest and the highest value, truncate a law.

| function | parameters |
|---|---|
{laws}
"""


def file_page(top: type, title: str, sentence: str) -> str:
    """Return the page of a file format: the top level, then each section with its keys."""
    lines = [f"# {title}\n\n{sentence}\n"]
    sections: list[type] = [top]
    for section in sections:
        found = [s for s in structures(section) if s not in sections]
        sections.extend(found)
    for section in sections:
        heading = "Sections" if section is top else section.__name__
        says = inspect.getdoc(section) or ""
        lines.append(f"## {heading}\n\n{says}\n\n{keys_table(section)}")
    return "\n".join(lines)


def structures(section: type) -> list[type]:
    """Return the sections that the keys of a section hold, in order."""
    found: list[type] = []

    def visit(kind: object) -> None:
        if isinstance(kind, msgspec.inspect.StructType):
            found.append(kind.cls)
        for part in ("types", "item_type", "value_type", "item_types"):
            inner = getattr(kind, part, ())
            for one in inner if isinstance(inner, tuple) else (inner,):
                visit(one)

    for field in msgspec.inspect.type_info(section).fields:
        visit(field.type)
    return list(dict.fromkeys(found))


def keys_table(section: type) -> str:
    """Return a table of the keys of one section."""
    says = field_sentences(section)
    rows = ["| key | type | default | meaning |", "|---|---|---|---|"]
    for field in msgspec.inspect.type_info(section).fields:
        default = "required" if field.required else shown_default(field)
        rows.append(f"| `{field.name}` | {type_text(field.type)} | {default} | {says.get(field.name, '')} |")
    return "\n".join(rows) + "\n"


def shown_default(field: object) -> str:
    """Return a default as a TOML value, or nothing where leaving the key out is the default."""
    value = field.default
    if value is msgspec.NODEFAULT or value is None or value in ({}, []):
        return "none"
    return f"`{json.dumps(value)}`"


def field_sentences(section: type) -> dict[str, str]:
    """Return the string that follows each attribute in the source, by name, inherited attributes included."""
    says: dict[str, str] = {}
    for cls in reversed([c for c in section.__mro__ if c.__module__ == section.__module__]):
        body = ast.parse(inspect.getsource(cls)).body[0].body
        for before, after in pairwise(body):
            text = isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
            if isinstance(before, ast.AnnAssign) and text:
                says[before.target.id] = " ".join(str(after.value.value).split()).replace("``", "`").replace("|", "\\|")
    return says


def type_text(kind: object) -> str:
    """Return the type of a key in words."""
    words = {"IntType": "whole number", "FloatType": "number", "StrType": "text", "BoolType": "true or false",
             "AnyType": "value", "NoneType": ""}  # fmt: skip
    name = type(kind).__name__
    if name in words:
        return words[name] + limits(kind)
    if name == "UnionType":
        return " or ".join(dict.fromkeys(text for one in kind.types if (text := type_text(one))))
    if name == "ListType":
        return f"list of {type_text(kind.item_type)}"
    if name == "DictType":
        return f"table of {type_text(kind.value_type)}"
    return f"[{kind.cls.__name__}](#{kind.cls.__name__.lower()})"


def limits(kind: object) -> str:
    """Return the bounds of a number, in words."""
    signs = {"gt": "above", "ge": "from", "lt": "below", "le": "to"}
    said = [f"{word} {bound:g}" for sign, word in signs.items() if (bound := getattr(kind, sign, None)) is not None]
    return f", {', '.join(said)}" if said else ""


def commands_page() -> str:
    """Return the page of the command line, as its parsers print it."""
    lines = ["# Command line\n\nThis page is what `jaxsim COMMAND --help` prints.\n", "| command | does |\n|---|---|"]
    lines += [f"| [`jaxsim {name}`](#jaxsim-{name}) | {command.says} |" for name, command in COMMANDS.items()]
    for name, command in COMMANDS.items():
        parser = importlib.import_module(command.module).parser()
        formatter = parser.formatter_class
        parser.formatter_class = lambda prog, formatter=formatter: formatter(prog, width=100)
        lines.append(f"\n## jaxsim {name}\n\n```text\n{parser.format_help().rstrip()}\n```")
    return "\n".join(lines) + "\n"


def statuses_page() -> str:
    """Return the page of the ways in which a trajectory can end."""
    rows = [f"| `{s.label}` | {'yes' if s.fine else 'no'} | {s.sentence} |" for s in Status]
    return (
        '# Statuses\n\nEvery trajectory ends with one of these, and every result counts them in `out["status"]`. A\n'
        "`SimulationWarning` names those that are not fine. Values that not all trajectories reached are NaN.\n\n"
        "| status | fine | the trajectories |\n|---|---|---|\n" + "\n".join(rows) + "\n"
    )


def units_page() -> str:
    """Return the page of the units that doses and concentrations may have."""
    tables = {
        "masses, in g": units.MASSES,
        "amounts of substance, in mol": units.MOLES,
        "molar concentrations, in mol/L": units.MOLARITIES,
        "volumes, in L": units.VOLUMES,
        "times, in h": units.HOURS,
    }
    parts = [
        "# Units\n\nA dose has a mass or an amount of substance, whole or per `kg` of body weight or `m2` of body\n"
        "surface, such as `mg/kg`; a concentration is a molarity or a mass per volume, such as `ng/mL`. A dose\n"
        "without a unit is in the units of the rates. Whatever is not in these tables is refused when it is made.\n"
    ]
    for title, table in tables.items():
        rows = "\n".join(f"| `{name}` | {scale:g} |" for name, scale in table.items())
        parts.append(f"## {title[0].upper()}{title[1:]}\n\n| unit | size |\n|---|---|\n{rows}\n")
    return "\n".join(parts)


def methods_page() -> str:
    """Return the page of methods and estimators: the tables of the program."""
    rows = [
        f'| `"{name}"` | {m.description} | {", ".join(f"`{one}`" for one in sorted(OPTIONAL & m.takes))} |'
        for name, m in METHODS.items()
    ]
    more = [
        f'| `"{name}"` | {m.says} | {m.cost_of(1):.2g} | {"yes" if m.leaps else "no"} | {"yes" if m.jumps else "no"} |'
        for name, m in ESTIMATORS.items()
    ]
    return (
        "# Methods and estimators\n\n## Methods of js.simulate\n\nWhich to take: "
        "[choose a method](../../how-to/methods.md).\n\n| method | does | takes besides |\n|---|---|---|\n"
        + "\n".join(rows)
        + "\n\n## Estimators of js.gradient\n\n"
        + ESTIMATED
        + "\n".join(more)
        + "\n"
    )


def functions_page() -> str:
    """Return the page of what an expression may call."""
    laws = "\n".join(f"| `{name}` | {', '.join(parameters)} |" for name, parameters in RANDOM.items())
    names = ", ".join(f"`{name}`" for name in sorted({*FUNCTIONS, *SYNONYMS}))
    return EXPRESSIONS.format(names=names, laws=laws)
