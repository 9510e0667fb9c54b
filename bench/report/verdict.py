"""Which of several estimates is best, if this run can tell at all.

Invariant: no winner where intervals overlap, and none where one of those compared has fewer than ``TRIALS_MIN``
trials: the extremes of so few lie apart too often by chance.
"""

from collections.abc import Mapping
from typing import NamedTuple

from bench.statistics import Estimate

TRIALS_MIN = 4
"""With n trials on each side that do not differ at all, the extremes lie apart in 2 of (2n choose n) cases: one in
three for 2, one in ten for 3, one in 35 for 4."""


class Verdict(NamedTuple):
    """``best`` cannot be told apart from each other; ``behind`` are certain to be worse than all of them."""

    best: tuple[str, ...]
    behind: tuple[str, ...]
    too_few: bool
    """One of them has fewer than ``TRIALS_MIN`` trials, or there is nothing to compare: nothing can be said."""

    @property
    def winner(self) -> str | None:
        """The one best, if there is one."""
        return self.best[0] if len(self.best) == 1 and self.behind and not self.too_few else None


def judge(estimates: Mapping[str, Estimate], higher_is_better: bool) -> Verdict:
    """Compare by name."""
    if len(estimates) < 2 or any(estimate.n < TRIALS_MIN for estimate in estimates.values()):
        return Verdict(tuple(estimates), (), True)
    # As if small were good: then an interval's first end is its best case, its second its worst.
    sign = -1 if higher_is_better else 1
    ends = {name: sorted((sign * each.low, sign * each.high)) for name, each in estimates.items()}
    champion = min(ends, key=lambda name: sign * estimates[name].median)
    behind = [name for name, (best_case, _) in ends.items() if best_case > ends[champion][1]]
    best = [name for name in ends if name not in behind]
    # One that overlaps the champion may be no better than one that does not: then that one is not certainly behind.
    certain = [name for name in behind if all(ends[name][0] > ends[other][1] for other in best)]
    return Verdict(tuple(name for name in ends if name not in certain), tuple(certain), False)


def words(verdict: Verdict, one: str, several: str) -> str:
    """The verdict as a sentence; ``one`` and ``several`` say what is better: ``carries more``, ``carry more``."""
    if verdict.too_few:
        too_few = f"Fewer than {TRIALS_MIN} trials are too few to rank them."
        return too_few if len(verdict.best) > 1 else ""
    if not verdict.behind:
        return "The intervals overlap: this run cannot rank them."
    others = listed(verdict.behind)
    if verdict.winner:
        return f"{verdict.winner} {one} than {others}."
    return f"{listed(verdict.best)} {several} than {others}, and cannot be ranked among themselves."


def listed(names: tuple[str, ...] | list[str]) -> str:
    """``a, b and c``."""
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else "".join(names)
