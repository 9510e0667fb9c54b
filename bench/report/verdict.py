"""Which of several topologies is best in one figure, if this run can tell at all.

Invariant: nobody is ahead of another unless the trials, paired, say so: ``bench.analysis.differences`` gives the
verdict on each two, and here they are put in order. Whether intervals overlap is no argument for or against it.
"""

from collections.abc import Sequence
from typing import NamedTuple

from bench.analysis.differences import NO_RATIO, NOISE, TOO_FEW, UNANSWERED, Between, Differences
from bench.paired import PAIRS_MIN, PRECISION, Finding


class Verdict(NamedTuple):
    """Each of ``best`` is better than each of ``behind``; more cannot be said."""

    best: tuple[str, ...]
    behind: tuple[str, ...]
    why_none: str
    """A sentence, where nobody is behind; empty with nobody to compare."""

    @property
    def winner(self) -> str | None:
        """The one best, if there is one."""
        return self.best[0] if len(self.best) == 1 and self.behind else None


def judge(names: Sequence[str], differences: Differences, figure: str) -> Verdict:
    """Put these in order by one figure of ``differences``."""
    ahead = {(one, other) for one in names for other in names if _beats(one, other, differences, figure)}
    best = [name for name in names if not any((other, name) in ahead for other in names)]
    # One that cannot be told from one of the best is with them, even if another of them is ahead of it.
    for _ in names:
        best += [name for name in names if name not in best and any((one, name) not in ahead for one in best)]
    behind = tuple(name for name in names if name not in best) if best else ()
    if behind:
        return Verdict(tuple(name for name in names if name in best), behind, "")
    rows = [
        row for one in names for other in names if (row := differences.get(f"{one}/{other}", {}).get(figure))
    ]
    return Verdict(tuple(names), (), _why_none(rows))


def words(verdict: Verdict, one: str, several: str) -> str:
    """The verdict as a sentence; ``one`` and ``several`` say what is better: ``carries more``, ``carry more``."""
    if not verdict.behind:
        return verdict.why_none
    others = listed(verdict.behind)
    if verdict.winner:
        return f"{verdict.winner} {one} than {others}."
    return f"{listed(verdict.best)} {several} than {others}, and cannot be ranked among themselves."


def listed(names: tuple[str, ...] | list[str]) -> str:
    """``a, b and c``."""
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else "".join(names)


def _beats(one: str, other: str, differences: Differences, figure: str) -> bool:
    there, back = differences.get(f"{one}/{other}", {}), differences.get(f"{other}/{one}", {})
    return (figure in there and there[figure].verdict is Finding.BETTER) or (
        figure in back and back[figure].verdict is Finding.WORSE
    )


def _why_none(rows: Sequence[Between]) -> str:
    """The first reason that holds, and what would help."""
    if not rows:
        return ""
    reasons = {row.why_none for row in rows}
    needed = max((row.pairs_needed or 0 for row in rows), default=0)
    if TOO_FEW in reasons:
        pairs = min(row.pairs for row in rows)
        return (
            f"{pairs} paired trial{'s are' if pairs != 1 else ' is'} too few to rank them: at least {PAIRS_MIN}"
            f" are needed{_for_precision(needed)}."
        )
    if UNANSWERED in reasons:
        return "A trial in which too much went unanswered has no such figure: this run cannot rank them."
    if NO_RATIO in reasons:
        return "One of them had nothing where another had something: this run cannot rank them."
    if reasons == {NOISE}:
        floor = max(row.noise_floor or 0 for row in rows)
        return f"They differ by less than this machine's noise floor, {floor:.1%}: not ranked.".replace(
            "%", " %"
        )
    return f"No difference that this data can show{_for_precision(needed)}."


def _for_precision(needed: int) -> str:
    return f" (about {needed} pairs for an interval of ± {PRECISION * 100:.0f} %)" if needed else ""
