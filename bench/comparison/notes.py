"""The lines below a comparison's table: what it rests on, what is not in it, which thresholds are crossed."""

from collections import Counter
from collections.abc import Iterator, Sequence

from bench.comparison.comparison import Comparison
from bench.comparison.figures import Row


def notes(comparison: Comparison) -> Iterator[str]:
    """Each is a line of its own."""
    yield f"A: {comparison.a}; B: {comparison.b}"
    yield f"compared {comparison.how}"
    yield "with n < 5 the interval of A or B is its smallest and largest trial; intervals of B/A are 95 %"
    yield from comparison.left_out
    yield from _only("A", comparison.only_a)
    yield from _only("B", comparison.only_b)
    yield from (str(judged) for judged in comparison.judged if judged.crossed)
    unjudged = Counter(
        (each.threshold.text, each.why_unjudged) for each in comparison.judged if each.why_unjudged
    )
    for (text, why), rows in unjudged.items():
        yield f"cannot be judged: {text}: {rows} rows: {why}"


def _only(which: str, rows: Sequence[Row]) -> Iterator[str]:
    if rows:
        yield f"only in {which}: {', '.join(map(str, rows))}"
