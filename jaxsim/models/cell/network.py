"""cell: the single-cell fate model as a network of the general engine."""

from functools import lru_cache
from pathlib import Path
from typing import Any

from jaxsim.dosing import OneCompartment
from jaxsim.errors import NetworkError, closest
from jaxsim.models.parameters import ModelParameter, read_parameters
from jaxsim.network import Network, Parameter, Reaction

# The reactions of the single-cell fate model: gemcitabine, damage, two ways to die, and IL-1alpha.
#
# Numbers a1 to a24 are the names of the reactions. Rates are full propensities, per hour. A cell that has died
# (AP or PY is 1) does nothing more that counts: `alive` is then 0.

_ACTIVITY = "(1/(1 + caspase1_inhibitor/inhibitor_constant))"  # residual caspase-1 activity, 0 to 1
CHECKPOINT = "(1/(1 + (D/checkpoint_constant)^2))"  # what damage leaves of the rates of the cycle, 0 to 1
PORE_UNITS = 16  # N-terminal gasdermin units in a pore

FATES = {  # every cell is in one of them
    "cycling": "alive*(1 - Q)*if(D < checkpoint_constant, 1, 0)",
    "arrested": "alive*(1 - Q)*if(D < checkpoint_constant, 0, 1)",
    "tolerant": "alive*Q",
    "apoptotic": "AP",
    "pyroptotic": "PY",
}

_OBSERVABLES = {
    "alive": "(1 - AP)*(1 - PY)",
    **FATES,
    "divided": "if(N > 0, 1, 0)",
}

PASSAGES = {
    "speck": "Z >= 1",
    "pore": "PO >= 1",
    "lysis": "PY >= 1",
    "apoptosis": "AP >= 1",
}

DRUG_AND_DAMAGE = (
    "a1: -> T @ alive*uptake_rate*dck_activity*gemcitabine/(uptake_constant + gemcitabine)",
    "a2: T -> @ triphosphate_loss*T/(1 + T/loss_constant)",
    "a3: -> D @ alive*damage_rate*T*S*(1 - Q)",
    "a4: D -> @ alive*repair_rate*D/(1 + D/repair_constant)",
)

_CYCLE = (
    f"a5: -> S @ alive*(1 - Q)*(1 - S)*s_entry_rate*{CHECKPOINT}",
    Reaction(
        {"S": 1},
        {"N": 1},
        f"alive*(1 - Q)*S*division_rate*{CHECKPOINT}",
        # One daughter is followed; each molecule and each lesion is hers with probability 1/2.
        effects={"T": "binomial(T, 0.5)", "D": "binomial(D, 0.5)"},
        name="a6",
    ),
    "a7: -> Q @ alive*(1 - Q)*quiescence_rate*D/(D + quiescence_constant)",
    f"a8: Q -> @ alive*Q*reactivation_rate*{CHECKPOINT}",
)

PYROPTOSIS = (
    "a9: -> Z @ alive*(1 - Z)*speck_rate*D^3/(speck_constant^3 + D^3)",
    "a10: Z -> @ speck_loss*Z",
    "a11: C1i -> C1a @ caspase1_activation*Z*C1i",
    "a12: C1a -> @ caspase1_inactivation*C1a",
    f"a13: GF -> GN @ alive*gasdermin_cleavage*C1a*{_ACTIVITY}*GF/(cleavage_constant + GF)",
    f"a14: {PORE_UNITS} GN -> PO @ if(GN >= {PORE_UNITS}, alive*pore_assembly*GN/{PORE_UNITS}, 0)",
    "a15: PO -> @ alive*pore_repair*PO/(pore_repair_constant + PO)",
)

APOPTOSIS = (
    "a16: GF -> @ alive*gasdermin_inactivation*C3a*GF",
    "a17: C3i -> C3a @ alive*C3i*(apoptosis_initiation*D^3/(apoptosis_constant^3 + D^3)"
    " + if(C3a > feedback_threshold, caspase3_feedback*C3a, 0)"
    f" + caspase1_crosstalk*C1a*{_ACTIVITY})",
    "a18: -> GN @ alive*gsdme_rate*C3a",
    "a23: -> AP @ alive*apoptosis_rate*C3a^2/(apoptosis_caspase3^2 + C3a^2)",
)

_INTERLEUKIN = (
    "a19: -> IL @ alive*il1a_synthesis*(1 + D/(D + synthesis_constant))",
    "a20: IL -> @ il1a_loss*IL",
    "a21: IL -> IR @ alive*il1a_leak*PO*IL",
    Reaction(
        {},
        {"PY": 1},
        "alive*lysis_rate*PO^2/(lysis_pores^2 + PO^2)",
        effects={"IL": "0", "IR": "IR + IL"},
        name="a22",
    ),
    Reaction(
        {},
        {},
        "AP*secondary_necrosis_rate*secondary_necrosis_fraction",
        effects={"IL": "IL - floor(IL/2)", "IR": "IR + floor(IL/2)"},
        name="a24",
    ),
)

