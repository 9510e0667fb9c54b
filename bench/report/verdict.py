"""Which of several topologies is better in one figure, in words, or why this run cannot tell.

Invariant: nothing is decided here: ``bench.analysis.contrasts`` does, over all rows of the run.
"""

from collections.abc import Mapping, Sequence

from bench.analysis.contrasts import Contrast, Ranking, ranking
from bench.paired import PAIRS_MIN
from bench.report.numbers import estimate
from bench.statistics import Estimate


def verdict(
    differences: Sequence[Contrast], figure: str, known: Mapping[str, Estimate], one: str, several: str
) -> str:
    """A sentence; ``one`` and ``several`` say what is better: ``carries more``, ``carry more``. Empty where there is
    nobody to compare with.
    """
    rows = [row for row in differences if row.figure == figure]
    found = ranking(rows, {name: each.median for name, each in known.items()})
    return words(found, [row for row in rows if row.first in known and row.second in known], one, several)


def words(found: Ranking, rows: Sequence[Contrast], one: str, several: str) -> str:
    """The same of a ranking and what it was made from."""
    if not found.pairs:
        return ""
    if found.pairs < PAIRS_MIN:
        return _too_few(found.pairs)
    if not found.behind:
        return f"This run cannot rank them: {_why(rows)}."
    if found.winner:
        by = f" ({estimate(found.by)} times the figure of the nearest)" if found.by else ""
        return f"{found.winner} {one} than {listed(found.behind)}{by}."
    return (
        f"{listed(found.best)} {several} than {listed(found.behind)}, and cannot be ranked among themselves."
    )


def listed(names: tuple[str, ...] | list[str]) -> str:
    """``a, b and c``."""
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else "".join(names)


def _too_few(pairs: int) -> str:
    count = f"{pairs} pair{'s'[: pairs != 1]} of trials {'is' if pairs == 1 else 'are'} too few to rank them"
    return f"{count}: at least {PAIRS_MIN} are needed (--trials {PAIRS_MIN})."


def _why(rows: Sequence[Contrast]) -> str:
    reasons = {row.why for row in rows if row.why}
    known = [row.pairs_needed for row in rows if row.pairs_needed]
    needed = f"; {max(known)} trials would give intervals of 5 %" if known else ""
    if reasons == {"within the noise"}:
        return f"they differ by no more than a topology does from itself{needed}"
    return f"by what it saw, chance would do{needed}"
