"""main: choose the command and run it."""

import sys
from collections.abc import Sequence
from importlib import import_module
from types import ModuleType
from typing import NamedTuple, NoReturn

from jaxsim._version import __version__
from jaxsim.console.guard import guarded, leave
from jaxsim.console.options import Parser
from jaxsim.errors import closest


class Command(NamedTuple):
    """A command; its module has `parser()`, which returns a Parser, and `run(arguments)`, which gives an exit code."""

    says: str
    module: str


COMMANDS = {
    "cells": Command(
        "fates of single tumour cells under gemcitabine and a caspase-1 inhibitor",
        "jaxsim.models.cell.command",
    ),
    "organism": Command(
        "tumour, marrow and blood of mice or patients under chemotherapy and IL-1 blockade",
        "jaxsim.models.organism.command",
    ),
    "coupled": Command(
        "a mouse whose tumour is of single cells, by tables or cell by cell",
        "jaxsim.models.coupled.command",
    ),
    "optimise": Command(
        "the best times and amounts of doses, from a file that says what is free, with the evidence",
        "jaxsim.cli.optimise",
    ),
    "run": Command(
        "run a study file (sweeps of millions of trajectories), or go on with its store",
        "jaxsim.cli.run",
    ),
    "resume": Command(
        "go on with a store after a crash, a signal or a full disk",
        "jaxsim.cli.resume",
    ),
    "status": Command(
        "how far a store is, and who works on it",
        "jaxsim.cli.status",
    ),
    "show": Command(
        "the results of a store as a table, NetCDF or CSV; what a study file asks for",
        "jaxsim.cli.show",
    ),
    "verify": Command(
        "whether everything in a store is as it was written, and what mends it",
        "jaxsim.cli.verify",
    ),
    "report": Command(
        "one self-contained page about a store, with figures",
        "jaxsim.cli.report",
    ),
    "doctor": Command(
        "check the installation, devices and precision, and say what to fix",
        "jaxsim.cli.doctor",
    ),
    "inspect": Command(
        "what a model file (SBML, .net, Antimony) becomes, and all that would be refused",
        "jaxsim.cli.inspect",
    ),
    "conformance": Command(
        "cases of the stochastic SBML Test Suite, judged as the suite does",
        "jaxsim.cli.conformance",
    ),
    "demo": Command(
        "the whole demonstration: a million cells in each of three arms, dose-response, figures",
        "jaxsim.models.cell.demo",
    ),
}

EPILOG = """\
examples:
  jaxsim cells --dose 120 --inhibitor 50 --cells 100000 --seed 1 --out results
  jaxsim run study.toml
  jaxsim cells --help
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code.

    Parameters
    ----------
    argv
        Arguments after the program's name; those of the process if not given.

    Returns
    -------
    int
        0 if all went well, 2 if the request cannot be carried out as asked, 130 after Ctrl-C.

    Examples
    --------
    >>> main(["--version"])
    jaxsim ...
    0
    """
    given = list(sys.argv[1:] if argv is None else argv)
    return guarded(lambda: _dispatch(given))


def program() -> NoReturn:
    """Run the command line as a process of its own, which ends with its exit code."""
    leave(main())


def _dispatch(given: list[str]) -> int:
    top = _parser()
    if not given:
        top.print_help()
        return 0
    name = given[0]
    if name == "help":
        return _dispatch([*given[1:2], "--help"])
    if name.startswith("-"):
        top.parse_args(given)
    if name not in COMMANDS:
        top.error(f"there is no command '{name}'{closest(name, COMMANDS)}; choose from {', '.join(COMMANDS)}")
    command = _load(name)
    return int(command.run(command.parser().parse_args(given[1:])))


def _load(name: str) -> ModuleType:
    return import_module(COMMANDS[name].module)


def _parser() -> Parser:
    width = max(map(len, COMMANDS)) + 2
    commands = "\n".join(f"  {name:{width}}{command.says}" for name, command in COMMANDS.items())
    parser = Parser(
        prog="jaxsim",
        usage="jaxsim COMMAND [options]",
        description=f"Exact stochastic simulation of reaction networks.\n\ncommands:\n{commands}",
        epilog=EPILOG,
    )
    parser.add_argument("-V", "--version", action="version", version=f"jaxsim {__version__}", help="print the version")
    return parser
