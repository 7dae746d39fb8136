"""The organism with G-CSF at its quasi-steady state, so that explicit steps need not follow its turnover of minutes.

G-CSF is cleared by the kidney and by neutrophils, whose uptake saturates: with production p, renal clearance k and the
clearance by neutrophils a at low levels, (k + a K/(K + G)) G = p: a quadratic equation, whose positive root is taken.
Its own noise, of 1e-3 at scale 1, is lost.
"""

from dataclasses import replace

from jaxsim.models.organism_reactions import PRODUCED
from jaxsim.network import Network, Parameter, names, parse, substitute

UPTAKE = "(gcsf_neutrophil*N/(neutrophils*scale)*(1 + gcsf_clearance_constant))"
SLOPE = f"(gcsf_renal*gcsf_clearance_constant + {UPTAKE} - {PRODUCED})"
ROOT = f"sqrt({SLOPE}^2 + 4*gcsf_renal*gcsf_clearance_constant*{PRODUCED})"
MADE = f"gcsf_clearance_constant*{PRODUCED}"
STEADY = f"({MADE}/(max({SLOPE}, 0) + 2*gcsf_renal*{MADE}/({ROOT} + abs({SLOPE}))))"  # relative to baseline


def quick_organism(network: Network) -> Network:
    """Return the organism without the species G, whose level is that of its quasi-steady state everywhere.

    Parameters
    ----------
    network
        From :func:`jaxsim.models.organism`.

    Examples
    --------
    >>> from jaxsim.models import organism
    >>> quick = quick_organism(organism())
    >>> "G" in quick.structure.species, len(quick.structure.reactions)
    (False, 65)
    """
    structure = network.structure
    state = {"G": parse(f"{STEADY}*gcsf_counts*scale")}
    shown = {name: substitute(value, state) for name, value in structure.observables}
    hidden = set(network.inputs)  # observables read the state alone
    return Network(
        {name: count for name, count in network.initial.items() if name != "G"},
        [
            replace(reaction, rate=substitute(reaction.rate, state))
            for reaction in structure.reactions
            if not reaction.changes.get("G", 0)
        ],
        {
            name: Parameter(value, network.units.get(name, ""), network.descriptions.get(name, ""))
            for name, value in network.parameters.items()
        },
        {name: value for name, value in shown.items() if not names(value) & hidden},
        dict(network.inputs),
        name=network.name,
    )
