"""How a comparison's figures are written: the same on the terminal, in Markdown and in JUnit."""

from bench.comparison.differences import Compared
from bench.report.numbers import NONE, number
from bench.statistics import Estimate

HEAD = ("what", "A", "B", "B/A", "p (Holm)", "B is")


def cells(row: Compared) -> tuple[str, ...]:
    """One text for each of ``HEAD``."""
    verdict = f"not judged: {row.why}" if row.why else row.verdict.value
    p = NONE if row.p is None else f"{row.p:.2g}"
    return str(row.row), _side(row.a, row.never_a), _side(row.b, row.never_b), _apart(row), p, verdict


def estimate(value: Estimate | None) -> str:
    """Median, interval and n."""
    if value is None:
        return NONE
    return f"{number(value.median)} ({number(value.low)} to {number(value.high)}, n={value.n})"


def _side(value: Estimate | None, never: int) -> str:
    if not never:
        return estimate(value)
    return f"never (n={never})" if value is None else f"{estimate(value)}, never (n={never})"


def _apart(row: Compared) -> str:
    if row.ratio:
        return f"{row.ratio.median:.3f} ({row.ratio.low:.3f} to {row.ratio.high:.3f})"
    if row.difference:
        low, high = row.difference.low, row.difference.high
        return f"B-A: {number(row.difference.median)} ({number(low)} to {number(high)})"
    return NONE
