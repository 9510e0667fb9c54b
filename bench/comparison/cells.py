"""How a comparison's figures are written: the same on the terminal, in Markdown and in JUnit."""

from bench.comparison.differences import Compared
from bench.statistics import Estimate

NONE = "–"
HEAD = ("what", "A", "B", "B/A", "p (Holm)", "B is")


def cells(row: Compared) -> tuple[str, ...]:
    """One text for each of ``HEAD``."""
    verdict = f"not judged: {row.why}" if row.why else row.verdict.value
    p = NONE if row.p is None else f"{row.p:.2g}"
    return str(row.row), estimate(row.a), estimate(row.b), _apart(row), p, verdict


def estimate(value: Estimate | None) -> str:
    """Median, interval and n."""
    if value is None:
        return NONE
    return f"{_number(value.median)} ({_number(value.low)} to {_number(value.high)}, n={value.n})"


def _apart(row: Compared) -> str:
    if row.ratio:
        return f"{row.ratio.median:.3f} ({row.ratio.low:.3f} to {row.ratio.high:.3f})"
    if row.difference:
        low, high = row.difference.low, row.difference.high
        return f"B-A: {_number(row.difference.median)} ({_number(low)} to {_number(high)})"
    return NONE


def _number(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}"
