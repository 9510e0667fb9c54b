"""One row of a comparison: both runs' values, how far apart they are, and what can be said of it.

Invariant: B is never called better or worse on fewer than ``PAIRS_MIN`` pairs (trials on the side that has fewer, where
they do not pair), nor where a trial has no value: to leave out what never came would flatter who failed.
"""

from collections.abc import Mapping
from typing import NamedTuple, TypeGuard

from bench.comparison.figures import NEVER, ByTrial, Row
from bench.comparison.metrics import METRICS
from bench.paired import ALPHA, PAIRS_MIN, Finding, finding, holm, paired, subtracted, unpaired
from bench.statistics import Estimate, summarize


class Compared(NamedTuple):
    """A row; ``a`` and ``b`` are over all trials that have a value."""

    row: Row
    a: Estimate | None
    b: Estimate | None
    ratio: Estimate | None
    """B over A; None where a value is 0 or below."""
    difference: Estimate | None
    """B minus A, in the metric's unit; only where there is no ratio."""
    p: float | None
    """By Holm over all rows."""
    verdict: Finding
    why: str = ""
    """Why nothing can be said, where that is not for lack of a difference."""
    vanished: bool = False
    """Of pairs only: most trials of A have a value, and in half of B's or more it never came, of the same schedule."""
    never_a: int = 0
    """Trials of A in which it never came."""
    never_b: int = 0

    @property
    def n(self) -> int:
        """Pairs, or trials on the side that has fewer."""
        apart = self.ratio or self.difference
        return apart.n if apart else 0


class _Apart(NamedTuple):
    estimate: Estimate
    p: float
    by_ratio: bool


def compared(a: Mapping[Row, ByTrial], b: Mapping[Row, ByTrial], pairs: bool) -> list[Compared]:
    """Every row that both have, in A's order."""
    rows = [row for row in a if row in b]
    aparts = [_apart(a[row], b[row], pairs) for row in rows]
    adjusted = iter(holm([apart.p for apart in aparts if apart]))
    return [
        _judged(row, a[row], b[row], apart, next(adjusted) if apart else None, pairs)
        for row, apart in zip(rows, aparts, strict=True)
    ]


def _apart(a: ByTrial, b: ByTrial, pairs: bool) -> _Apart | None:
    """None: fewer than two pairs."""
    one, other = _values(a, b, pairs)
    if min(len(one), len(other)) < 2:
        return None
    if min(*one, *other) > 0 or not any((*one, *other)):
        found = (paired if pairs else unpaired)(one, other)
        return _Apart(found.ratio, found.p, by_ratio=True) if found else None
    found = subtracted(one, other, pairs)
    return _Apart(found.ratio, found.p, by_ratio=False)


def _values(a: ByTrial, b: ByTrial, pairs: bool) -> tuple[list[float], list[float]]:
    if not pairs:
        return _known(a), _known(b)
    both = [(one, b[trial]) for trial, one in a.items() if trial in b]
    known = [(one, other) for one, other in both if _is_known(one) and _is_known(other)]
    return [one for one, _ in known], [other for _, other in known]


def _is_known(value: float | None) -> TypeGuard[float]:
    return value is not None and value != NEVER


def _known(values: ByTrial) -> list[float]:
    return [value for value in values.values() if _is_known(value)]


def _never(values: ByTrial) -> int:
    return sum(value == NEVER for value in values.values())


def _judged(row: Row, a: ByTrial, b: ByTrial, apart: _Apart | None, p: float | None, pairs: bool) -> Compared:
    ratio = apart.estimate if apart and apart.by_ratio else None
    difference = apart.estimate if apart and not apart.by_ratio else None
    why = _why_not(a, b, apart, pairs)
    verdict = Finding.NONE
    higher = METRICS[row.metric].higher_is_better
    if not why and p is not None:
        if ratio:
            verdict = finding(ratio, p, higher)
        elif difference and p < ALPHA:
            verdict = Finding.BETTER if (difference.median > 0) == higher else Finding.WORSE
    vanished = pairs and len(_known(a)) * 2 > len(a) and 0 < len(b) <= _never(b) * 2
    return Compared(
        row,
        summarize(_known(a)),
        summarize(_known(b)),
        ratio,
        difference,
        p,
        verdict,
        why,
        vanished,
        _never(a),
        _never(b),
    )


def _why_not(a: ByTrial, b: ByTrial, apart: _Apart | None, pairs: bool) -> str:
    unknown = sum(value is None for values in (a, b) for value in values.values())
    said = [
        f"it never came in {_trials(never)} of {run}"
        for run, never in (("A", _never(a)), ("B", _never(b)))
        if never
    ]
    if unknown:
        said.append(f"it is not known in {_trials(unknown)}")
    if said:
        return " and ".join(said)
    n = apart.estimate.n if apart else min(map(len, _values(a, b, pairs)))
    if n < PAIRS_MIN:
        return f"{n} {'pairs' if pairs else 'trials'}, {PAIRS_MIN} are needed"
    return ""


def _trials(count: int) -> str:
    return f"{count} trial{'s'[: count != 1]}"
