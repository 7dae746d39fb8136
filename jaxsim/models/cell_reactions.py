"""The reactions of the single-cell fate model: gemcitabine, damage, two ways to die, and IL-1alpha.

Numbers a1 to a24 are the names of the reactions. Rates are full propensities, per hour. A cell that has died
(AP or PY is 1) does nothing more that counts: `alive` is then 0.
"""

from jaxsim.network import Reaction

ACTIVITY = "(1/(1 + caspase1_inhibitor/inhibitor_constant))"  # residual caspase-1 activity, 0 to 1
CHECKPOINT = "(1/(1 + (D/checkpoint_constant)^2))"  # what damage leaves of the rates of the cycle, 0 to 1
PORE_UNITS = 16  # N-terminal gasdermin units in a pore

FATES = {  # every cell is in one of them
    "cycling": "alive*(1 - Q)*if(D < checkpoint_constant, 1, 0)",
    "arrested": "alive*(1 - Q)*if(D < checkpoint_constant, 0, 1)",
    "tolerant": "alive*Q",
    "apoptotic": "AP",
    "pyroptotic": "PY",
}

OBSERVABLES = {
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

CYCLE = (
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
    f"a13: GF -> GN @ alive*gasdermin_cleavage*C1a*{ACTIVITY}*GF/(cleavage_constant + GF)",
    f"a14: {PORE_UNITS} GN -> PO @ if(GN >= {PORE_UNITS}, alive*pore_assembly*GN/{PORE_UNITS}, 0)",
    "a15: PO -> @ alive*pore_repair*PO/(pore_repair_constant + PO)",
)

APOPTOSIS = (
    "a16: GF -> @ alive*gasdermin_inactivation*C3a*GF",
    "a17: C3i -> C3a @ alive*C3i*(apoptosis_initiation*D^3/(apoptosis_constant^3 + D^3)"
    " + if(C3a > feedback_threshold, caspase3_feedback*C3a, 0)"
    f" + caspase1_crosstalk*C1a*{ACTIVITY})",
    "a18: -> GN @ alive*gsdme_rate*C3a",
    "a23: -> AP @ alive*apoptosis_rate*C3a^2/(apoptosis_caspase3^2 + C3a^2)",
)

INTERLEUKIN = (
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

REACTIONS = (*DRUG_AND_DAMAGE, *CYCLE, *PYROPTOSIS, *APOPTOSIS, *INTERLEUKIN)
