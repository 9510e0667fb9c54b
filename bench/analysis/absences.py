"""When parts were away: from the end of a process to the moment when the one started in its place had its sockets open.

Invariant: made from marks alone, in their order; a part that was never seen back has an absence without an end.
"""

from typing import NamedTuple

from bench.ledger import EpisodeKey
from bench.parquet import Database


class Absence(NamedTuple):
    """One. Instants are CLOCK_MONOTONIC in ns, 0 where it did not come to that."""

    part: str
    gone_ns: int
    start_ns: int
    """When its supervisor started it again."""
    back_ns: int

    @property
    def cold_start_ms(self) -> float | None:
        """From the start of the process until it could be talked to: what Python takes to begin."""
        return (self.back_ns - self.start_ns) / 1e6 if self.start_ns and self.back_ns else None


_MARKS = """
SELECT phase, topology, trial, t_ns, kind, CASE WHEN part = 'bench' THEN subject ELSE part END AS who
FROM marks
WHERE (part = 'bench' AND kind IN ('exit', 'start'))
    OR kind = CASE WHEN part LIKE 'front-%' THEN 'listening' ELSE 'started' END
ORDER BY t_ns
"""
"""A front is there when it listens, any other part when its sockets are open."""


def absences(database: Database) -> dict[EpisodeKey, list[Absence]]:
    """Every one, by episode, in the order of time."""
    found: dict[EpisodeKey, list[Absence]] = {}
    last: dict[tuple[EpisodeKey, str], int] = {}
    for phase, topology, trial, t_ns, kind, part in database.execute(_MARKS).fetchall():
        key = EpisodeKey(phase, topology, trial)
        every = found.setdefault(key, [])
        if kind == "exit":
            last[key, part] = len(every)
            every.append(Absence(part, t_ns, 0, 0))
        elif (key, part) in last:
            place = last[key, part]
            every[place] = _later(every[place], kind, t_ns)
    return found


def _later(absence: Absence, kind: str, t_ns: int) -> Absence:
    if kind == "start":
        return absence._replace(start_ns=absence.start_ns or t_ns)
    return absence._replace(back_ns=absence.back_ns or t_ns) if absence.start_ns else absence
