"""A self-contained HTML page: sections, tables and figures; it asks for nothing from anywhere."""

import base64
from collections.abc import Sequence
from html import escape

STYLE = """
:root { color-scheme: light; --ink: #1a1a1a; --quiet: #595959; --line: #d9d9d9; --wash: #f6f6f4; --mark: #0072b2; }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1rem; max-width: 76rem; color: var(--ink); background: #fff;
       font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", sans-serif; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 1rem 0 .25rem; overflow-wrap: anywhere; }
h2 { font-size: 1.15rem; margin: 2.2rem 0 .6rem; padding-top: .6rem; border-top: 1px solid var(--line); }
p { margin: .4rem 0; max-width: 46rem; } .quiet, figcaption { color: var(--quiet); font-size: .875rem; }
.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); gap: .75rem; margin: 1rem 0; }
.facts div { background: var(--wash); border-radius: .4rem; padding: .6rem .8rem; }
.facts b { display: block; font-size: 1.25rem; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
.warning { background: #fdf1e3; border-left: 4px solid #d55e00; padding: .5rem .8rem; }
.figures { display: flex; flex-wrap: wrap; gap: 1.5rem; align-items: flex-start; }
figure { margin: 0; flex: 1 1 26rem; max-width: min(100%, 37rem); }
figure img { display: block; width: 100%; height: auto; }
.scroll { overflow-x: auto; max-width: 100%; }
table { border-collapse: collapse; font-size: .875rem; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .7rem .25rem 0; text-align: right; border-bottom: 1px solid var(--line); white-space: nowrap; }
th:first-child, td:first-child, .words { text-align: left; } thead th { border-bottom: 2px solid var(--ink); }
table.facts-table td { text-align: left; white-space: normal; overflow-wrap: anywhere; vertical-align: top; }
table.facts-table td:first-child { white-space: nowrap; color: var(--quiet); }
pre { background: var(--wash); padding: .8rem; border-radius: .4rem; overflow-x: auto; font-size: .8rem; }
@media print { body { max-width: none; } }
"""


def page(title: str, body: Sequence[str]) -> str:
    """Return a page with this title and these parts.

    Examples
    --------
    >>> page("a < b", ["<p>text</p>"]).count("a &lt; b")
    1
    """
    head = (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><title>{escape(title)}</title>'
        f'<link rel="icon" href="data:,"><style>{STYLE}</style></head><body>\n'
    )
    return head + "\n".join(body) + "\n</body></html>\n"


def facts(pairs: Sequence[tuple[str, str]]) -> str:
    """Return numbers with what they are, side by side."""
    return '<div class="facts">' + "".join(f"<div><b>{escape(v)}</b>{escape(k)}</div>" for k, v in pairs) + "</div>"


def rows_table(headings: Sequence[str], rows: Sequence[Sequence[str]], words: Sequence[int] = ()) -> str:
    """Return a table that scrolls where the screen is narrow; `words` are the columns that are no numbers."""
    kind = [' class="words"' if column in words else "" for column in range(len(headings))]
    head = "".join(f"<th{k}>{escape(text)}</th>" for k, text in zip(kind, headings, strict=True))
    cells = ("".join(f"<td{k}>{escape(text)}</td>" for k, text in zip(kind, row, strict=True)) for row in rows)
    body = "".join(f"<tr>{row}</tr>" for row in cells)
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def pairs_table(pairs: Sequence[tuple[str, str]]) -> str:
    """Return names with their values."""
    body = "".join(f"<tr><td>{escape(name)}</td><td>{escape(value)}</td></tr>" for name, value in pairs)
    return f'<table class="facts-table"><tbody>{body}</tbody></table>'


def picture(svg: bytes, caption: str) -> str:
    """Return a figure with its picture inside the page."""
    data = base64.b64encode(svg).decode()
    return (
        f'<figure><img alt="{escape(caption, quote=True)}" src="data:image/svg+xml;base64,{data}">'
        f"<figcaption>{escape(caption)}</figcaption></figure>"
    )


def paragraph(text: str, kind: str = "") -> str:
    """Return a paragraph."""
    return f'<p class="{kind}">{escape(text)}</p>' if kind else f"<p>{escape(text)}</p>"


def heading(text: str) -> str:
    """Return the heading of a section."""
    return f"<h2>{escape(text)}</h2>"


def verbatim(text: str) -> str:
    """Return text as it is."""
    return f"<pre>{escape(text)}</pre>"
