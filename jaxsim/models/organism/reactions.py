"""The reactions of the organism: tumour, IL-1alpha, marrow, blood, immune cells and what drugs do to them.

Letters of a reaction's name say where it belongs: g growth, d damage and death, k killing by CD8 cells, i IL-1alpha and
its signals, c G-CSF (colony-stimulating factor), h HSPC, p GMP, o progenitors of other lineages, m mitotic precursors,
n neutrophils, l lymphocytes, e CD8 effectors, x gemcitabine triphosphate. Rates are full propensities, per hour. All
counts are multiplied by `scale`, so a constant that is compared with a count stands as ``constant*scale`` and a source
as ``source*scale``: the rate equations divided by `scale` are the same at every `scale`.
"""

LIVING = ("S", "T", "D1", "D2")  # what is alive of the tumour; Y and A are dying
KILODALTONS = 17.5  # of IL-1alpha: pg/mL over 1,000 times this are nM
_FEW = "1e5"  # tumour cells: where far fewer are left, a single neutrophil is not yet a dense infiltrate

# Counts as what they stand for.
_CELLS = f"(({' + '.join(LIVING)})/scale)"  # living tumour cells
NEUTROPHILS = "(TN/scale)"  # of the tumour
IL1A_TUMOUR = "(IT*il1a_per_cell/scale)"  # pg, free and bound
IL1A_PLASMA = "(IP*il1a_per_cell/(il1a_volume*scale))"  # pg/mL, free and bound
SIGNAL, _CYCLE, PU1, TRIPHOSPHATE = (f"({name}/(signal_counts*scale))" for name in ("B", "W", "Z", "X"))
GCSF = "(G/(gcsf_counts*scale))"  # relative to baseline
QUIESCENT, _ACTIVE = "(HQ/(quiescent_hspc*scale))", "(HA/(active_hspc*scale))"  # relative to baseline
HSPC = "((HQ + HA)/((quiescent_hspc + active_hspc)*scale))"

# The animal without tumour.
FLUX = "(neutrophil_loss*neutrophils)"  # neutrophils per hour through marrow and blood
_GMP = f"({FLUX}/(16*gmp_exit))"
MYELOID = f"((gmp_exit - gmp_division)*{_GMP}/(8*active_hspc))"  # rate at which active HSPC become GMP
HSPC_LOSS = f"(({MYELOID} + lymphoid_rate)/hspc_division)"  # of active HSPC, of the rate at which they may divide

# Drugs.
TUMOUR_EFFECT = f"({TRIPHOSPHATE}/(damage_exposure + {TRIPHOSPHATE}))"  # 0 to 1
MARROW_EFFECT = f"({TRIPHOSPHATE}/(marrow_exposure + {TRIPHOSPHATE}))"
DAMAGE = f"(damage_rate*{TUMOUR_EFFECT} + cisplatin_damage*cisplatin)"
GEMCITABINE_KILL = f"marrow_kill_rate*{MARROW_EFFECT}"  # of marrow cells in cycle, per hour; so is the next
OTHER_KILL = "fluorouracil_kill*fluorouracil + cyclophosphamide_kill*cyclophosphamide + cisplatin_kill*cisplatin"
CYCLE_KILL = f"({GEMCITABINE_KILL} + {OTHER_KILL})"
_ACTIVITY = "(1/(1 + caspase1_inhibitor/inhibitor_constant))"  # residual caspase-1 activity, 0 to 1


def free_share(il1a: str, antibody: str) -> str:
    """Return the free share of IL-1alpha beside an antibody, both as total concentrations in nM.

    Binding is in its quasi-steady state, a quadratic equation. Its root is written as a sum of positive terms, so that
    no excess of either side, and no absence, costs digits.

    Examples
    --------
    >>> from jaxsim.network import evaluate, parse
    >>> law = parse(free_share("il1a", "antibody"))
    >>> [round(float(evaluate(law, {"antibody_constant": 0.1, "il1a": 5.0, "antibody": nM})), 3) for nM in (0, 5, 50)]
    [1.0, 0.132, 0.002]
    """
    excess = f"({antibody} - {il1a} + antibody_constant)"
    root = f"(sqrt({excess}^2 + 4*antibody_constant*{il1a}) + abs({excess}))"
    return f"(antibody_constant/(max({excess}, 0) + 2*antibody_constant*{il1a}/{root}))"


