"""The charts of a report by name, in the order in which they answer: a new one is a file and a line here."""

from collections.abc import Callable

from bench.analysis.findings import Findings
from bench.charts import (
    cost,
    cpu,
    crossover,
    depth,
    fates,
    latency,
    omission,
    per_core,
    predictions,
    recovery,
    stages,
    sweep,
    tail,
    throughput,
)
from bench.charts.picture import Picture

CHARTS: dict[str, Callable[[Findings], list[Picture]]] = {
    "crossover": crossover.pictures,
    "sweep": sweep.pictures,
    "throughput": throughput.pictures,
    "latency": latency.pictures,
    "tail": tail.pictures,
    "predictions": predictions.pictures,
    "omission": omission.pictures,
    "recovery": recovery.pictures,
    "stages": stages.pictures,
    "depth": depth.pictures,
    "fates": fates.pictures,
    "cpu": cpu.pictures,
    "per-core": per_core.pictures,
    "cost": cost.pictures,
}
"""Each makes as many pictures of a run as there is something to show; none where there is nothing."""
