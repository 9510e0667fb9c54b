"""The metrics of a comparison by name: their units, and which way is better."""

from typing import NamedTuple


class Metric(NamedTuple):
    """One kind of figure."""

    unit: str
    """As in a threshold; empty: a number of transactions."""
    higher_is_better: bool = False


METRICS = {
    "capacity_per_s": Metric("/s", higher_is_better=True),
    "throughput_per_s": Metric("/s", higher_is_better=True),
    "p50": Metric("ms"),
    "p99": Metric("ms"),
    "p999": Metric("ms"),
    "detected_ms": Metric("ms"),
    "first_success_ms": Metric("ms"),
    "drained_ms": Metric("ms"),
    "recovered_ms": Metric("ms"),
    "harmed": Metric(""),
    "goodput_lost": Metric(""),
    "cpu_us": Metric("us"),
}

OF_FAULTS = {
    "detected_ms": False,
    "first_success_ms": False,
    "drained_ms": True,
    "recovered_ms": True,
    "harmed": False,
    "goodput_lost": True,
}
"""Those of ``bench.analysis.summary.RecoverySummary`` of which one can say which way is better, and whether each rests
on a baseline, so that it may be not known. A time that is known and absent never came: ``last_failure_ms``, whose
absence means no failure at all, is not among them.
"""