PLASMA_FREE = free_share(f"({IL1A_PLASMA}/{1e3 * KILODALTONS})", "anti_il1a")
TUMOUR_FREE = free_share(
    f"({IL1A_TUMOUR}/(tumour_fluid_volume*{1e3 * KILODALTONS}))", "(antibody_penetration*anti_il1a)"
)
PLASMA_OCCUPIED = (  # share of full effect in marrow and body
    f"hill({IL1A_PLASMA}*{PLASMA_FREE}/(1 + il1_receptor_antagonist/il1ra_constant), il1_constant, 1)"
)
TUMOUR_OCCUPIED = (
    f"hill({IL1A_TUMOUR}*{TUMOUR_FREE}/(1 + il1ra_penetration*il1_receptor_antagonist/il1ra_constant),"
    " stroma_constant, 1)"
)

# Tumour.
HARM = f"({NEUTROPHILS}/({NEUTROPHILS} + harm_density*({_CELLS} + {_FEW})))"  # done by tumour neutrophils, 0 to 1
GROWTH = f"(growth_rate*log(plateau/max(min({_CELLS}, plateau), 1)))"  # Gompertz
KILL = f"(kill_rate*E/scale*(1 - kill_protection*{HARM}))"
# Shares; in a virtual animal the parameters may exceed 1.
RECOVERED = f"(recovery_fraction + (1 - recovery_fraction)*min(neutrophil_recovery*{HARM}, 1))"
LYTIC = f"(min(pyroptotic_fraction, 1)*(gsdme_fraction + (1 - gsdme_fraction)*{_ACTIVITY}))"

# Marrow.
_LEVEL = f"((1 + gcsf_saturation)*hill({GCSF}, gcsf_saturation, 1))"  # G-CSF as cells respond to it
EXCESS = f"max({_LEVEL} - 1, 0)"
_TRANSIT = f"{_LEVEL}^transit_feedback"
CYCLE_ADAPTED = f"({_CYCLE}/(1 + pu1_adaptation*{PU1}))"
BRAKE = f"(1 + (pu1_brake*{PU1})^2)"  # of PU.1 on HSPC that cycle
ACTIVATION = f"((1 + activation_gain*{_CYCLE})/{BRAKE} + depletion_activation*max(1 - {_ACTIVE}, 0))"
MITOTIC_ROOM = f"max(1 - (M1 + M2)*mitotic_rate/(mitotic_capacity*{FLUX}*scale), 0)"
EXTRA = f"(min(mitotic_gain*{CYCLE_ADAPTED}, mitotic_gain_limit)*{MITOTIC_ROOM})"  # divisions beside a transit
RELEASE = f"(sqrt(min({_LEVEL}, 1))*(1 + release_gain*{EXCESS}/(release_constant + {EXCESS})))"
GMP_ROOM = f"(max(1 - P/(gmp_capacity*{_GMP}*scale), 0)/(1 - 1/gmp_capacity))"
HSPC_ROOM = f"max(1 - {HSPC}*(1 - {HSPC_LOSS}), 0)"  # without a division by a difference, for single precision
NICHE_ROOM = f"(max(niche_size - {QUIESCENT}, 0)/(niche_size - 1))"
LYMPHOID = f"(1 + lymphoid_brake*{PU1})"

PRODUCED = (  # G-CSF, baselines per hour: body, tumour stroma, injected
    f"((gcsf_renal + gcsf_neutrophil)*(1 + body_gcsf_gain*{PLASMA_OCCUPIED}"
    f" + tumour_gcsf_gain*{TUMOUR_OCCUPIED}*{_CELLS}/(stroma_size + {_CELLS})) + gcsf)"
)