CELL_REACTIONS = (*DRUG_AND_DAMAGE, *_CYCLE, *PYROPTOSIS, *APOPTOSIS, *_INTERLEUKIN)


DATA = Path(__file__).parent / "parameters.toml"


@lru_cache(maxsize=1)
def cell_parameters() -> dict[str, dict[str, ModelParameter]]:
    """Return every number of the single-cell model with unit, range, tag and source.

    Returns
    -------
    dict
        Groups ``species`` (initial counts), ``parameters``, ``inputs.gemcitabine`` and ``inputs.caspase1_inhibitor``.

    Examples
    --------
    >>> entry = cell_parameters()["parameters"]["uptake_constant"]
    >>> entry.value, entry.unit, entry.tag
    (15.0, 'uM', 'from memory')
    """
    return read_parameters(DATA)


def cell(**overrides: Any) -> Network:
    """Build the fate model of one tumour cell under gemcitabine and a caspase-1 inhibitor.

    Gemcitabine in plasma (uM) becomes triphosphate T, which damages DNA (D) in S phase. Damage is repaired, stops
    the cycle, or leads to quiescence (Q), to an inflammasome speck (Z) and by caspase-1 and gasdermin pores to lysis
    (PY), or by caspase-3 to apoptosis (AP). IL-1alpha (IL) leaves through pores and at lysis (IR). Cells differ in
    uptake, pro-caspase-1, gasdermin D and IL-1alpha.

    Parameters
    ----------
    **overrides
        A parameter, an initial count or an input by name, in the unit of the parameter file: a number or a
        distribution. An input may be a disposition, which a schedule doses, or a constant concentration:
        ``cell(gemcitabine=0.5)`` is a culture in 0.5 uM, ``cell(caspase1_inhibitor=1e3)`` an inhibitor that saturates.

    Returns
    -------
    Network
        With the inputs ``gemcitabine`` and ``caspase1_inhibitor``, both without doses.

    Raises
    ------
    NetworkError
        If a name is none of the model's, or a value is not one a network takes.

    Notes
    -----
    Nearly all rate constants are assumptions: see :func:`cell_parameters`. The reactions are those of
    ``network.py``; nothing of the model is built into the simulator.

    Examples
    --------
    >>> net = cell(gsdme_rate=0.0)
    >>> net.parameters["gsdme_rate"], net.initial["C3i"], len(net.structure.reactions)
    (0.0, 100, 24)
    """
    groups = cell_parameters()
    known = (*groups["parameters"], *groups["species"], "gemcitabine", "caspase1_inhibitor")
    for name in overrides:
        if name not in known:
            raise NetworkError(f"the cell model has no '{name}'{closest(name, known)}")
    inputs = {"gemcitabine": gemcitabine(), "caspase1_inhibitor": caspase1_inhibitor()}
    return Network(
        species={name: overrides.get(name, entry.given()) for name, entry in groups["species"].items()},
        parameters={
            name: Parameter(overrides.get(name, entry.given()), entry.unit, entry.description)
            for name, entry in groups["parameters"].items()
        },
        reactions=CELL_REACTIONS,
        observables=_OBSERVABLES,
        inputs={name: overrides.get(name, disposition) for name, disposition in inputs.items()},
        name="single-cell fates",
    )


def gemcitabine() -> OneCompartment:
    """Describe gemcitabine in the plasma of a mouse after intraperitoneal injection, in uM per mg/kg.

    Examples
    --------
    >>> from jaxsim.dosing import Dose, area_under_curve
    >>> round(float(area_under_curve(gemcitabine(), Dose(20, "mg/kg"))), 1)  # uM h; measured: 27
    27.1
    """
    entry = cell_parameters()["inputs.gemcitabine"]
    return OneCompartment(
        elimination_rate=entry["clearance"].value / entry["volume"].value,
        volume=entry["volume"].value,
        absorption_rate=entry["absorption_rate"].value,
        bioavailability=entry["bioavailability"].value,
        dose_unit="mg/kg",
        concentration_unit="uM",
        molar_mass=entry["molar_mass"].value,
    )


def caspase1_inhibitor() -> OneCompartment:
    """Describe the caspase-1 inhibitor in a mouse, in nominal units per mg/kg.

    Examples
    --------
    >>> from jaxsim.dosing import Dose, concentration
    >>> round(float(concentration(caspase1_inhibitor(), Dose(50, "mg/kg"), [8.0])[0]), 2)
    0.17
    """
    entry = cell_parameters()["inputs.caspase1_inhibitor"]
    return OneCompartment(
        elimination_rate=entry["elimination_rate"].value,
        volume=entry["volume"].value,
        absorption_rate=entry["absorption_rate"].value,
        dose_unit="mg/kg",
    )
