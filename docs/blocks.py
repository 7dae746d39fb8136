"""Run the blocks of a page as they stand, in order, and compare what they print with what the page says they print.

``python docs/blocks.py PAGE...`` runs pages and says where they differ; ``--write`` writes the outputs into the pages.

Blocks in ``python`` share one namespace; blocks in ``bash`` run in the same folder, which is empty at the start, with
the programs of this environment; a ``toml`` block whose first line is ``# NAME.toml`` is written into it. A ``text``
block after one of them is its output: numbers may differ by 2 %, ``...`` alone on a line stands for any lines, and
within a line for any text. A block after ``<!-- not run: REASON -->`` is not run; REASONS says why it may not be.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

REPOSITORY = Path(__file__).resolve().parent.parent
FENCE = re.compile(r"^(?P<marks>`{3,})(?P<kind>[a-z]+)[^\n]*\n(?P<text>.*?)^(?P=marks)[ ]*$", re.MULTILINE | re.DOTALL)
SKIPPED = re.compile(r"<!-- not run: (?P<reason>[^>]+) -->\s*\Z")
REASONS = ("a cluster", "a container", "the network", "a GPU")
NUMBER = re.compile(r"(?<![\w.])[-+]?\d[\d,]*\.?\d*(?:e[-+]?\d+)?(?!\w)")
SECONDS = re.compile(r"(?<![\w.])\d[\d.]* s\b")
TOLERANCE = 0.02
SENTINEL = "\x1e"


class Block(NamedTuple):
    """One block of a page."""

    kind: str
    text: str
    line: int
    output: str | None
    """What the page says that it prints; None if nothing is said."""
    span: tuple[int, int]
    """Of the output's text in the page; empty, after the block, where there is none."""
    skipped: str
    """Why it is not run; empty if it is."""


def blocks_of(page: str) -> list[Block]:
    """Return the blocks of a page that are run or skipped, in order."""
    fences = list(FENCE.finditer(page))
    found = []
    for number, fence in enumerate(fences):
        if fence["kind"] not in ("python", "bash", "toml"):
            continue
        after = fences[number + 1] if number + 1 < len(fences) else None
        printed = after is not None and after["kind"] == "text" and not page[fence.end() : after.start()].strip()
        reason = SKIPPED.search(page, 0, fence.start())
        found.append(Block(
            fence["kind"], fence["text"], page.count("\n", 0, fence.start()) + 1,
            after["text"] if printed else None, after.span("text") if printed else (fence.end(), fence.end()),
            reason["reason"] if reason else "",
        ))  # fmt: skip
    return found


def program(blocks: list[Block]) -> str:
    """Return one Python program that runs the blocks and prints a mark after each."""
    lines = ["import os, pathlib, subprocess, sys", "os.environ.setdefault('MPLBACKEND', 'Agg')"]
    for block in blocks:
        if not block.skipped:
            lines.append(_lines_of(block))
        lines.append(f"print({SENTINEL!r}, flush=True)")
    return "\n".join(lines)


def _lines_of(block: Block) -> str:
    if block.kind == "python":
        return block.text
    if block.kind == "bash":
        return f"sys.stdout.flush(); subprocess.run(['bash', '-euo', 'pipefail', '-c', {block.text!r}], check=True)"
    name = re.match(r"# (\S+\.toml)\b", block.text)
    return f"pathlib.Path({name[1]!r}).write_text({block.text!r})" if name else ""


def outputs_of(blocks: list[Block], folder: Path) -> list[str]:
    """Run the blocks in a folder; return what each printed.

    Raises
    ------
    RuntimeError
        If one of them fails, with its line and the end of what it said.
    """
    script = folder / ".page.py"
    script.write_text(program(blocks))
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": str(REPOSITORY),
        "COLUMNS": "120", "PYTHONWARNINGS": "default",
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, script.name], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    parts = [part.strip("\n") for part in done.stdout.split(SENTINEL)]
    if done.returncode:
        block = blocks[min(len(parts), len(blocks)) - 1]
        raise RuntimeError(f"the block of line {block.line} fails: {parts[-1][-500:]}{done.stderr[-2000:]}")
    return parts[:-1]


def same(expected: str, printed: str) -> bool:
    """Return whether a printed text is the expected one.

    Examples
    --------
    >>> same("P = 0.30, ...", "P = 0.301, 7 s"), same("P = 0.30", "P = 0.4")
    (True, False)
    """
    wanted, got = expected.strip().splitlines(), printed.strip().splitlines()

    def matches(i: int, j: int) -> bool:
        if i == len(wanted):
            return j == len(got)
        if wanted[i].strip() == "...":
            return any(matches(i + 1, k) for k in range(j, len(got) + 1))
        return j < len(got) and _same_line(wanted[i], got[j]) and matches(i + 1, j + 1)

    return matches(0, 0)


def _same_line(wanted: str, got: str) -> bool:
    pattern = ".*".join(re.escape(" ".join(NUMBER.sub("#", part).split())) for part in wanted.split("..."))
    shape = " ".join(NUMBER.sub("#", got).split())
    if not re.fullmatch(pattern, shape):
        return False
    if "..." in wanted:
        return True
    pairs = zip(NUMBER.findall(wanted), NUMBER.findall(got), strict=True)
    return all(_near(float(a.replace(",", "")), float(b.replace(",", ""))) for a, b in pairs)


def _near(a: float, b: float) -> bool:
    return abs(a - b) <= TOLERANCE * max(abs(a), abs(b)) + 1e-12


def rewritten(page: str, blocks: list[Block], printed: list[str]) -> str:
    """Return the page with the outputs of its blocks, where it shows them and they differ."""
    for block, text in reversed(list(zip(blocks, printed, strict=True))):
        unwritten = block.output is not None and (block.output.strip() in ("", "...") or not same(block.output, text))
        if unwritten and not block.skipped:
            start, end = block.span
            page = page[:start] + SECONDS.sub("... s", text.strip("\n")) + "\n" + page[end:]
    return page


def differences(path: Path, write: bool = False) -> list[str]:
    """Run a page; return where it differs from what it says, or write what it prints into it."""
    page = path.read_text()
    blocks = blocks_of(page)
    with tempfile.TemporaryDirectory() as folder:
        printed = outputs_of(blocks, Path(folder))
    if write:
        path.write_text(rewritten(page, blocks, printed))
        return []
    return [
        f"line {b.line} prints\n{text}\ninstead of\n{b.output}"
        for b, text in zip(blocks, printed, strict=True)
        if b.output is not None and not b.skipped and not same(b.output, text)
    ]


def main() -> int:
    """Run the pages that are named."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pages", type=Path, nargs="+")
    parser.add_argument("--write", action="store_true", help="write the outputs into the pages")
    options = parser.parse_args()
    failed = 0
    for path in options.pages:
        try:
            found = differences(path, options.write)
        except RuntimeError as error:
            found = [str(error)]
        failed += bool(found)
        sys.stdout.write("\n".join([f"{path}: {'differs' if found else 'as it says'}", *found]) + "\n")
        sys.stdout.flush()
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
