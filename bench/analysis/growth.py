"""Whether a process grows over its life, in memory or in descriptors: what a soak looks for beside the laws.

Invariant: a life is one process, from its start to its end, so that a part that was started again begins anew; its
warm-up is left out, and a life too short to be judged is not judged, neither well nor ill.

How much it grew is the slope of the Theil-Sen line (the median of the slopes between all pairs, Sen 1968) through the
medians of equal stretches of its life, times the length of it: three tenths of the values may be anything, such as the
descriptors of a moment in which everybody reconnects. A leak goes on; memory that was once needed, when a thousand
waited, and stays with the process does not. So it is what it grew by over the whole life or, where that is less, at the
pace of the second half.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from bench.analysis.recording import NS_PER_S, FloatArray, key_of
from bench.analysis.validity import Reason
from bench.ledger import EpisodeKey
from bench.parquet import Database
from bench.phases import Growth, Soak
from bench.run_record import Episode, RunRecord

STRETCHES = 60
MIB = 1 << 20


class Life(NamedTuple):
    """One process that lived long enough."""

    episode: EpisodeKey
    part: str
    judged_s: float
    """How long it was watched, its warm-up not counted."""
    rss_mib: float
    """By how much it grew in that time."""
    fds: float
    """Beside those that its clients hold: a front has one for each connection that is open to it."""


def lives(database: Database, record: RunRecord) -> list[Life]:
    """Every life of every part in a soak that was long enough, in the order in which they began."""
    return [
        life
        for episode in record.episodes
        if isinstance(phase := record.scenario.phase(episode.phase), Soak)
        for life in _lives(database, episode, phase.growth)
    ]


def reasons(lives: Sequence[Life], record: RunRecord) -> list[Reason]:
    """Every growth above what the scenario allows."""
    return [Reason(life.episode, "growth", text) for life in lives for text in _too_much(life, record)]


def grown(t_s: FloatArray, values: FloatArray) -> float:
    """By how much ``values`` grew from the first to the last of ``t_s``, which are in order and at least two, and would
    grow again in as much time.
    """
    late = t_s >= (t_s[0] + t_s[-1]) / 2
    whole = _climb(t_s, values)
    return min(whole, 2 * _climb(t_s[late], values[late])) if np.count_nonzero(late) > 1 else whole


def _climb(t_s: FloatArray, values: FloatArray) -> float:
    """Along the line through ``values``."""
    stretch = np.minimum((t_s - t_s[0]) / max(np.ptp(t_s), 1e-9) * STRETCHES, STRETCHES - 1).astype(int)
    there = np.unique(stretch)
    at = np.array([np.median(t_s[stretch == one]) for one in there])
    level = np.array([np.median(values[stretch == one]) for one in there])
    one, other = np.triu_indices(there.size, k=1)
    if not one.size:
        return 0.0
    slope = np.median((level[other] - level[one]) / (at[other] - at[one]))
    return float(slope * np.ptp(t_s))


def _too_much(life: Life, record: RunRecord) -> Iterator[str]:
    phase = record.scenario.phase(life.episode.phase)
    assert isinstance(phase, Soak)
    limits = phase.growth
    where = f"in {life.judged_s:.0f} s"
    if life.rss_mib > limits.rss_mib_max:
        yield f"{life.part} grew by {life.rss_mib:.1f} MiB {where}, growth.rss_mib_max is {limits.rss_mib_max:g} MiB"
    if life.fds > limits.fds_max:
        yield f"{life.part} grew by {life.fds:.1f} descriptors {where}, growth.fds_max is {limits.fds_max:g}"


_SAMPLES = """
SELECT t_ns, value FROM samples
WHERE phase = ? AND topology = ? AND trial = ? AND part = ? AND name = ? AND t_ns BETWEEN ? AND ?
ORDER BY t_ns
"""
_STARTS = """
SELECT subject, t_ns, kind FROM marks
WHERE phase = ? AND topology = ? AND trial = ? AND part = 'bench' AND kind IN ('start', 'exit', 'stop')
ORDER BY t_ns
"""


def _lives(database: Database, episode: Episode, limits: Growth) -> Iterator[Life]:
    key = key_of(episode)
    for part, start_ns, end_ns in _spans(database, key):
        begin_ns = start_ns + round(limits.warmup_s * NS_PER_S)
        judged_s = (end_ns - begin_ns) / NS_PER_S
        if judged_s < max(limits.life_s_min, 1.0):
            continue
        rss, fds = (_values(database, key, part, name, begin_ns, end_ns) for name in ("rss_bytes", "fds"))
        if min(rss.t_s.size, fds.t_s.size) > 1:
            own = fds.values - _held(database, key, part, begin_ns, end_ns, fds.t_s)
            yield Life(key, part, judged_s, grown(rss.t_s, rss.values) / MIB, grown(fds.t_s, own))


class _Series(NamedTuple):
    t_s: FloatArray
    values: FloatArray


def _values(database: Database, key: EpisodeKey, part: str, name: str, begin_ns: int, end_ns: int) -> _Series:
    rows = database.execute(_SAMPLES, [*key, part, name, begin_ns, end_ns]).fetchnumpy()
    return _Series(rows["t_ns"] / NS_PER_S, rows["value"])


def _held(
    database: Database, key: EpisodeKey, part: str, begin_ns: int, end_ns: int, t_s: FloatArray
) -> FloatArray:
    """How many connections clients held at each of ``t_s``; 0 for a part that has none."""
    held = _values(database, key, part, "connections", begin_ns, end_ns)
    return np.interp(t_s, held.t_s, held.values) if held.t_s.size else np.zeros(t_s.size)


def _spans(database: Database, key: EpisodeKey) -> Iterator[tuple[str, int, int]]:
    """Part, begin and end of each process; the stop of the deployment ends what runs then."""
    begun: dict[str, int] = {}
    for part, t_ns, kind in database.execute(_STARTS, [*key]).fetchall():
        if kind == "start":
            begun[part] = t_ns
        elif kind == "exit" and part in begun:
            yield part, begun.pop(part), t_ns
        elif kind == "stop":
            yield from ((part, start_ns, t_ns) for part, start_ns in begun.items())
            return