TUMOUR_REACTIONS = (
    f"g1: S -> 2 S @ {GROWTH}*S",
    f"g2: T -> 2 T @ tolerant_growth*{GROWTH}*T",
    "g3: T -> S @ tolerance_loss*T",
    f"d1: S -> D1 @ {DAMAGE}*S",
    f"d2: T -> D1 @ tolerant_damage*{DAMAGE}*T",
    "d3: D1 -> D2 @ decision_rate*D1",
    f"d4: D2 -> S @ decision_rate*{RECOVERED}*(1 - tolerant_fraction)*D2",
    f"d5: D2 -> T @ decision_rate*{RECOVERED}*tolerant_fraction*D2",
    f"d6: D2 -> Y @ decision_rate*(1 - {RECOVERED})*{LYTIC}*D2",
    f"d7: D2 -> A @ decision_rate*(1 - {RECOVERED})*(1 - {LYTIC})*D2",
    "d8: Y -> IT @ lysis_rate*Y",
    "d9: A -> @ clearance_rate*A",
    "d10: A -> IT @ secondary_necrosis_rate*A",
    *(f"k{n}: {cells} -> A @ {KILL}*{cells}" for n, cells in enumerate(LIVING, 1)),
)

_INTERLEUKIN = (
    f"i1: -> IT @ il1a_basal/il1a_per_cell*{_CELLS}*scale",
    f"i2: IT -> @ il1a_tumour_loss*{TUMOUR_FREE}*IT",
    f"i3: IT -> IP @ (il1a_escape_rate*{TUMOUR_FREE} + complex_drainage*(1 - {TUMOUR_FREE}))*IT",
    f"i4: IP -> @ (il1a_elimination*{PLASMA_FREE} + complex_loss*(1 - {PLASMA_FREE}))*IP",
    "i5: -> IP @ il1a/il1a_per_cell*scale",
    f"i6: -> B @ il1_signal_rate*{PLASMA_OCCUPIED}*signal_counts*scale",
    "i7: B -> @ il1_signal_rate*B",
    "i8: -> W @ cycle_entry_rate*B",
    "i8b: W -> @ cycle_entry_rate*W",
    "i8c: -> Z @ pu1_rate*W",
    "i9: Z -> @ pu1_rate*Z",
    f"c1: -> G @ {PRODUCED}*gcsf_counts*scale",
    "c2: G -> @ (gcsf_renal + gcsf_neutrophil*N/(neutrophils*scale)*(1 + gcsf_clearance_constant)"
    f"/(gcsf_clearance_constant + {GCSF}))*G",
)

_MARROW = (
    f"h1: HQ -> HA @ activation_rate*{ACTIVATION}*HQ",
    f"h2: HA -> HQ @ activation_rate*quiescent_hspc/active_hspc*{BRAKE}*{NICHE_ROOM}*HA",
    f"h3: HA -> 2 HA @ hspc_division*(1 + hspc_gain*{PU1})*{HSPC_ROOM}*HA",
    f"h4: HA -> 8 P @ {MYELOID}*(1 + myeloid_gain*{PU1})*HA",
    f"h5: HA -> @ lymphoid_rate/{LYMPHOID}*HA",
    "h6: HQ -> @ (cyclophosphamide_hspc_kill*cyclophosphamide + cisplatin_hspc_share*cisplatin_kill*cisplatin)*HQ",
    f"h7: HA -> @ (hspc_sensitivity*{GEMCITABINE_KILL} + {OTHER_KILL})*HA",
    f"p1: P -> 2 P @ gmp_division*(1 + gmp_gain*{CYCLE_ADAPTED})*{_LEVEL}^gmp_feedback*{GMP_ROOM}*P",
    "p2: P -> 2 M1 @ gmp_exit*P",
    f"p3: P -> @ {CYCLE_KILL}*P",
    f"o1: -> O @ other_turnover*other_progenitors*scale*{_ACTIVE}/{LYMPHOID}",
    "o2: O -> @ other_turnover*O",
    f"o3: O -> @ {CYCLE_KILL}*O",
    f"m1: M1 -> 2 M2 @ mitotic_rate*{_TRANSIT}*M1",
    f"m2: M2 -> 2 M3 @ mitotic_rate*{_TRANSIT}*M2",
    f"m3: M3 -> 2 Q @ mitotic_rate*{_TRANSIT}*M3",
    f"m4: M1 -> 2 M1 @ mitotic_rate*{_TRANSIT}*{EXTRA}*M1",
    f"m5: M2 -> 2 M2 @ mitotic_rate*{_TRANSIT}*{EXTRA}*M2",
    f"m6: M1 -> @ {CYCLE_KILL}*M1",
    f"m7: M2 -> @ {CYCLE_KILL}*M2",
    f"m8: M3 -> @ late_sensitivity*{CYCLE_KILL}*M3",
    f"n1: Q -> R @ maturation_rate*{_TRANSIT}*Q",
    f"n2: R -> N @ release_rate*{RELEASE}*R",
)

