"""Seven species: tumour, dying cells, cytokine, marrow, blood and tumour neutrophils, T cells; chemo and a blockade.

Days. `copies` multiplies the cytokine and neutrophil counts without changing the mean of anything. `linear` takes the
saturation out of what the blockade moves, since the exact score asks for rates linear in functions of time.
"""

import jaxsim as js

END = 28.0


def network(copies=1.0, tumour=150, linear=False):
    decay, onset = 1 / 0.9, 12 + 1 / 0.9  # chemo acts as (1 - exp(-12 s)) exp(-s/0.9)
    signal = "I*(1 - block/(1 + block))/(30*copies)"
    called = signal if linear else f"({signal})/(1 + {signal})"
    return js.Network(
        {"T": tumour, "D": 0, "I": round(10 * copies), "P": round(60 * copies), "B": round(30 * copies),
         "N": round(6 * copies), "L": 10},
        [
            "-> T @ 0.18*T*(1 + 0.9*(N/(15*copies))/(1 + N/(15*copies)))*max(1 - T/4000, 0)",
            "T -> @ 0.08*T",
            "T -> D @ 2*chemo*T",
            "T -> D @ 2.5*L*T/(T + 40)/(1 + 2*N/(15*copies))",
            "D -> @ 0.8*D",
            "-> I @ copies*(3 + 4*D)",
            "I -> @ 1.5*I",
            f"B -> N @ 1.2*B*{called}",
            "N -> @ 0.45*N",
            "-> P @ 30*copies",
            "P -> B @ 0.45*P",
            "P -> @ 0.35*chemo*P",
            "B -> @ 0.5*B",
            "-> L @ 1.2 + 5*D/(20 + D)*(1 - 0.4*(block/(1 + block)))",
            "L -> @ 0.12*L",
        ],
        parameters={"copies": copies},
        inputs={
            "chemo": js.OneCompartment(decay, onset / (onset - decay), absorption_rate=onset),
            "block": js.OneCompartment(0.4, 1.0, absorption_rate=1.5),
        },
    )  # fmt: skip


def plan(start=7.0):
    return js.Schedule(chemo=js.Dose(1.0, at=[2.0, 9.0]), block=js.Dose(20.0, at=start))
