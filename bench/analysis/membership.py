"""What it takes to add a worker to a deployment that runs, or to take one away.

Invariant: places and connections follow from the plan alone, with what the kernel counted beside it; times are
measured, or not told. A place is a part that names the worker: its settings have to be edited, and as no part reads
them again, it has to be restarted. A worker that is started where others run (one that had been absent, or one that was
killed) is for a broker a new one, whose name it hears for the first time; for who connects to workers it is one that
they had been told of.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from bench.analysis.absences import Absence
from bench.analysis.faults import Heard
from bench.analysis.recording import NS_PER_MS, Step, key_of
from bench.analysis.trials import over_trials, within_trial
from bench.connections import planned
from bench.ledger import EpisodeKey
from bench.parquet import Database
from bench.statistics import Estimate
from common.topology import Plan


class Started(NamedTuple):
    """One worker's process that was started while others ran, in ms after its start; None: it did not come to that."""

    up_ms: float | None
    """Its sockets were open."""
    used_ms: float | None
    """It began its first transaction."""


class Membership(NamedTuple):
    """Of one topology."""

    fronts: int
    brokers: int
    workers: int
    places: tuple[str, ...]
    """Parts beside the worker that name it."""
    connections: int
    """Of the whole deployment."""
    connections_each: int
    """That one worker more makes."""
    counted: Estimate | None
    """Links that the kernel had connected, where all parts ran; None: it was not looked."""
    miscounted: tuple[str, ...]
    """Each episode in which that were others than planned between the parts that ran, for people."""
    up_ms: Estimate | None
    """From a worker's start until its sockets are open."""
    used_ms: Estimate | None
    """From its start until it begins its first transaction."""
    restart_ms: Estimate | None
    """From the first of ``places`` being told to exit in a rolling restart until the last is back: how long it takes
    until all know of a worker. None where there are no such places, or they were not restarted."""


_STARTED = """
WITH started AS (
    SELECT phase, topology, trial, subject AS part, regexp_extract(detail, 'pid (\\d+)', 1)::INTEGER AS pid, t_ns,
        lead(t_ns) OVER (PARTITION BY phase, topology, trial, subject ORDER BY t_ns) AS next_ns
    FROM marks WHERE part = 'bench' AND kind = 'start' AND subject LIKE 'worker-%'
),
ready AS (SELECT phase, topology, trial, min(t_ns) AS t_ns FROM marks WHERE kind = 'ready' GROUP BY ALL),
used AS (SELECT phase, topology, trial, part, pid, min(begun_ns) AS t_ns FROM executions GROUP BY ALL)
SELECT s.phase, s.topology, s.trial,
    (min(u.t_ns) - s.t_ns) / 1e6,
    (min(n.t_ns) - s.t_ns) / 1e6
FROM started s
JOIN ready r ON (r.phase, r.topology, r.trial) = (s.phase, s.topology, s.trial) AND s.t_ns > r.t_ns
LEFT JOIN marks n ON (n.phase, n.topology, n.trial, n.part) = (s.phase, s.topology, s.trial, s.part)
    AND n.kind = 'started' AND n.t_ns > s.t_ns AND (s.next_ns IS NULL OR n.t_ns < s.next_ns)
LEFT JOIN used u ON (u.phase, u.topology, u.trial, u.part, u.pid) = (s.phase, s.topology, s.trial, s.part, s.pid)
GROUP BY s.phase, s.topology, s.trial, s.part, s.pid, s.t_ns ORDER BY s.phase, s.topology, s.trial, s.t_ns
"""


def started(database: Database) -> dict[EpisodeKey, list[Started]]:
    """Every worker that was started after its deployment was ready, by episode."""
    found: dict[EpisodeKey, list[Started]] = {}
    for phase, topology, trial, used_ms, up_ms in database.execute(_STARTED).fetchall():
        found.setdefault(EpisodeKey(phase, topology, trial), []).append(Started(up_ms, used_ms))
    return found


def membership(
    plan: Plan, steps: Sequence[Step], starts: dict[EpisodeKey, list[Started]], heard: Heard
) -> Membership:
    """What a plan says, and what was measured in the steps: one figure for each trial."""
    roles = [part.role for part in plan.parts]
    last = [part.name for part in plan.parts if part.role == "worker"][-1]
    places = tuple(dict.fromkeys(link.connector for link in plan.links if link.binder == last))
    trials = sorted({step.trial for step in steps})
    joined = {
        trial: [
            each
            for key in dict.fromkeys(key_of(step.episode) for step in steps if step.trial == trial)
            for each in starts.get(key, [])
        ]
        for trial in trials
    }
    return Membership(
        roles.count("front"),
        roles.count("broker"),
        roles.count("worker"),
        places,
        len(plan.links),
        sum(last in (link.connector, link.binder) for link in plan.links),
        _counted(plan, steps),
        _miscounted(steps),
        over_trials(within_trial(each.up_ms for each in joined[trial]) for trial in trials),
        over_trials(within_trial(each.used_ms for each in joined[trial]) for trial in trials),
        over_trials(
            within_trial(_restarts_ms((step for step in steps if step.trial == trial), places, heard))
            for trial in trials
        ),
    )


def _counted(plan: Plan, steps: Sequence[Step]) -> Estimate | None:
    whole = planned(plan, (part.name for part in plan.parts))
    found = [
        (step.trial, seen.links)
        for step in steps
        if (seen := step.episode.connections) and seen.planned == whole
    ]
    by_trial = [
        [links for each, links in found if each == trial] for trial in sorted({trial for trial, _ in found})
    ]
    return over_trials(within_trial(each) for each in by_trial)


def _miscounted(steps: Sequence[Step]) -> tuple[str, ...]:
    looked = {step.episode.name: step.episode.connections for step in steps}
    return tuple(
        f"{name}: {seen.links:g}, planned {seen.planned}"
        for name, seen in looked.items()
        if seen and seen.links != seen.planned
    )


def _restarts_ms(steps: Iterable[Step], places: tuple[str, ...], heard: Heard) -> list[float | None]:
    """Of each rolling restart that took in all places."""
    return [
        _restart_ms(places, heard.absences.get(key_of(step.episode), []), fault.t_ns, end_ns)
        for step in steps
        for fault, end_ns in zip(step.faults, step.fault_ends_ns, strict=True)
        if fault.label.startswith("rolling-restart-") and places
    ]


def _restart_ms(
    places: tuple[str, ...], absences: Sequence[Absence], begin_ns: int, end_ns: int
) -> float | None:
    back_ns = {
        each.part: each.back_ns for each in absences if begin_ns <= each.gone_ns < end_ns and each.back_ns
    }
    if not set(places) <= set(back_ns):
        return None
    return (max(back_ns[place] for place in places) - begin_ns) / NS_PER_MS
