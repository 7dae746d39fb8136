"""Friberg 2002 myelosuppression after docetaxel, with the published parameters: a yardstick for marrow models."""

import numpy as np

from jaxsim.dosing import Dose, OneCompartment, Schedule
from jaxsim.network import Network

BASELINE, TRANSIT, FEEDBACK, SLOPE = 5.05, 88.7, 0.161, 8.58  # 1e9 cells/L, h, 1, 1/uM
CL, V1, Q2, V2, Q3, V3 = 38.48, 7.4, 7.844, 5.19, 9.324, 111.0  # L/h and L
EXCHANGE = np.array([[-(CL + Q2 + Q3) / V1, Q2 / V1, Q3 / V1], [Q2 / V2, -Q2 / V2, 0], [Q3 / V3, 0, -Q3 / V3]])
PER_UNIT = 1e8  # a count of 1 is 1e-8 of 1e9 cells/L
BODY = 1.75  # m2
MOLAR_MASS = 807.9  # g/mol


def friberg() -> Network:
    """Build the marrow of Friberg 2002: proliferating cells P, three transit stages, neutrophils N.

    The three exponentials of docetaxel in plasma (uM) are three inputs, whose sum is the concentration.

    References
    ----------
    Friberg et al., J. Clin. Oncol. 20 (2002) 4713: baseline 5.05e9/L, mean transit time 88.7 h, feedback exponent
    0.161, linear effect of 8.58 per uM. Docetaxel: the three-compartment disposition of the haematotoxicity example of
    PKPDsim (CL 38.48 L/h, V 7.4 L, Q2 7.844, V2 5.19, Q3 9.324, V3 111).

    Examples
    --------
    >>> friberg().structure.species
    ('P', 'T1', 'T2', 'T3', 'N')
    """
    stages = ("P", "T1", "T2", "T3", "N")
    drug, back = "slope*(c0 + c1 + c2)", "(base/N)^gamma"
    return Network(
        dict.fromkeys(stages, round(BASELINE * PER_UNIT)),
        [
            *(f"P -> 2 P @ k*P*{back}", f"P -> @ k*P*{back}*{drug}"),
            *("P -> T1, k", "T1 -> T2, k", "T2 -> T3, k", "T3 -> N, k", "N -> , k"),
        ],
        {"k": 4 / TRANSIT, "base": BASELINE * PER_UNIT, "gamma": FEEDBACK, "slope": SLOPE},
        inputs=_docetaxel(),
    )


def docetaxel_schedule(dose: float | int = 100.0) -> Schedule:
    """Return one infusion of docetaxel over an hour, in mg/m2, to a patient of 1.75 m2.

    Examples
    --------
    >>> sorted(docetaxel_schedule().names)
    ['c0', 'c1', 'c2']
    """
    amount = dose * BODY * 1000 / MOLAR_MASS  # umol
    return Schedule(**{name: Dose(amount, at=0.0, duration=1.0) for name in ("c0", "c1", "c2")})


def _docetaxel() -> dict[str, OneCompartment]:
    rates, modes = np.linalg.eig(EXCHANGE)
    sizes = modes[0] * np.linalg.solve(modes, [1 / V1, 0, 0])
    return {
        f"c{i}": OneCompartment(elimination_rate=-float(rate), volume=1 / float(size))
        for i, (rate, size) in enumerate(zip(rates, sizes, strict=True))
    }
