"""A table of the report, before it is a part of the page."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from bench.report.numbers import NONE

Row = tuple[str, ...]


class Table(NamedTuple):
    """One table; the first column names the rows."""

    title: str
    header: Row
    rows: Sequence[Row]
    note: str = ""


def by_topology(title: str, names: list[str], rows: Iterable[Row], note: str = "") -> Table:
    """A column for each topology, a row for each figure; figures that none has are left out."""
    return Table(title, ("", *names), [row for row in rows if set(row[1:]) != {NONE}], note)
