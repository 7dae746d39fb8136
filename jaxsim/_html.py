"""HTML for notebooks: plain tables in the colours of the notebook, so that they read in light and dark themes."""

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

CELL = "padding:2px 10px;text-align:left;white-space:pre-wrap"


def html_table(title: str, head: Sequence[Any], rows: Iterable[Sequence[Any]]) -> str:
    """Write a table with its title and column names; every text is escaped. Nothing if there are no rows.

    Examples
    --------
    >>> "&lt;b&gt;" in html_table("values", ["name"], [["<b>"]]), html_table("values", ["name"], [])
    (True, '')
    """
    body = "".join(_row("td", row) for row in rows)
    if not body:
        return ""
    return (
        f'<table style="color:inherit;background:transparent;margin:4px 0">'
        f'<caption style="color:inherit;text-align:left;caption-side:top">{escape(title)}</caption>'
        f"<thead>{_row('th', head)}</thead><tbody>{body}</tbody></table>"
    )


def line(text: str) -> str:
    """Write a line of text, escaped.

    Examples
    --------
    >>> line("a < b")
    '<div>a &lt; b</div>'
    """
    return f"<div>{escape(text)}</div>"


def block(*parts: str) -> str:
    """Put parts below each other.

    Examples
    --------
    >>> block(line("a"), "")
    '<div><div>a</div></div>'
    """
    return f"<div>{''.join(parts)}</div>"


def _row(tag: str, cells: Sequence[Any]) -> str:
    return "<tr>" + "".join(f'<{tag} style="{CELL}">{escape(str(cell))}</{tag}>' for cell in cells) + "</tr>"
