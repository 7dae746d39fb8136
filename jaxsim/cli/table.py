"""Tables in a terminal."""

from collections.abc import Sequence
from textwrap import wrap

WIDTH = 27  # of a heading before it is broken into lines


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return rows under headings; the first column is aligned left, the others right.

    Parameters
    ----------
    headings
        One per column; long ones take several lines.
    rows
        Texts.

    Examples
    --------
    >>> print(table(["arm", "dead, %"], [["untreated", "0.0"], ["treated", "39.1"]]))
    arm        dead, %
    ------------------
    untreated      0.0
    treated       39.1
    """
    broken = [wrap(heading, WIDTH) or [""] for heading in headings]
    deepest = max(len(lines) for lines in broken)
    head = [[""] * (deepest - len(lines)) + lines for lines in broken]
    lines = [[column[n] for column in head] for n in range(deepest)] + [list(row) for row in rows]
    widths = [max(len(line[c]) for line in lines) for c in range(len(headings))]
    text = [_aligned(line, widths) for line in lines]
    rule = "-" * (sum(widths) + 2 * (len(widths) - 1))
    return "\n".join([*text[:deepest], rule, *text[deepest:]])


def _aligned(cells: Sequence[str], widths: Sequence[int]) -> str:
    others = (cell.rjust(width) for cell, width in zip(cells[1:], widths[1:], strict=True))
    return "  ".join([cells[0].ljust(widths[0]), *others]).rstrip()
