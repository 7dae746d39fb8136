"""The reactions of the organism: tumour, IL-1alpha, marrow, blood, immune cells and what drugs do to them.

Numbers b1 to b46 are those of the reaction list; letters tell the channels of one number apart. b47 to b51 are the
courses of drugs inside cells and the progenitors of other lineages, b54 the divisions that the IL-1 signal adds to
mitotic precursors. Rates are full propensities, per hour. All counts are multiplied by `scale`, so a constant that is
compared with a count stands as ``constant*scale`` and a source as ``source*scale``: the rate equations divided by
`scale` are the same at every `scale`.
"""

DAMAGED = ("CS", "CR", "D1", "D2")  # what is alive of the tumour; Y and A are dying
QUANTA = 4  # of IL-1alpha in one tumour cell, so that secondary necrosis, a quarter of it, is one quantum

TUMOUR = f"({' + '.join(DAMAGED)})"
SUPPRESSION = "(TN/(suppression_constant*scale + TN))"  # by tumour neutrophils, 0 to 1
CROWDING = f"max(1 - {TUMOUR}/(capacity*scale), 0)"
EXPOSURE = "(ET + PT)"  # of the tumour, in counts: gemcitabine triphosphate and platinum adducts
MARROW_EXPOSURE = "(EM + adduct_marrow_weight*PT)"
TUMOUR_EFFECT = f"({EXPOSURE}/(damage_exposure*signal_counts*scale + {EXPOSURE}))"  # 0 to 1
MARROW_EFFECT = f"({MARROW_EXPOSURE}/(marrow_exposure*signal_counts*scale + {MARROW_EXPOSURE}))"
ACTIVITY = "(1/(1 + caspase1_inhibitor/inhibitor_constant))"  # residual caspase-1 activity, 0 to 1

PLASMA_FREE = "(1/(1 + anti_il1a/antibody_constant))"  # of IL-1alpha, quasi-equilibrium with the antibody
TUMOUR_FREE = "(1/(1 + antibody_penetration*anti_il1a/antibody_constant))"
PLASMA_BLOCK = "(1 + il1_receptor_antagonist/il1ra_constant)"  # competitive: so many times less acts
TUMOUR_BLOCK = "(1 + il1ra_penetration*il1_receptor_antagonist/il1ra_constant)"
PLASMA_IL1A = f"(IP*il1a_per_cell/({QUANTA}*il1a_volume*scale))"  # pg/mL, bound and free
TUMOUR_IL1A = f"(IT*il1a_per_cell/({QUANTA}*scale))"  # pg, bound and free

ACTING_IL1A = (  # on the marrow, pg/mL: from plasma, and from the tumour as if it were in plasma
    f"(direct_weight*{PLASMA_IL1A}*{PLASMA_FREE}/{PLASMA_BLOCK}"
    f" + relay_weight*relay_gain*{TUMOUR_IL1A}*{TUMOUR_FREE}/{TUMOUR_BLOCK})"
)

SIGNAL = "(B/(signal_counts*scale))"  # IL-1 signal in the marrow, 0 to 1
GCSF = "(G/(gcsf_counts*scale))"  # relative to baseline
FLUX = "(neutrophil_loss*neutrophils)"  # cells per hour through the tumour-free marrow
GMP = f"({FLUX}/({2**4}*gmp_exit))"  # tumour-free counts of GMP and HSPC, before `scale`
HSPC = f"((gmp_exit - gmp_division)*{GMP}/(8*myeloid_rate))"
HSPC_CAPACITY = f"({HSPC}/(1 - (myeloid_rate + lymphoid_rate)/hspc_division))"

KILL = (
    f"kill_rate/scale*E/(1 + E/(kill_saturation*scale))*(1 - kill_protection*{SUPPRESSION})"
    f"/(1 + {TUMOUR}/(kill_dilution*scale))"
)
TRANSIT = f"{GCSF}^transit_feedback"
EXCESS = f"max({GCSF} - 1, 0)"
RELEASE = (  # the root below baseline, saturating above it; without a condition, so that paths have a derivative
    f"(sqrt(min({GCSF}, 1)) + release_gain*{EXCESS}/(release_gain + {EXCESS}))*(1 + {SIGNAL})*release_rate*R"
)
ANTIGEN = f"(A + lytic_antigen*Y + living_antigen*{TUMOUR})"

