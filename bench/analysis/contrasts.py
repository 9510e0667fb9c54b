"""How a run's topologies differ from each other, figure by figure, and which differences the data can show.

Invariant: nobody is better where chance would do. A difference is told apart if it has at least ``PAIRS_MIN`` pairs of
trials, is below ``ALPHA`` after Holm's correction over all rows of the run, and is above what comparing a topology with
itself gives in this very run (``bench.paired.noise_floor``).
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Literal, NamedTuple

import msgspec

from bench.analysis.per_trial import Values
from bench.paired import ALPHA, PAIRS_MIN, Difference, holm, noise_floor, paired, trials_needed
from bench.statistics import Estimate

PRECISION = 0.05
"""Of the interval for which ``pairs_needed`` are needed."""

CAPACITY = "capacity_per_s"
P99 = "p99_ms"

Why = Literal["", "too few pairs", "within the noise", "chance would do"]


class Contrast(msgspec.Struct, frozen=True):
    """One figure of two topologies."""

    first: str
    second: str
    figure: str
    """``capacity_per_s``, or ``p99_ms@0.8``: at a load."""
    ratio: Estimate | None
    """First over second, over pairs; None with fewer than two."""
    p: float | None
    p_holm: float | None
    """After the correction over all rows of the run."""
    noise_floor: float | None
    """As a fraction; None where too little is known of it."""
    pairs: int
    pairs_needed: int | None
    """For an interval of 5 % on both sides; None where it cannot be told, or is too many."""
    better: str
    """Which of the two; empty where the data cannot tell."""
    why: Why
    """Why they cannot."""


class _Row(NamedTuple):
    first: str
    second: str
    figure: str
    pairs: int
    difference: Difference | None
    noise_floor: float | None
    pairs_needed: int | None


def figure(name: str, load: str) -> str:
    """``p99_ms@0.8``."""
    return f"{name}@{load}"


def contrasts(figures: Mapping[str, Mapping[str, Values]]) -> list[Contrast]:
    """Every pair of topologies for every figure. ``figures``: {figure: {topology: {trial: value}}}; two trials of which
    one has 0 have no ratio and are left out.
    """
    rows = list(_rows(figures))
    judged = [row for row in rows if row.difference and row.pairs >= PAIRS_MIN]
    adjusted = dict(
        zip(map(id, judged), holm([row.difference.p for row in judged if row.difference]), strict=True)
    )
    return [_contrast(row, adjusted.get(id(row))) for row in rows]


def _rows(figures: Mapping[str, Mapping[str, Values]]) -> Iterator[_Row]:
    for name, values in figures.items():
        for first, second in combinations(values, 2):
            one, other = values[first], values[second]
            trials = sorted(trial for trial in one.keys() & other.keys() if min(one[trial], other[trial]) > 0)
            yield _row(first, second, name, [one[at] for at in trials], [other[at] for at in trials])


def _row(first: str, second: str, name: str, one: Sequence[float], other: Sequence[float]) -> _Row:
    return _Row(
        first,
        second,
        name,
        len(one),
        paired(one, other) if len(one) > 1 else None,
        noise_floor({first: dict(enumerate(one)), second: dict(enumerate(other))}, len(one)),
        trials_needed([a / b for a, b in zip(one, other, strict=True)], PRECISION),
    )


def _contrast(row: _Row, adjusted: float | None) -> Contrast:
    difference = row.difference
    why = _why(row, adjusted)
    return Contrast(
        first=row.first,
        second=row.second,
        figure=row.figure,
        ratio=difference.ratio if difference else None,
        p=difference.p if difference else None,
        p_holm=adjusted,
        noise_floor=row.noise_floor,
        pairs=row.pairs,
        pairs_needed=row.pairs_needed,
        better=_better(row) if not why else "",
        why=why,
    )


def _why(row: _Row, adjusted: float | None) -> Why:
    if row.difference is None or adjusted is None:
        return "too few pairs"
    ratio = row.difference.ratio.median
    if row.noise_floor is not None and max(ratio, 1 / ratio) - 1 < row.noise_floor:
        return "within the noise"
    return "" if adjusted < ALPHA else "chance would do"


def _better(row: _Row) -> str:
    assert row.difference is not None
    more = row.difference.ratio.median > 1
    return row.first if more == row.figure.startswith(CAPACITY) else row.second


class Ranking(NamedTuple):
    """``best`` cannot be told apart from each other; ``behind`` are worse than each of them."""

    best: tuple[str, ...]
    behind: tuple[str, ...]
    pairs: int
    """The fewest of those compared; 0 where there is nothing to compare."""
    by: Estimate | None
    """The winner's figure over that of the one who is nearest to it; None without a winner."""

    @property
    def winner(self) -> str | None:
        """The one best, if there is one."""
        return self.best[0] if len(self.best) == 1 and self.behind else None


def ranking(rows: list[Contrast], medians: Mapping[str, float]) -> Ranking:
    """From the contrasts of one figure. ``medians``: the figure's, of each topology that is to be ranked."""
    mine = [row for row in rows if row.first in medians and row.second in medians]
    if not mine:
        return Ranking(tuple(medians), (), 0, None)
    beaten = {
        (row.better, row.second if row.better == row.first else row.first) for row in mine if row.better
    }
    lost = {loser for _, loser in beaten}
    best = [name for name in medians if name not in lost]
    behind = [name for name in medians if best and all((winner, name) in beaten for winner in best)]
    best = [name for name in medians if name not in behind]
    by = _against(mine, best[0], behind, medians) if len(best) == 1 and behind else None
    return Ranking(tuple(best), tuple(behind), min(row.pairs for row in mine), by)


def _against(
    rows: list[Contrast], winner: str, behind: list[str], medians: Mapping[str, float]
) -> Estimate | None:
    nearest = min(behind, key=lambda name: abs(medians[name] / medians[winner] - 1))
    row = next(row for row in rows if {row.first, row.second} == {winner, nearest})
    if row.ratio is None or row.first == winner:
        return row.ratio
    return Estimate(1 / row.ratio.median, 1 / row.ratio.high, 1 / row.ratio.low, row.ratio.n)
