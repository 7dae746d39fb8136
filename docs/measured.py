"""Write the tables of the page "How we measured" from the JSON records of ``benchmarks/results``."""

import json
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
RESULTS = REPOSITORY / "benchmarks" / "results"
SIMULATORS = ("1-core", "1-core-avx512", "1-core-repeat", "1-core-networks")
VERDICTS = {True: "yes", False: "**no**", None: "shown alone"}


def tables() -> dict[str, str]:
    """Return the text of each part of the page by name."""
    parts = {f"simulators-{name}": simulators(newest(name), name == "1-core-networks") for name in SIMULATORS}
    parts["gradient-peers"] = peers(newest("gradient-peers"))
    parts["gradients"] = acceptance(newest("gradients"))
    parts["optimisation"] = acceptance(newest("optimisation"))
    parts["poisson"] = poisson(newest("poisson"))
    parts["random-networks"] = random_networks(newest("random-networks"))
    parts["cores"] = cores(newest("cores"))
    return parts


def newest(name: str) -> Path:
    """Return the newest record of this name: their names begin with the date."""
    return sorted(path for path in RESULTS.glob("*.json") if path.stem[11:] == name)[-1]


def read(path: Path) -> dict:
    """Return a record."""
    return json.loads(path.read_text())


def source(path: Path) -> str:
    """Return the sentence that names a record."""
    record = read(path)
    commit = f", commit {record['commit'][:10]}" if "commit" in record else ""
    return f"\nRecord: `benchmarks/results/{path.name}`{commit}.\n"


def simulators(path: Path, by_processor: bool) -> str:
    """Return the table of one run of ``benchmarks/speed/run.py``."""
    sys.path.insert(0, str(REPOSITORY))
    try:
        from benchmarks.speed.table import table
    finally:
        sys.path.pop(0)
    return table(read(path), path.name, "cpu" if by_processor else "wall") + "\n"


def peers(path: Path) -> str:
    """Return the table of estimators beside those of stochastix."""
    record = read(path)
    lines = [
        "| estimator | bias in births, deaths | z | deviation per trajectory | µs per trajectory |",
        "|---|---|---|---|---:|",
    ]
    for row in record["rows"]:
        relative = [bias / truth for bias, truth in zip(row["bias"], record["truth"], strict=True)]
        cells = (each(relative, "+.1%"), each(row["z"], "+.1f"), each(row["deviation"], ".2g"))
        lines.append(f"| {row['name']} | {' | '.join(cells)} | {row['microseconds']:.2g} |")
    return "\n".join(lines) + "\n" + source(path)


def acceptance(path: Path) -> str:
    """Return the rows of an acceptance table, with number and verdict."""
    rows = ["| what | measured | required | holds |", "|---|---|---|---|"]
    for line in (line for row in read(path)["rows"].values() for line in row["lines"]):
        cells = (safe(line["what"]), number(line["number"]), safe(line["limit"]), VERDICTS[line["passes"]])
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows) + "\n" + source(path)


def poisson(path: Path) -> str:
    """Return the table of the Poisson sampler beside that of JAX."""
    lines = ["| mean | inversion, ns | `jax.random.poisson`, ns | ratio |", "|---|---:|---:|---:|"]
    for mean, row in read(path)["nanoseconds"].items():
        lines.append(f"| {mean} | {row['inversion']:.1f} | {row['jax.random.poisson']:.0f} | {row['ratio']:.0f} |")
    return "\n".join(lines) + "\n" + source(path)


def random_networks(path: Path) -> str:
    """Return what random networks said of the estimators."""
    record = read(path)
    lines = [
        "| estimator | cases | intervals | that hold the truth | largest |z| |".replace("|z|", "abs(z)"),
        "|---|---:|---:|---:|---:|",
    ]
    for part in ("exact paths", "leaps, paths and the automatic choice"):
        for name, row in record[part]["methods"].items():
            held = each([row["hold the truth"]], ".1%")
            lines.append(f"| `{name}` | {row['cases']} | {row['intervals']} | {held} | {row['largest |z|']} |")
    remark = "" if record["complete"] else f"\nNot complete: {record['remark']}\n"
    return "\n".join(lines) + "\n" + remark + source(path)


def cores(path: Path) -> str:
    """Return the table of two cores against one."""
    record = read(path)
    names = sorted(
        {name for case in record["cases"] for name in case if isinstance(case[name], dict) and "ratio" in case[name]}
    )
    lines = [f"| case | {' | '.join(names)} |", f"|---|{'---:|' * len(names)}"]
    for case in record["cases"]:
        ratios = [f"{case[name]['ratio']:.2f}" if name in case else "–" for name in names]
        lines.append(f"| {case['case'].replace('_', ' ')} | {' | '.join(ratios)} |")
    return "\n".join(lines) + f"\n\n{record['note']}\n" + source(path)


def each(values: list[float | None], style: str) -> str:
    """Return numbers side by side; a dash where there is none."""
    return ", ".join("–" if value is None else format(value, style) for value in values)


def number(value: object) -> str:
    """Return one number, or several."""
    if isinstance(value, list):
        return ", ".join(number(one) for one in value)
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def safe(text: str) -> str:
    """Return a text that may stand in a table."""
    return text.replace("|", "\\|").replace("<", "&lt;").replace(">", "&gt;")
