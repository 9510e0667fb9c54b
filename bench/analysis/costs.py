"""What a transaction costs beside processor time (``bench.analysis.cpu``): context switches and memory by role, and
bytes on the wire by link.

Invariant: as for processor time, counted over the measured part of a step, of parts that one process was all along.
Memory is held and not used up: it is what a role has resident while it works, shared pages counted in each.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from bench.analysis import cpu
from bench.analysis.recording import NS_PER_MS, FloatArray, Instants, Step, key_of
from bench.analysis.trials import by_trial, over_trials
from bench.analysis.wire_bytes import wire_bytes
from bench.ledger import EpisodeKey
from bench.parquet import Database
from bench.scenario import Scenario
from bench.statistics import Estimate

GAP_NS = 750 * NS_PER_MS
"""Switches are counted every 500 ms."""
MIB = 1 << 20
SWITCHES = ("ctx_voluntary", "ctx_involuntary")


class Series(NamedTuple):
    """One figure of one part over an episode."""

    role: str
    name: str
    t_ns: Instants
    value: FloatArray


class Costs(NamedTuple):
    """Of one topology."""

    switches_voluntary: dict[str, Estimate]
    """By role, for one completed transaction."""
    switches_involuntary: dict[str, Estimate]
    rss_mib: dict[str, Estimate]
    """By role: all its processes together, mean over the time."""
    wire_bytes: dict[str, int]
    """By link (``front-broker``), there and back; what carries the transaction alone."""
    http_bytes: Estimate | None
    """Between client and front, there and back, as the load counted; None at level client."""


_SERIES = """
SELECT phase, topology, trial, any_value(role), name, list(t_ns ORDER BY t_ns), list(value ORDER BY t_ns)
FROM samples WHERE name IN ('ctx_voluntary', 'ctx_involuntary', 'rss_bytes')
GROUP BY phase, topology, trial, part, name ORDER BY ALL
"""

_HTTP = """
SELECT topology, trial, avg(bytes_out + bytes_in) FROM transactions
WHERE level = 'rest' AND fate = 'completed' GROUP BY ALL ORDER BY ALL
"""

_ID = "SELECT topology, max(id) FROM transactions WHERE fate = 'completed' GROUP BY ALL"


class Spent(NamedTuple):
    """What is on record of a whole run."""

    series: Mapping[EpisodeKey, list[Series]]
    http_bytes: Mapping[tuple[str, int], float]
    """By topology and trial."""
    ids: Mapping[str, bytes]
    """Of each topology, the id of some transaction: it is part of every message."""


def spent(database: Database) -> Spent:
    """All of it."""
    series: dict[EpisodeKey, list[Series]] = defaultdict(list)
    for phase, topology, trial, role, name, t_ns, value in database.execute(_SERIES).fetchall():
        series[EpisodeKey(phase, topology, trial)].append(Series(role, name, np.array(t_ns), np.array(value)))
    return Spent(
        series,
        {(topology, trial): mean for topology, trial, mean in database.execute(_HTTP).fetchall()},
        {topology: id.encode() for topology, id in database.execute(_ID).fetchall()},
    )


def costs(steps: Sequence[Step], found: Spent, topology: str, scenario: Scenario) -> Costs:
    """Over trials: all steady open steps of one together; without such, the closed ones."""
    chosen = [step for step in steps if step.steady] or [step for step in steps if step.closed]
    trials = by_trial(chosen)
    roles = cpu.roles_measured(scenario)
    voluntary, involuntary = (
        _by_role([_switches(trial, found.series, name) for trial in trials], roles) for name in SWITCHES
    )
    id = found.ids.get(topology)
    return Costs(
        voluntary,
        involuntary,
        _by_role([_rss_mib(trial, found.series) for trial in trials], roles),
        wire_bytes(topology, scenario, id) if id and chosen else {},
        over_trials(found.http_bytes.get((topology, trial[0].trial)) for trial in trials),
    )


def _by_role(trials: list[dict[str, float]], roles: Sequence[str]) -> dict[str, Estimate]:
    found = {role: over_trials(trial.get(role) for trial in trials) for role in roles}
    return {role: estimate for role, estimate in found.items() if estimate}


def _switches(steps: list[Step], series: Mapping[EpisodeKey, list[Series]], name: str) -> dict[str, float]:
    """Of one trial, for one completed transaction, by role."""
    counted: dict[str, float] = defaultdict(float)
    for step in steps:
        begin_ns, end_ns = step.played.warm_ns, step.played.end_ns
        for one in series.get(key_of(step.episode), []):
            if one.name == name and watched(one, begin_ns, end_ns):
                before, after = np.interp((begin_ns, end_ns), one.t_ns.astype(np.float64), one.value)
                counted[one.role] += float(after - before)
    completed = sum(step.completions for step in steps)
    return {role: count / completed for role, count in counted.items()} if completed else {}


def watched(one: Series, begin_ns: int, end_ns: int) -> bool:
    """Whether it was watched all along, and was one process: a new one counts from 0."""
    near = (one.t_ns >= begin_ns - GAP_NS) & (one.t_ns <= end_ns + GAP_NS)
    whole = one.t_ns[0] <= begin_ns + GAP_NS and one.t_ns[-1] >= end_ns - GAP_NS
    return bool(whole and (np.diff(one.value[near]) >= 0).all())


def _rss_mib(steps: list[Step], series: Mapping[EpisodeKey, list[Series]]) -> dict[str, float]:
    """Of one trial: the mean over its steps."""
    by_step = [_resident(step, series.get(key_of(step.episode), [])) for step in steps]
    return {
        role: float(np.mean([each[role] for each in by_step if role in each]))
        for role in {role for each in by_step for role in each}
    }


def _resident(step: Step, series: list[Series]) -> dict[str, float]:
    found: dict[str, float] = defaultdict(float)
    for one in series:
        inside = (one.t_ns >= step.played.warm_ns) & (one.t_ns < step.played.end_ns)
        if one.name == "rss_bytes" and inside.any():
            found[one.role] += float(one.value[inside].mean()) / MIB
    return found