DRUGS = (
    "b47a: -> ET @ signal_counts*scale*uptake_rate*hill(gemcitabine, uptake_constant, 1)",
    "b47b: ET -> @ triphosphate_loss*ET",
    "b48a: -> EM @ signal_counts*scale*uptake_rate*hill(gemcitabine, uptake_constant, 1)",
    "b48b: EM -> @ marrow_triphosphate_loss*EM",
    "b49a: -> PT @ signal_counts*scale*adduct_rate*cisplatin",
    "b49b: PT -> @ adduct_loss*PT",
)

GROWTH = (
    f"b1: CS -> 2 CS @ growth_rate*{CROWDING}*(1 + growth_gain*{SUPPRESSION})*CS",
    f"b2: CR -> 2 CR @ tolerant_growth_rate*{CROWDING}*(1 + growth_gain*{SUPPRESSION})*CR",
    "b3: CS -> CR @ tolerance_rate*CS",
    "b4: CR -> CS @ tolerance_loss*CR",
)


def damage(tolerant_fraction: str) -> tuple[str, ...]:
    """Return drug damage and what follows; `tolerant_fraction` of the cells that recover are tolerant.

    Examples
    --------
    >>> damage("tolerant_fraction")[0].partition(" @ ")[0]
    'b5: CS -> D1'
    """
    recovered = "decision_rate*(1 - pyroptotic_fraction - apoptotic_fraction)*D2"
    return (
        f"b5: CS -> D1 @ damage_rate*{TUMOUR_EFFECT}*CS",
        f"b6: CR -> D1 @ tolerant_damage*damage_rate*{TUMOUR_EFFECT}*CR",
        "b7: D1 -> D2 @ decision_rate*D1",
        f"b8: D2 -> Y @ decision_rate*pyroptotic_fraction*(gsdme_fraction + (1 - gsdme_fraction)*{ACTIVITY})*D2",
        "b9: D2 -> A @ decision_rate*(apoptotic_fraction"
        f" + pyroptotic_fraction*(1 - gsdme_fraction)*(1 - {ACTIVITY}))*D2",
        f"b10: D2 -> CS @ (1 - {tolerant_fraction})*{recovered}",
        f"b11: D2 -> CR @ {tolerant_fraction}*{recovered}",
        f"b12: Y -> {QUANTA} IT @ lysis_rate*Y",
        "b13: A -> @ clearance_rate*A",
        "b14: A -> IT @ secondary_necrosis_rate*A",
        *(f"b{n}: {cells} -> A @ {KILL}*{cells}" for n, cells in zip((15, 16, "17a", "17b"), DAMAGED, strict=True)),
    )


INTERLEUKIN = (
    f"b18: -> IT @ il1a_basal*{QUANTA}/il1a_per_cell*{TUMOUR}",
    "b19: IT -> @ il1a_tumour_loss*IT",
    f"b20a: IT -> IP @ il1a_escape_rate*il1a_escape_fraction*{TUMOUR_FREE}*IT",
    f"b20b: IT -> @ il1a_escape_rate*(1 - il1a_escape_fraction*{TUMOUR_FREE})*IT",
    "b21: IP -> @ il1a_elimination*IP",
    f"b22: -> B @ il1_rise_rate*signal_counts*scale*hill({ACTING_IL1A}, il1_constant, 1)*max(1 - {SIGNAL}, 0)",
    "b23: B -> @ il1_signal_rate*B",
)

MARROW = (
    f"b24: -> G @ (gcsf_renal + gcsf_neutrophil)*(1 + gcsf_gain*{SIGNAL})*gcsf_counts*scale",
    "b25: G -> @ (gcsf_renal + gcsf_neutrophil*N/(neutrophils*scale))*G",
    f"b26: H -> 2 H @ hspc_division*(1 + hspc_gain*{SIGNAL})*max(1 - H/({HSPC_CAPACITY}*scale), 0)*H",
    f"b27: H -> 8 P @ myeloid_rate*(1 + myeloid_gain*{SIGNAL})*H",
    f"b28: H -> @ lymphoid_rate/(1 + lymphoid_brake*{SIGNAL})*H",
    f"b29: P -> 2 P @ gmp_division*(1 + gmp_gain*{SIGNAL})*{GCSF}^gmp_feedback*2/(1 + P/({GMP}*scale))*P",
    f"b30: P -> 2 M1 @ gmp_exit*{TRANSIT}*P",
    *(f"b{30 + i}: M{i} -> 2 M{i + 1} @ mitotic_rate*{TRANSIT}*M{i}" for i in (1, 2, 3)),
    *(
        f"b54{letter}: M{i} -> 2 M{i} @ mitotic_rate*mitotic_gain*{SIGNAL}*M{i}"
        for i, letter in ((1, "a"), (2, "b"), (3, "c"))
    ),
    f"b34: M4 -> M5 @ mitotic_rate*{TRANSIT}*M4",
    f"b35: M5 -> R @ maturation_rate*{TRANSIT}*M5",
    f"b36: R -> N @ {RELEASE}",
    *(
        f"b40{letter}: {cells} -> @ marrow_kill_rate*{weight}*{MARROW_EFFECT}*{cells}"
        for letter, cells, weight in (
            ("a", "H", "hspc_sensitivity"),
            ("b", "P", "gmp_sensitivity"),
            ("c", "M1", "mitotic_sensitivity"),
            ("d", "M2", "mitotic_sensitivity"),
            ("e", "M3", "mitotic_sensitivity"),
            ("f", "M4", "late_sensitivity"),
        )
    ),
    f"b50: -> O @ other_turnover*other_progenitors*H/{HSPC}/(1 + lymphoid_brake*{SIGNAL})",
    "b51a: O -> @ other_turnover*O",
    f"b51b: O -> @ marrow_kill_rate*other_sensitivity*{MARROW_EFFECT}*O",
)

