"""A table of the report, before it is a part of the page."""

from collections.abc import Sequence
from typing import NamedTuple

Row = tuple[str, ...]


class Table(NamedTuple):
    """One table; the first column names the rows."""

    title: str
    header: Row
    rows: Sequence[Row]
    note: str = ""
