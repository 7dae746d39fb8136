"""The blocks of a .net file: ``begin species`` ... ``end species``, as numbered lines without comments."""

import re
from typing import NamedTuple

from jaxsim.formats.problems import Problems

BEGIN = re.compile(r"begin\s+([a-z][a-z ]*?)\s*$")
END = re.compile(r"end\s+([a-z][a-z ]*?)\s*$")
KNOWN = (
    *("parameters", "functions", "species", "reactions", "groups"),
    # written by BioNetGen beside them, and already contained in them
    *("molecule types", "observables", "reaction rules", "compartments", "energy patterns", "population maps"),
)
LONGEST_LINE = 500_000


class Line(NamedTuple):
    """One line of a block."""

    number: int
    """In the file, from 1."""
    text: str
    """Without its comment and the spaces around it."""


def split_blocks(text: str, problems: Problems) -> dict[str, list[Line]]:
    """Return the lines of each block; note blocks that are unknown, nested, doubled or not closed."""
    blocks: dict[str, list[Line]] = {}
    open_block, began = "", 0
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.partition("#")[0].strip()
        if len(line) > LONGEST_LINE:
            problems.add("", f"has a line of {len(line)} characters, more than {LONGEST_LINE}", number)
            continue
        if found := BEGIN.match(line):
            if open_block:
                problems.add("", f"begins '{found[1]}' inside the block '{open_block}' of line {began}", number)
            open_block, began = found[1], number
            if open_block not in KNOWN:
                problems.add(f"block '{open_block}'", "is not known", number)
            elif open_block in blocks:
                problems.add(f"block '{open_block}'", "is there twice", number)
            blocks.setdefault(open_block, [])
        elif found := END.match(line):
            if found[1] != open_block:
                problems.add("", f"ends '{found[1]}', which has not begun", number)
            open_block = ""
        elif line and open_block:
            blocks[open_block].append(Line(number, line))
    if open_block:
        problems.add(f"block '{open_block}'", "does not end", began)
    return blocks


def without_index(line: Line) -> str:
    """Return the text after the running number that BioNetGen puts first.

    Examples
    --------
    >>> without_index(Line(3, "1 kp1   10"))
    'kp1   10'
    """
    first, *rest = line.text.split(maxsplit=1)
    return rest[0] if rest and first.isdigit() else line.text
