"""How many transactions stood where around a fault: in fronts, brokers, links and workers, over time.

Invariant: each place is told by the more honest of two sources. What a part holds in a queue of its own it counts
itself, ten times a second, and a part that is paused keeps what it held while one that has exited holds nothing. No
part can count what is in sockets, pipes and kernel buffers, so a link's depth is computed from the ledger:
transactions sent and not answered, less those that a worker is executing, less what the queues were sampled at. What
is executing is work and no queue, and stands in none of the places.

What a link holds includes whatever no gauge tells of: the HTTP of the front, and answers on their way back. It is never
less than 0; by how much the samples, up to 100 ms old, exceeded the ledger is told beside it.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from bench.analysis.recording import NS_PER_MS, NS_PER_S, FloatArray, Instants, Step, key_of
from bench.analysis.timeline import spans
from bench.ledger import EpisodeKey
from bench.parquet import Database
from bench.run_record import Injected

BIN_NS = 100 * NS_PER_MS
"""As far apart as samples are."""

SILENCE_S = 0.25
"""Samples further apart than this tell of a part that could not take one."""

PLACES = ("front", "broker", "worker", "link")
"""In the order in which they are stacked: the computed one stands on those that were sampled."""


class Gauge(NamedTuple):
    """The depth of one part's queue as it told it, instant by instant."""

    role: str
    t_ns: Instants
    depth: FloatArray


class Stays(NamedTuple):
    """From when until when, one entry for each: in no order, two columns of one length."""

    begin_ns: Instants
    end_ns: Instants


class Held(NamedTuple):
    """What is on record of one episode about who held what."""

    gauges: list[Gauge]
    under_way: Stays
    """Of transactions: from when they were sent until their client was answered or gave up."""
    executing: Stays
    """Of executions, as far as their transactions were under way."""


class Depth(NamedTuple):
    """Around one fault; of several, their mean. Arrays have one length."""

    t_s: FloatArray
    """The middle of each bin, in seconds after the fault."""
    places: dict[str, FloatArray]
    """Mean number of transactions in the bin, by place, in the order of ``PLACES``."""
    excess: FloatArray
    """By how much the sampled places held more than there was."""
    n: int
    """Faults that were laid over each other."""


_GAUGES = """
WITH told AS (
    SELECT phase, topology, trial, part, role, t_ns, value FROM samples
    WHERE (role IN ('front', 'broker') AND name = 'queued') OR (role = 'worker' AND name = 'waiting')
)
SELECT phase, topology, trial, any_value(role), list(t_ns ORDER BY t_ns), list(value ORDER BY t_ns)
FROM (
    FROM told
    UNION ALL
    SELECT m.phase, m.topology, m.trial, m.subject, p.role, m.t_ns, 0
    FROM marks m JOIN (SELECT DISTINCT phase, topology, trial, part, role FROM told) p
        ON (m.phase, m.topology, m.trial, m.subject) = (p.phase, p.topology, p.trial, p.part)
    WHERE m.part = 'bench' AND m.kind = 'exit'
)
GROUP BY phase, topology, trial, part ORDER BY phase, topology, trial, part
"""
"""What a part told, and nothing from its exit on."""

_UNDER_WAY = """
SELECT phase, topology, trial, list(sent_ns), list(done_ns)
FROM transactions WHERE sent_ns > 0 AND done_ns > sent_ns GROUP BY ALL
"""

_EXECUTING = """
SELECT phase, topology, trial, list(from_ns), list(to_ns)
FROM (
    SELECT e.phase, e.topology, e.trial, greatest(any_value(e.begun_ns), any_value(t.sent_ns)) AS from_ns,
        least(any_value(t.done_ns), coalesce(nullif(any_value(e.finished_ns), 0), min(m.t_ns),
            any_value(t.done_ns))) AS to_ns
    FROM executions e
    JOIN transactions t USING (phase, topology, trial, id)
    LEFT JOIN marks m ON e.finished_ns = 0 AND m.part = 'bench' AND m.kind = 'exit' AND m.subject = e.part
        AND (m.phase, m.topology, m.trial) = (e.phase, e.topology, e.trial) AND m.t_ns > e.begun_ns
    WHERE NOT e.opaque
    GROUP BY e.phase, e.topology, e.trial, e.id, e.part, e.begun_ns
)
WHERE to_ns > from_ns GROUP BY ALL
"""
"""One that did not finish lasted until its worker's exit."""


