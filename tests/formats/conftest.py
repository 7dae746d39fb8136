"""Where the cases of the SBML Test Suite and the BioNetGen networks lie; tests of them skip where they do not."""

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

SHARED = Path(__file__).parents[2].parent / "shared"
DATA = {"JAXSIM_CONFORMANCE_CASES": "dsmts", "JAXSIM_NETWORKS": "networks"}


def folder(variable):
    """The folder that an environment variable names, or the one beside the repository; None if there is none."""
    path = Path(os.environ.get(variable) or SHARED / DATA[variable])
    return path if path.is_dir() else None


def required(variable):
    found = folder(variable)
    if found is None:
        pytest.skip(f"no data: set {variable} to its folder")
    return found


@pytest.fixture(scope="session")
def cases_folder():
    return required("JAXSIM_CONFORMANCE_CASES")


@pytest.fixture(scope="session")
def networks_folder():
    return required("JAXSIM_NETWORKS")
