"""Latency against offered load, and theory beside it: the open steps that nothing was done to, over trials."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from bench.analysis.closed_form import Predicted, form, predict
from bench.analysis.latency import NINES, latencies_ms, percentiles, tail_ms
from bench.analysis.little import Law, little
from bench.analysis.queueing import Comparison, compare, recorded, shares
from bench.analysis.recording import FloatArray, Step
from bench.analysis.trials import by_kind, keys, over_trials_or_never
from bench.parquet import Database
from bench.run_record import RunRecord
from bench.statistics import Estimate
from bench.sweep import phase_and_cell


class Tail(NamedTuple):
    """Latency in ms at each of ``latency.NINES``: the median over trials and their extremes.

    nan where at least half of the trials have none: it falls among the unanswered, or they are too few.
    """

    median: FloatArray
    low: FloatArray
    high: FloatArray


class LoadPoint(NamedTuple):
    """One load, over trials."""

    key: str
    """As in the summary: the offered fraction of the capacity, ``0.5``; or a rate, ``320/s``."""
    load: float
    """The fraction; 0 where a rate was given."""
    rate_per_s: float
    """Offered."""
    p50_ms: Estimate | None
    p99_ms: Estimate | None
    p999_ms: Estimate | None
    n: int
    """Transactions that were due, all trials together."""
    tail: Tail
    queueing: list[Comparison]
    """One for each trial and model."""
    p99s_ms: Mapping[int, float | None] = MappingProxyType({})
    """By trial, to be paired with another topology's; None where it falls among the unanswered."""
    little: Sequence[dict[str, Law]] = ()
    """One for each trial, by place."""
    closed_form: Sequence[Predicted] = ()
    """One for each trial; none where no closed form describes the topology."""


def by_load(steps: Sequence[Step]) -> dict[str, list[Step]]:
    """{key of a load: its step in each trial}, of the steady ones, in the order in which they were played. Of several
    phases with the same load the first has its plain key, the others ``0.5 (PHASE)``.
    """
    kinds = by_kind([step for step in steps if step.steady])
    names = keys(kinds, lambda kind: kind[1], lambda kind: f"{kind[1]} ({phase_and_cell(kind[0])[0]})")
    return {names[kind]: trials for kind, trials in kinds.items()}


def fraction(key: str) -> float | None:
    """The offered fraction of the capacity that a key names; None where it is a rate."""
    load = key.partition(" ")[0]
    return None if load.endswith("/s") else float(load)


def load_points(database: Database, record: RunRecord, steps: Sequence[Step]) -> list[LoadPoint]:
    """In the order of the offered rate."""
    points = [_point(database, record, key, trials) for key, trials in by_load(steps).items()]
    return sorted(points, key=lambda point: point.rate_per_s)


def _point(database: Database, record: RunRecord, key: str, trials: list[Step]) -> LoadPoint:
    deployment = record.scenario.deployment
    dispatchers = deployment.fronts if record.scenario.level == "rest" else 1
    own = shares(record.plans[trials[0].episode.topology], record.scenario.settings.credit)
    paths = [(step, path) for step in trials if (path := recorded(database, step))]
    ideal = form(own, deployment.workers, dispatchers, trials[0], record.scenario.service)
    latencies = [latencies_ms(step.measured) for step in trials]
    figures = [percentiles(ms) for ms in latencies]
    return LoadPoint(
        key=key,
        load=trials[0].played.load,
        rate_per_s=trials[0].played.rate_per_s,
        p50_ms=over_trials_or_never(each.p50 for each in figures),
        p99_ms=over_trials_or_never(each.p99 for each in figures),
        p999_ms=over_trials_or_never(each.p999 for each in figures),
        n=sum(each.n for each in figures),
        tail=tail_over_trials([tail_ms(ms) for ms in latencies]),
        queueing=[
            comparison
            for _, path in paths
            for comparison in compare(path, deployment.workers, dispatchers, own)
        ],
        p99s_ms={step.trial: each.p99 for step, each in zip(trials, figures, strict=True)},
        little=[little(database, step) for step in trials],
        closed_form=[found for step, path in paths if ideal and (found := predict(path, ideal, step))],
    )


def tail_over_trials(trials: list[FloatArray]) -> Tail:
    """From each trial's ``tail_ms``."""
    curves = np.nan_to_num(np.array(trials).reshape(-1, NINES.size), nan=np.inf)
    every = (np.median(curves, axis=0), curves.min(axis=0), curves.max(axis=0))
    known = np.isfinite(every[0])
    return Tail(*(np.where(known & np.isfinite(curve), curve, np.nan) for curve in every))
