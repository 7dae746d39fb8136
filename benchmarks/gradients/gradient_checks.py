"""What js.check_gradient says of right gradients, of planted errors, and of the bias of leaps.

Right gradients are those of random networks by exact scores (see random_networks.py): the check flags one component in
a thousand of them. The same are held beside their referees too small by 10 and by 30 %: each must be caught, or the
check must have declared that it would not see so much. The bias of leaps is that of immigration-death at half a
relaxation time.

    python -m benchmarks.gradients.gradient_checks --cases 200 --rows checks.jsonl

Every case is a line of a file, from which a run that was stopped goes on.
"""

import argparse
import json
from pathlib import Path

import numpy as np

import jaxsim as js
from benchmarks import record
from benchmarks.gradients import random_networks as small
from jaxsim.gradient.check import FEWEST, LIMIT, POWER

PLANTED = (0.1, 0.3)
BIASED = js.Network({"X": 0}, ["-> X, k", "X -> , 1"], {"k": 20.0})


def held(case, trajectories, seed):
    """Return what the check says of a right gradient, and of the same with planted errors."""
    free = list(small.SHAPES[case.shape].free)
    try:
        check = js.check_gradient(
            case.network, case.objective, free=free, schedule=case.plan, seed=seed, trajectories=trajectories,
            method="controlled_exact_score", end=small.END,
        )  # fmt: skip
    except js.JaxsimError as cause:
        return {"refused": str(cause)}
    error = check.smallest_error / POWER
    seen = check.parted >= FEWEST
    row = {"refused": "", "verdict": check.verdict, "z": check.z.tolist(), "seen": seen.tolist()}
    for share in PLANTED:
        z = ((1.0 - share) * check.found.vector - check.reference) / error
        row[f"caught {share}"] = ((np.abs(z) >= LIMIT) & seen).tolist()
        row[f"declared {share}"] = (~check.sees(share)).tolist()
    return row


def biased(seed):
    """Return the verdict on scores of leaps half a relaxation time long."""
    check = js.check_gradient(BIASED, js.mean("X", at=1.0), free=["k"], method="controlled_score", step=0.5,
                              trajectories=2048, pairs=8192, seed=seed)  # fmt: skip
    return check.verdict


def counted(rows):
    """Return how many components were flagged, caught and declared unseen."""
    taken = [row for row in rows if not row["refused"]]
    z, seen = (np.concatenate([row[name] for row in taken]) for name in ("z", "seen"))
    said = [row["verdict"] for row in taken]
    found = {
        "gradients": len(taken), "refused": [row["refused"] for row in rows if row["refused"]],
        "components": int(z.size), "of which an event was seen": int(seen.sum()),
        "flagged": int(np.sum((np.abs(z) >= LIMIT) & seen)), "stated level": 0.001,
        "standard deviation of z": round(float(np.std(z[seen.astype(bool)])), 3),
        "verdicts": {name: said.count(name) for name in ("agrees", "UNDECIDED", "DISAGREES")},
    }  # fmt: skip
    for share in PLANTED:
        caught, declared = (
            np.concatenate([row[f"{word} {share}"] for row in taken]) for word in ("caught", "declared")
        )
        found[f"planted {share}"] = {
            "caught": int(caught.sum()), "declared unseen": int((declared & ~caught).sum()),
            "missed": int((~caught & ~declared).sum()),
        }  # fmt: skip
    return found


def main(arguments=None):
    """Check random gradients and write the record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=200)
    parser.add_argument("--seed", type=int, default=21)
    parser.add_argument("--trajectories", type=int, default=4096)
    parser.add_argument("--rows", type=Path, default=Path("gradient_checks.jsonl"))
    parser.add_argument("--out", type=Path, default=record.default_path("gradient-checks"))
    options = parser.parse_args(arguments)
    rows = [json.loads(line) for line in options.rows.read_text().splitlines()] if options.rows.exists() else []
    for number, case in enumerate(small.cases(options.cases, options.seed)):
        if number >= len(rows):
            rows.append({"shape": f"{case.shape}, {case.kind}", **held(case, options.trajectories, number)})
            with options.rows.open("a") as file:
                file.write(json.dumps(rows[-1]) + "\n")
    verdicts = [biased(seed) for seed in range(20)]
    found = counted(rows) | {"bias of leaps caught": f"{verdicts.count('DISAGREES')} of {len(verdicts)}"}
    print(json.dumps(found, indent=1))
    said = {"kind": "checks of gradients", "seed": options.seed, "trajectories": options.trajectories}
    record.write(said | found | record.describe(), options.out)


if __name__ == "__main__":
    main()
