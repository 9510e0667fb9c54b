"""A comparison on the terminal."""

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table

from bench.comparison.cells import HEAD, cells
from bench.comparison.comparison import Comparison
from bench.comparison.notes import notes

WIDTH = 160
"""Where there is no terminal that has one."""


def tell(comparison: Comparison) -> None:
    """Print it."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = WIDTH
    if comparison.conditions:
        console.print(_table("What differs in conditions", ("key", "in A", "in B"), comparison.conditions))
    else:
        console.print("conditions: nothing differs")
    console.print(_table("What differs in numbers", HEAD, map(cells, comparison.rows)))
    for line in notes(comparison):
        console.print(line, markup=False, soft_wrap=True)


def _table(title: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    table = Table(title=title, title_justify="left")
    for column in head:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(text.replace("[", r"\[") for text in row))
    return table
