"""What a record must say besides the figures: machine, versions, commit, date."""

import json
import os
import platform
import shutil
import subprocess
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = (
    *("jaxsim-bio", "jax", "jaxlib", "numpy", "numba"),
    *("rebop", "gillespy2", "copasi-basico", "stochastix", "crn-jax", "jumpax"),
)


def describe() -> dict:
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": said("git", "-C", str(ROOT), "rev-parse", "HEAD"),
        "uncommitted_changes": bool(said("git", "-C", str(ROOT), "status", "--porcelain", "--untracked-files=no")),
        "machine": machine(),
        "versions": {"python": platform.python_version(), "g++": compiler(), **packages()},
    }


def machine() -> dict:
    return {
        "processor": processor(),
        "cores": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "system": f"{platform.system()} {platform.release()}",
        "load_at_start": os.getloadavg()[0],
    }


def processor() -> str:
    """The name Linux gives, with the widest vector instructions, which matter here more than the name."""
    facts = Path("/proc/cpuinfo")
    if not facts.exists():
        return platform.processor() or platform.machine()
    lines = dict(line.split(":", 1) for line in facts.read_text().splitlines() if ":" in line)
    named = {key.strip(): value.strip() for key, value in lines.items()}
    flags = named.get("flags", "").split()
    width = "AVX-512" if "avx512f" in flags else "AVX2" if "avx2" in flags else platform.machine()
    model = f"family {named.get('cpu family', '?')} model {named.get('model', '?')}"
    return f"{named.get('model name', platform.machine())} ({model}, {width})"


def packages() -> dict[str, str]:
    found = {}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def compiler() -> str:
    return said("g++", "-dumpfullversion") if shutil.which("g++") else "none"


def said(*command: str) -> str:
    if shutil.which(command[0]) is None:
        return ""
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


def write(record: dict, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(record, indent=1) + "\n")


def default_path(kind: str) -> Path:
    return ROOT / "benchmarks" / "results" / f"{datetime.now(UTC):%Y-%m-%d}-{kind}.json"
