"""The network of a study: built in, written in the study file, read from a file, or made by the user's function."""

import inspect
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

from jaxsim import models
from jaxsim.errors import StudyError, closest
from jaxsim.network import Network
from jaxsim.study.chosen_schema import ChosenFile
from jaxsim.study.inputs import read_inputs
from jaxsim.study.laws import read_values
from jaxsim.study.schema import Model, StudyFile
from jaxsim.study.sources import MODEL, Sources

BUILT_IN = ("cell", "organism")


def study_network(study: StudyFile | ChosenFile, sources: Sources) -> Network:
    """Return the network, with the study's parameters, initial counts and observables.

    Parameters
    ----------
    study
        The decoded file.
    sources
        Where the files and functions that it names are found.
    """
    network = _source(study.model, sources)
    if study.parameters:
        network = network.with_parameters(**read_values("parameters", study.parameters))
    if study.initial:
        network = network.with_initial(**read_values("initial", study.initial))
    extra = study.outputs.observables
    return network.with_observables(**extra) if extra else network


def _source(model: Model, sources: Sources) -> Network:
    given = [key for key in ("name", "file", "entry", "reactions") if getattr(model, key) is not None]
    if len(given) != 1:
        raise StudyError(
            f"the section [model] gives {' and '.join(given) or 'nothing'}; give one of name, file, entry and reactions"
        )
    if model.reactions is not None:
        if model.arguments:
            raise StudyError("'model.arguments' mean nothing to reactions; give species and parameters")
        species = read_values("model.species", model.species)
        parameters = read_values("model.parameters", model.parameters)
        return Network(species, model.reactions, parameters, inputs=read_inputs(model.inputs))
    if model.species or model.parameters or model.inputs:
        raise StudyError(
            "'model.species', 'model.parameters' and 'model.inputs' go with 'model.reactions'; use [initial] and "
            "[parameters]"
        )
    if model.file is not None:
        return _read(model, sources.file(MODEL, model.file))
    if model.name is not None:
        if model.name not in BUILT_IN:
            raise StudyError(
                f"there is no model '{model.name}'{closest(model.name, BUILT_IN)}; choose from {', '.join(BUILT_IN)}"
            )
        return _called(getattr(models, model.name), model, f"the model '{model.name}'")
    assert model.entry is not None
    found = _called(sources.function(model.entry), model, f"the entry point '{model.entry}'")
    if not isinstance(found, Network):
        raise StudyError(f"the entry point '{model.entry}' returns a {type(found).__name__}; return a js.Network")
    return found


def _called(function: Any, model: Model, text: str) -> Any:
    try:
        inspect.signature(function).bind(**model.arguments)
    except TypeError as error:
        raise StudyError(f"{text} does not take the arguments {sorted(model.arguments)}: {error}") from error
    return function(**model.arguments)


def _read(model: Model, path: Path) -> Network:
    if not path.is_file():
        raise StudyError(f"there is no model file '{path}'; give a path relative to the study file")
    read = import_module("jaxsim.formats").read
    network = _called(partial(read, path), model, f"the model file '{model.file}'")
    assert isinstance(network, Network)
    return network
