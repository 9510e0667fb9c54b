"""What each trial of a run says of each metric: made by the analysis of the report, from one trial's steps at a time.

Invariant: only valid trials are here, of a sweep those that are valid in that cell; a trial in which a figure is
not known has None, not nothing, and one in which what it times never came has ``NEVER``.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from math import inf
from pathlib import Path
from typing import NamedTuple

from bench.analysis import cpu, depths, recording, recovery
from bench.analysis.absences import absences
from bench.analysis.faults import Heard, faults
from bench.analysis.findings import analyse
from bench.analysis.latency import knowable, latencies_ms, percentiles
from bench.analysis.recording import Step
from bench.analysis.recovery_summary import recovery_summary
from bench.analysis.steady import by_load
from bench.analysis.throughput import capacities, ladder
from bench.analysis.trials import by_trial
from bench.analysis.validity import Reason, invalid_in_cells
from bench.comparison.metrics import METRICS, OF_FAULTS
from bench.ledger import EpisodeKey
from bench.parquet import open_run
from bench.run_record import RunRecord
from bench.scenario import Scenario
from bench.statistics import Estimate
from common.topology import Plan


class Row(NamedTuple):
    """What one line of a comparison is about."""

    topology: str
    metric: str
    at: str = ""
    """Concurrency, load, fault or role."""
    cell: str = ""
    """Of a sweep."""

    def __str__(self) -> str:
        where = f" [{self.cell}]" if self.cell else ""
        return f"{self.metric}{f'@{self.at}' if self.at else ''}:{self.topology}{where}"


NEVER = inf
"""Longer than any time: no answer to the slowest hundredth, no recovery while it was recorded."""

ByTrial = Mapping[int, float | None]
"""{trial: figure}; ``NEVER``, or None where it is not known."""


class Figures(NamedTuple):
    """A run."""

    record: RunRecord
    reasons: Sequence[Reason]
    """Why trials were left out."""
    rows: Mapping[Row, ByTrial]


def figures(folder: Path) -> Figures:
    """Of a run folder. Reads, writes nothing. Raises as ``bench.analysis.findings.analyse``."""
    findings = analyse(folder)
    record = findings.record
    invalid = invalid_in_cells(findings.reasons)
    rows: dict[Row, dict[int, float | None]] = defaultdict(dict)
    with open_run(folder) as database:
        steps = [
            step
            for step in recording.steps(database, record)
            if (step.episode.topology, step.trial, step.episode.cell) not in invalid
        ]
        held = depths.held(database) if any(step.faults for step in steps) else {}
        heard = Heard(recovery.notes(database), absences(database), held)
        watched = cpu.parts(database)
    for topology, cell in dict.fromkeys((step.episode.topology, step.episode.cell) for step in steps):
        mine = [step for step in steps if (step.episode.topology, step.episode.cell) == (topology, cell)]
        of_trial = capacities(mine)
        for trial in by_trial([step for step in mine if step.closed]):
            number = trial[0].trial
            rows[Row(topology, "capacity_per_s", "", cell)][number] = of_trial.get(number)
        for trial in by_trial(mine):
            for metric, at, value in _of_trial(
                trial, heard, watched, record.plans[topology], record.scenario
            ):
                rows[Row(topology, metric, at, cell)][trial[0].trial] = value
    return Figures(record, findings.reasons, rows)


Figure = tuple[str, str, float | None]
"""Metric, at what, value."""


def _of_trial(
    steps: Sequence[Step],
    heard: Heard,
    watched: Mapping[EpisodeKey, list[cpu.Part]],
    plan: Plan,
    scenario: Scenario,
) -> Iterator[Figure]:
    for rung in ladder(steps):
        yield "throughput_per_s", str(rung.concurrency), _value(rung.completed_per_s)
    yield from _latencies(steps)
    for fault in faults(steps, heard, plan, scenario):
        summary = recovery_summary(fault)
        judged = not summary.unjudged
        for metric, rests_on_baseline in OF_FAULTS.items():
            value = _value(getattr(summary, metric))
            never = METRICS[metric].unit == "ms" and (judged or not rests_on_baseline)
            yield metric, fault.key, NEVER if value is None and never else value
    spent = cpu.over_steps(steps, watched, cpu.roles_measured(scenario))
    for role, estimate in spent.by_role.items():
        yield "cpu_us", role, _value(estimate)
    if spent.together:
        yield "cpu_us", "total", _value(spent.together)


def _latencies(steps: Sequence[Step]) -> Iterator[Figure]:
    for load, (step, *_) in by_load(steps).items():
        found = percentiles(latencies_ms(step.measured))
        for metric, q, value in (
            ("p50", 0.5, found.p50),
            ("p99", 0.99, found.p99),
            ("p999", 0.999, found.p999),
        ):
            yield metric, load, NEVER if value is None and knowable(found.n, q) else value


def _value(estimate: Estimate | None) -> float | None:
    """Of one trial the median is its value."""
    return None if estimate is None else estimate.median
