"""The method of a study: the one it names, or for ``auto`` the one that was chosen when its store was made."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from jaxsim.ensemble.automatic import Choice, choose_method, for_choice
from jaxsim.network import Network
from jaxsim.study.setup import Setup


def settle_method(setup: Setup, platform: str, known: dict[str, Any] | None = None) -> tuple[Setup, dict[str, str]]:
    """Return the setup with the method that is run, and what the manifest notes about it.

    Parameters
    ----------
    setup
        As read from the study file.
    platform
        Of the devices.
    known
        What a manifest has noted, for a store that exists: a choice is made once.
    """
    if setup.request.method != "auto":
        return setup, {"method": setup.request.method, "method_reason": "named in the study file"}
    if known is None:
        chosen = choose_method(_Networks(setup), setup.request, platform)
    else:
        chosen = Choice(known["method"], known["method_reason"])
    noted = {"method": chosen.method, "method_reason": chosen.reason}
    return replace(setup, request=for_choice(setup.request, chosen)), noted


class _Networks(Sequence[Network]):
    """The networks of all design points, each made when it is looked at."""

    def __init__(self, setup: Setup) -> None:
        self.setup = setup

    def __len__(self) -> int:
        return len(self.setup.points.values)

    def __getitem__(self, point: Any) -> Any:
        return self.setup.network_at(int(point))


def settle_backend(setup: Setup, known: dict[str, Any]) -> Setup:
    """Return the setup with the backend that a store was begun on, since bits differ between backends."""
    return replace(setup, request=replace(setup.request, backend=known.get("backend", "xla")))
