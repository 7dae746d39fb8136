"""The agents an organism can be given, as dispositions with published or assumed numbers."""

from collections.abc import Mapping
from typing import Any

from jaxsim.dosing import Disposition, OneCompartment, TwoCompartment
from jaxsim.models.organism_reactions import QUANTA
from jaxsim.models.parameters import ModelParameter
from jaxsim.network import Network

CONCENTRATION_UNITS = {
    "gemcitabine": "uM",
    "cisplatin": "uM",
    "anti_il1a": "nM",
    "caspase1_inhibitor": "",  # nominal
    "il1_receptor_antagonist": "nM",
}
OPTIONAL = ("absorption_rate", "molar_mass")


def agents(groups: Mapping[str, Mapping[str, ModelParameter]]) -> dict[str, Disposition]:
    """Return the disposition of every agent, from the groups ``inputs.<agent>`` and ``body`` of a parameter file.

    Clearance and volume are whole (L/h, L) or per kg; doses may be given either way, as the body weight is known.

    Parameters
    ----------
    groups
        From :func:`jaxsim.models.organism_parameters`.

    Examples
    --------
    >>> from jaxsim.dosing import Dose, area_under_curve
    >>> from jaxsim.models import organism_parameters
    >>> human = agents(organism_parameters("human"))["gemcitabine"]
    >>> round(float(area_under_curve(human, Dose(1000, "mg/m2", duration=0.5))), 1)  # uM h
    42.2
    """
    body = {name: entry.value for name, entry in groups["body"].items()}
    return {name: _disposition(groups[f"inputs.{name}"], body, unit) for name, unit in CONCENTRATION_UNITS.items()}


def _disposition(entry: Mapping[str, ModelParameter], body: Mapping[str, Any], concentration: str) -> Disposition:
    value: dict[str, Any] = {name: one.value for name, one in entry.items()}
    unit = "mg/kg" if entry["volume"].unit.endswith("/kg") else "mg"
    shared: dict[str, Any] = {
        "volume": value["volume"],
        "dose_unit": unit,
        "concentration_unit": concentration,
        **{name: value[name] for name in OPTIONAL if name in value},
        **body,
    }
    if "peripheral_volume" in value:
        exchange = {name: value[name] for name in ("clearance", "intercompartmental_clearance", "peripheral_volume")}
        return TwoCompartment(**shared, **exchange)
    return OneCompartment(elimination_rate=value["clearance"] / value["volume"], **shared)


def il1a_counts(nanograms: float | int, network: Network) -> int:
    """Return how many counts of IT or IP an amount of IL-1alpha is, to inject it: ``Dose(il1a_counts(80, net))``.

    Examples
    --------
    >>> from jaxsim.models import organism
    >>> il1a_counts(8, organism())
    141467728
    """
    picograms_per_count = float(network.parameters["il1a_per_cell"]) / QUANTA
    return round(1e3 * nanograms / picograms_per_count * float(network.parameters["scale"]))