def held(database: Database) -> dict[EpisodeKey, Held]:
    """By episode, of those in which something was sent."""
    gauges: dict[EpisodeKey, list[Gauge]] = {}
    for phase, topology, trial, role, t_ns, depth in database.execute(_GAUGES).fetchall():
        key = EpisodeKey(phase, topology, trial)
        gauges.setdefault(key, []).append(Gauge(role, np.array(t_ns), np.array(depth)))
    executing = _stays(database, _EXECUTING)
    nothing = Stays(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64))
    return {
        key: Held(gauges.get(key, []), stays, executing.get(key, nothing))
        for key, stays in _stays(database, _UNDER_WAY).items()
    }


def _stays(database: Database, query: str) -> dict[EpisodeKey, Stays]:
    return {
        EpisodeKey(phase, topology, trial): Stays(np.array(begin_ns), np.array(end_ns))
        for phase, topology, trial, begin_ns, end_ns in database.execute(query).fetchall()
    }


def around(events: Sequence[tuple[Step, Injected, int]], every: Mapping[EpisodeKey, Held]) -> Depth | None:
    """Around some faults, each with its step and the end of its span in ns, laid over each other; None where nothing is
    on record of them.
    """
    known = [event for event in events if key_of(event[0].episode) in every]
    if not known:
        return None
    before_ns, after_ns = spans(known)
    edges_ns = np.arange(-(before_ns // BIN_NS), after_ns // BIN_NS + 1) * BIN_NS
    if edges_ns.size < 2:
        return None
    found = [_places(every[key_of(step.episode)], edges_ns + fault.t_ns) for step, fault, _ in known]
    stacked = np.mean([[each[place] for place in PLACES] for each in found], axis=0)
    link = stacked[PLACES.index("link")]
    places = dict(zip(PLACES, stacked, strict=True))
    return Depth(
        (edges_ns[:-1] + BIN_NS / 2) / NS_PER_S,
        {**places, "link": np.maximum(link, 0)},
        np.maximum(-link, 0),
        len(known),
    )


def _places(episode: Held, edges_ns: Instants) -> dict[str, FloatArray]:
    """Mean depth between edges; a link's may come out below 0."""
    found = {place: np.zeros(edges_ns.size - 1) for place in PLACES}
    for gauge in episode.gauges:
        found[gauge.role] += mean_depth(gauge, edges_ns)
    queued = found["front"] + found["broker"] + found["worker"]
    found["link"] = (
        mean_number(episode.under_way, edges_ns) - mean_number(episode.executing, edges_ns) - queued
    )
    return found


def mean_depth(gauge: Gauge, edges_ns: Instants) -> FloatArray:
    """Mean over time between edges of what a part told: straight from each sample to the next, but through a longer
    silence as it was before (who is paused moves nothing); 0 before it told anything.
    """
    t_s, depth = _with_silences((gauge.t_ns - edges_ns[0]) / NS_PER_S, gauge.depth)
    at_s = (edges_ns - edges_ns[0]) / NS_PER_S
    every_s = np.union1d(t_s, at_s)
    drawn = np.interp(every_s, t_s, depth, left=0)
    area = np.concatenate(([0.0], np.cumsum((drawn[1:] + drawn[:-1]) / 2 * np.diff(every_s))))
    return _over(area[np.searchsorted(every_s, at_s)], at_s)


def _with_silences(t_s: FloatArray, depth: FloatArray) -> tuple[FloatArray, FloatArray]:
    """With one more point at the end of each silence, that before the first word among them."""
    after = np.append(0, np.flatnonzero(np.diff(t_s) > SILENCE_S) + 1)
    before = np.append(0.0, depth[after[1:] - 1])
    return np.insert(t_s, after, t_s[after] - 1e-6), np.insert(depth, after, before)


def mean_number(stays: Stays, edges_ns: Instants) -> FloatArray:
    """Mean over time between edges of how many stays go on: exact."""
    at_s = (edges_ns - edges_ns[0]) / NS_PER_S
    return _over(_area(stays.begin_ns, edges_ns) - _area(stays.end_ns, edges_ns), at_s)


def _area(since_ns: Instants, edges_ns: Instants) -> FloatArray:
    """For each edge, over all instants before it, the sum of the seconds that have passed since."""
    since_s = np.sort((since_ns - edges_ns[0]) / NS_PER_S)
    at_s = (edges_ns - edges_ns[0]) / NS_PER_S
    number = np.searchsorted(since_s, at_s)
    area: FloatArray = number * at_s - np.concatenate(([0.0], np.cumsum(since_s)))[number]
    return area


def _over(area: FloatArray, at_s: FloatArray) -> FloatArray:
    mean: FloatArray = np.diff(area) / np.diff(at_s)
    return mean