IMMUNE = (
    "n3: N -> @ neutrophil_loss*N",
    f"n4: N -> TN @ recruitment_rate*(recruitment_basal + recruitment_gain*{TUMOUR_OCCUPIED})"
    f"*{_CELLS}/(recruitment_size + {_CELLS})*N",
    "n5: TN -> @ tumour_neutrophil_loss*TN",
    f"n6: TN -> @ tumour_neutrophil_kill*{TUMOUR_EFFECT}*TN",
    f"l1: -> L @ lymphocyte_turnover*lymphocytes*scale*(0.5 + 0.5*{HSPC})/{LYMPHOID}",
    "l2: L -> @ lymphocyte_turnover*L",
    f"l3: L -> @ (lymphocyte_kill*{MARROW_EFFECT} + cyclophosphamide_lymphocyte_kill*cyclophosphamide"
    " + fluorouracil_lymphocyte_kill*fluorouracil)*L",
    "e1: -> E @ effector_source*L/lymphocytes",
    f"e2: E -> 2 E @ effector_division*(1 - effector_suppression*{HARM})*{_CELLS}/(effector_antigen + {_CELLS})*E",
    f"e3: E -> @ (effector_loss + effector_inactivation*{_CELLS})*E",
    f"e4: E -> @ effector_kill*{TUMOUR_EFFECT}*E",
    "e5: E -> @ effector_depletion*hill(anti_cd8, depletion_constant, 1)*E",
)

DRUGS = (
    "x1: -> X @ signal_counts*scale*uptake_rate*hill(gemcitabine, uptake_constant, 1)",
    "x2: X -> @ triphosphate_loss*X",
)

REACTIONS = (*TUMOUR_REACTIONS, *_INTERLEUKIN, *_MARROW, *IMMUNE, *DRUGS)

MARROW_CELLS = f"({_GMP}*(1 + 2*gmp_exit/mitotic_rate*(1 + 2 + 4) + 16*gmp_exit*(1/maturation_rate + 1/release_rate))"
BASELINE_MARROW = f"({MARROW_CELLS} + quiescent_hspc + active_hspc + other_progenitors))"
CIRCULATING = "(circulating_fraction*N)"
FREE = {"il1a_plasma_free": f"{IL1A_PLASMA}*{PLASMA_FREE}", "il1a_tumour_free": f"{IL1A_TUMOUR}*{TUMOUR_FREE}"}
OBSERVABLES = {
    "tumour": f"({' + '.join(LIVING)})",
    "log10_tumour": f"log10(max({_CELLS}, 1))",  # of cells; 0 where none is left
    "tolerant_share": "T/max(S + T, 1)",
    "il1a_plasma": IL1A_PLASMA,
    "il1a_tumour": IL1A_TUMOUR,
    "il1_signal": SIGNAL,
    "pu1": PU1,
    "gcsf_relative": GCSF,
    "hspc_relative": HSPC,
    "gmp_relative": f"P/({_GMP}*scale)",
    "gmp_frequency": "P/max(HQ + HA + P + O, 1)",
    "gmp_frequency_marrow": "P/max(HQ + HA + P + O + M1 + M2 + M3 + Q + R, 1)",
    "marrow_relative": f"(HQ + HA + P + O + M1 + M2 + M3 + Q + R)/(scale*{BASELINE_MARROW})",
    "reserve_relative": f"R*release_rate/({FLUX}*scale)",
    "neutrophils_relative": "N/(neutrophils*scale)",
    "lymphocytes_relative": "L/(lymphocytes*scale)",
    "nlr": f"{CIRCULATING}/max(L, 1)",
    "white_cells_relative": f"({CIRCULATING} + L)/((circulating_fraction*neutrophils + lymphocytes)*scale)",
    "neutrophils_per_tumour_cell": f"TN/max({' + '.join(LIVING)}, 1)",
    "harm": HARM,
}
