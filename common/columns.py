"""Numbers from a CSV file with a header, row by row, for whoever brings measurements of their own.

Invariant: every complaint is one line with the file's name, the line's number, the value and what was expected.
Imports no numpy: workers read from here.
"""

import csv
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

ROWS_MAX = 1_000_000
"""About a second to read, and as much memory as a process can spare. A longer recording is cut by its owner, who knows
where."""


class Cell(NamedTuple):
    """One value of a row."""

    where: str
    """``arrivals.csv, line 7``."""
    column: str
    text: str

    def number(self, least: float, most: float, unit: str) -> float:
        """The value as a finite number. Raises ValueError."""
        try:
            value = float(self.text)
        except ValueError:
            value = math.nan
        if not least <= value <= most:
            raise self.bad(f"expected a number of {least:.15g} to {most:.15g} {unit}")
        return value

    def whole(self, least: int, most: int, unit: str) -> int:
        """The value as an integer. Raises ValueError."""
        try:
            value = int(self.text)
        except ValueError:
            value = least - 1
        if not least <= value <= most:
            raise self.bad(f"expected a whole number of {least} to {most} {unit}")
        return value

    def bad(self, expected: str) -> ValueError:
        """What to raise where the value is not as it should be."""
        return ValueError(f"{self.where}: {self.column}: {expected}, got {self.text!r}")


def rows(path: Path, needed: str, others: Sequence[str] = ()) -> Iterator[tuple[Cell, ...]]:
    """The cells of ``needed`` and of those of ``others`` that the header names, in that order, for each row that is
    not blank. Further columns are ignored.

    Raises:
        ValueError: it cannot be read, has no such column, no row or too many, or a row is short.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            yield from _rows(path.name, file, needed, others)
    except OSError as error:
        raise ValueError(f"{path}: expected a readable CSV file: {error.strerror}") from None
    except (csv.Error, UnicodeDecodeError) as error:
        raise ValueError(f"{path.name}: expected CSV in UTF-8: {error}") from None


def _rows(name: str, lines: Iterator[str], needed: str, others: Sequence[str]) -> Iterator[tuple[Cell, ...]]:
    reader = csv.reader(lines)
    header = [word.strip() for word in next(reader, [])]
    if needed not in header:
        raise ValueError(
            f"{name}, line 1: expected a header with a column {needed}, got {','.join(header)!r}"
        )
    wanted = [(column, header.index(column)) for column in (needed, *others) if column in header]
    count = 0
    for row in reader:
        if not row:
            continue
        count += 1
        where = f"{name}, line {reader.line_num}"
        if count > ROWS_MAX:
            raise ValueError(f"{where}: expected at most {ROWS_MAX} rows, got more")
        if len(row) < len(header):
            raise ValueError(f"{where}: expected {len(header)} columns, got {len(row)} in {','.join(row)!r}")
        yield tuple(Cell(where, column, row[at].strip()) for column, at in wanted)
    if not count:
        raise ValueError(f"{name}: expected at least one row below the header, got none")