IMMUNE = (
    "b37: N -> @ neutrophil_loss*N",
    f"b38: N -> TN @ recruitment_rate*(recruitment_basal + "
    f"hill({TUMOUR_IL1A}*{TUMOUR_FREE}/{TUMOUR_BLOCK}, recruitment_constant, 1))"
    f"*{TUMOUR}/(recruitment_size*scale + {TUMOUR})*N",
    "b39: TN -> @ tumour_neutrophil_loss*TN",
    f"b41a: TN -> @ tumour_neutrophil_kill*{TUMOUR_EFFECT}*TN",
    f"b41b: L -> @ lymphocyte_kill*{MARROW_EFFECT}*L",
    f"b41c: E -> @ effector_kill*{TUMOUR_EFFECT}*E",
    f"b42: -> L @ lymphocyte_turnover*lymphocytes*H/{HSPC}/(1 + lymphoid_brake*{SIGNAL})",
    "b43: L -> @ lymphocyte_turnover*L",
    f"b44: -> E @ effector_source*L/lymphocytes*(1 - effector_suppression*{SUPPRESSION})",
    f"b45: E -> 2 E @ effector_division*{ANTIGEN}/(antigen_constant*scale + {ANTIGEN})"
    f"*(1 - effector_suppression*{SUPPRESSION})*E",
    "b46: E -> @ effector_loss*(1 + E/(effector_crowding*scale))*E",
)

FIBROBLASTS = (  # the local arm: not blocked by the antibody, but by the inhibitor, as it follows lysis
    "b52: -> FI @ fibroblast_activation*Y/(fibroblast_lysis*scale + Y)*max(fibroblasts*scale - FI, 0)",
    "b53: FI -> @ fibroblast_reversion*FI",
)
SHELTERED = "(tolerant_fraction + (1 - tolerant_fraction)*fibroblast_shelter*FI/(fibroblasts*scale))"


def reactions(local_arm: bool) -> tuple[str, ...]:
    """Return all reactions, with the fibroblasts of the local arm or without.

    Examples
    --------
    >>> len(reactions(False)), len(reactions(True))
    (67, 69)
    """
    shared = (*DRUGS, *GROWTH, *damage(SHELTERED if local_arm else "tolerant_fraction"))
    return (*shared, *INTERLEUKIN, *MARROW, *IMMUNE, *(FIBROBLASTS if local_arm else ()))


OBSERVABLES = {
    "tumour": TUMOUR,
    "log10_tumour": f"log10(max({TUMOUR}/scale, 1))",  # of cells; 0 where none is left
    "resistant_fraction": f"CR/max({TUMOUR}, 1)",
    "il1a_plasma": PLASMA_IL1A,  # pg/mL, bound and free
    "il1a_tumour": TUMOUR_IL1A,  # pg
    "il1_signal": SIGNAL,
    "gcsf": GCSF,
    "gmp_relative": f"P/({GMP}*scale)",
    "gmp_frequency": "P/max(H + P + O, 1)",
    "marrow_relative": f"(H + P + O + M1 + M2 + M3 + M4 + M5 + R)/(scale*({FLUX}*"
    f"(1/(16*gmp_exit)*(1 + (gmp_exit - gmp_division)/(8*myeloid_rate)) + 15/(8*mitotic_rate) + 1/maturation_rate"
    " + 1/release_rate) + other_progenitors))",
    "neutrophils_relative": "N/(neutrophils*scale)",
    "lymphocytes_relative": "L/(lymphocytes*scale)",
    "nlr": "N/max(L, 1)",
}
