"""Tables for a terminal: by rich where it is installed, else in plain text."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TextIO

PASS, FAIL = "pass", "FAIL"
WRONG = "✗"
"""At the end of a cell: what stands there is wrong."""
STYLES = {PASS: "green", FAIL: "bold red", "known defect": "yellow"}
WIDTH = 80
"""Columns that every terminal has."""


@dataclass(frozen=True)
class Table:
    """A title, the names of the columns and rows of text."""

    title: str
    columns: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    right: frozenset[str] = frozenset()
    """The columns of numbers, which are aligned to the right."""


def show(table: Table, out: TextIO) -> None:
    """Write a table to `out`."""
    try:
        import rich  # noqa: F401 - whether it is there is the question
    except ImportError:
        out.write(plain(table))
    else:
        _show_rich(table, out)


def plain(table: Table) -> str:
    """Return a table as text of aligned columns."""
    lines = [table.columns, *table.rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(table.columns))]

    def aligned(line: tuple[str, ...]) -> str:
        cells = (
            cell.rjust(width) if name in table.right else cell.ljust(width)
            for cell, width, name in zip(line, widths, table.columns, strict=True)
        )
        return "  ".join(cells).rstrip()

    rule = "  ".join("-" * width for width in widths)
    body = [aligned(line) for line in table.rows]
    return "\n".join([table.title, aligned(table.columns), rule, *body, "", ""])


def _show_rich(table: Table, out: TextIO) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table as RichTable

    drawn = RichTable(
        title=escape(table.title),
        title_justify="left",
        box=SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        show_edge=False,
    )
    for name in table.columns:
        drawn.add_column(
            name, justify="right" if name in table.right else "left", overflow="fold"
        )  # a long name goes on below, and loses nothing
    for row in table.rows:
        drawn.add_row(*(_styled(cell, escape(cell)) for cell in row))
    Console(file=out, width=None if out.isatty() else WIDTH).print(drawn, "")


def _styled(cell: str, text: str) -> str:
    style = STYLES.get(cell)
    return f"[{style}]{text}[/]" if style else text
