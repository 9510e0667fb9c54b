"""A comparison as JSON, for programs: all that the other forms tell, with numbers as numbers."""

from typing import Any

import msgspec

from bench.comparison.comparison import Comparison, Judged
from bench.comparison.differences import Compared
from bench.comparison.figures import Row
from bench.comparison.metrics import METRICS


def as_json(comparison: Comparison) -> bytes:
    """The file; its keys are explained in docs/compare.md."""
    told: dict[str, Any] = {
        "a": comparison.a,
        "b": comparison.b,
        "status": comparison.status,
        "how": comparison.how,
        "conditions": [each._asdict() for each in comparison.conditions],
        "left_out": comparison.left_out,
        "rows": [_row(row) for row in comparison.rows],
        "only_in_a": [_about(row) for row in comparison.only_a],
        "only_in_b": [_about(row) for row in comparison.only_b],
        "thresholds": [_threshold(each) for each in comparison.judged],
    }
    return msgspec.json.format(msgspec.json.encode(told), indent=2) + b"\n"


def _about(row: Row) -> dict[str, str]:
    return {**row._asdict(), "unit": METRICS[row.metric].unit}


def _row(row: Compared) -> dict[str, Any]:
    return {
        **_about(row.row),
        "a": row.a,
        "b": row.b,
        "ratio": row.ratio,
        "difference": row.difference,
        "n": row.n,
        "p": row.p,
        "verdict": None if row.why else row.verdict.value,
        "why_not_judged": row.why,
        "never_in_a": row.never_a,
        "never_in_b": row.never_b,
    }


def _threshold(judged: Judged) -> dict[str, Any]:
    return {
        "threshold": judged.threshold.text,
        "row": str(judged.row.row),
        "crossed": judged.crossed,
        "why_not_judged": judged.why_unjudged,
    }
