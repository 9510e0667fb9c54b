"""Two runs compared: all that the terminal, Markdown, JUnit and JSON tell, in one value.

Invariant: every row of either run is in it: among ``rows``, ``only_a`` or ``only_b``.
"""

from collections.abc import Sequence
from typing import NamedTuple

from bench.analysis.validity import Reason
from bench.comparison.conditions import Differing, differing
from bench.comparison.differences import Compared, compared
from bench.comparison.figures import Figures, Row
from bench.comparison.pairing import why_unpaired
from bench.comparison.threshold import Threshold
from bench.errors import BadInput
from bench.sweep import phase_and_cell


class Judged(NamedTuple):
    """A threshold held against a row."""

    threshold: Threshold
    row: Compared
    crossed: bool
    why_unjudged: str
    """Empty where it could be told whether it is crossed."""

    def __str__(self) -> str:
        """Of one that is crossed."""
        why = ", which never came in most trials of B" if self.row.vanished else ""
        return f"fails: {self.threshold.text}: {self.row.row}{why}"


class Comparison(NamedTuple):
    """B against A."""

    a: str
    b: str
    conditions: list[Differing]
    how: str
    """How trials are compared, for people."""
    left_out: list[str]
    """Why trials are not in it, and what else speaks against a run."""
    rows: list[Compared]
    only_a: list[Row]
    only_b: list[Row]
    judged: list[Judged]

    @property
    def status(self) -> int:
        """The exit status."""
        return int(any(each.crossed for each in self.judged))


def compare(
    names: tuple[str, str], a: Figures, b: Figures, thresholds: Sequence[Threshold] = ()
) -> Comparison:
    """Raises BadInput: a threshold concerns no row that both runs have."""
    why = why_unpaired(a.record, b.record)
    rows = compared(a.rows, b.rows, pairs=not why)
    return Comparison(
        *names,
        differing(a.record, b.record),
        f"by Welch's test, trials do not pair: {why}" if why else "pair by pair, by trial: same schedules",
        [*_left_out("A", a), *_left_out("B", b)],
        rows,
        [row for row in a.rows if row not in b.rows],
        [row for row in b.rows if row not in a.rows],
        [judged for threshold in thresholds for judged in _judged(threshold, rows)],
    )


def _left_out(which: str, run: Figures) -> list[str]:
    said = [f"{which}: left out with its trial{_where(reason)}: {reason}" for reason in run.reasons]
    return said if run.record.complete else [f"{which}: the run is incomplete", *said]


def _where(reason: Reason) -> str:
    """In a sweep a trial is left out of one cell only."""
    cell = phase_and_cell(reason.episode.phase)[1]
    return f" in cell {cell}" if cell else ""


def _judged(threshold: Threshold, rows: Sequence[Compared]) -> list[Judged]:
    concerned = [row for row in rows if threshold.concerns(row)]
    if not concerned:
        raise BadInput(f"--fail-on: {threshold.text!r} must concern a row that both runs have, got none")
    return [_held(threshold, row) for row in concerned]


def _held(threshold: Threshold, row: Compared) -> Judged:
    crossed = threshold.crossed(row)
    return Judged(threshold, row, crossed, "" if crossed else threshold.why_unjudged(row))
