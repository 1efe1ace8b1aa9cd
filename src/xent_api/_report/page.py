"""The report as a page that needs nothing beside it."""

from base64 import b64encode
from collections.abc import Sequence
from html import escape
from typing import TypeAlias

from .tables import FAIL, PASS, WRONG, Table

Part: TypeAlias = Table | bytes | str
"""A table, a PNG picture or a paragraph."""
CLASSES = {PASS: "right", FAIL: "wrong", WRONG: "wrong"}
STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 76rem; margin: 2rem auto; padding: 0 1rem }
h2 { margin-top: 2.5rem }
table { border-collapse: collapse; font-size: 13px; display: block; overflow-x: auto }
th, td { border-bottom: 1px solid #ddd; padding: 2px 10px; text-align: left; white-space: nowrap }
.number { text-align: right; font-variant-numeric: tabular-nums }
.right { color: #17752c } .wrong { color: #b3151f; font-weight: bold }
img { max-width: 100% }
"""


def page(title: str, parts: Sequence[Part]) -> str:
    """Return the HTML of the parts, one after the other."""
    body = "\n".join(_part(part) for part in parts)
    return (
        f'<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n'
        f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n"
        f"<h1>{escape(title)}</h1>\n{body}\n</html>\n"
    )


def _part(part: Part) -> str:
    if isinstance(part, Table):
        return _table(part)
    if isinstance(part, bytes):
        data = b64encode(part).decode("ascii")
        return f'<img alt="as said above" src="data:image/png;base64,{data}">'
    return f"<p>{escape(part)}</p>"


def _table(table: Table) -> str:
    head = "".join(f"<th{_class(table, name, '')}>{escape(name)}</th>" for name in table.columns)
    rows = "\n".join(f"<tr>{_cells(table, row)}</tr>" for row in table.rows)
    return f"<h2>{escape(table.title)}</h2>\n<table>\n<tr>{head}</tr>\n{rows}\n</table>"


def _cells(table: Table, row: tuple[str, ...]) -> str:
    cells = zip(table.columns, row, strict=True)
    return "".join(f"<td{_class(table, name, cell)}>{escape(cell)}</td>" for name, cell in cells)


def _class(table: Table, column: str, cell: str) -> str:
    names = ["number"] if column in table.right else []
    state = cell.rpartition(" ")[2]
    if state in CLASSES:
        names.append(CLASSES[state])
    return f' class="{" ".join(names)}"' if names else ""
