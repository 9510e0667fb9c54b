"""Where each transaction that went wrong was seen last, and what work was done for nobody.

Invariant: a place is the furthest point that something on record speaks of, not a guess at what happened after it. It
is derived from what is stored alone: the client's record, the executions, and the notes of the parts.

The places, in the order in which a transaction comes by them:

* **client**: nothing shows that it was ever taken: its front could not be reached, or its connection broke before any
  part spoke of it;
* **front**: it waited in its front, unsent, until its time was over, or was turned away there;
* **queue**: it had been handed to a broker, and no worker is known to have been given it; also what a lost broker held;
* **link**: it had been handed to a worker, which never began it: on its way, in a pipe, or behind another in the
  worker;
* **worker**: a worker began it and did not finish: killed, hung, or at it still;
* **answer**: a worker finished it, and the answer did not come, or came too late, or was another's.

What goes wrong: **lost** and the fates **unknown**, **broken**, **rejected** and **refused**, as in the ledger; and
**late**: completed for its client, while some execution of it began or ended after the deadline.

*Late work* is what a worker did after the deadline of what it did it for ("zombie work"): nobody waited for it any
more, and whoever waited for the worker did.
"""

from collections.abc import Iterable, Mapping

import msgspec
from msgspec.structs import astuple

from bench.ledger import EpisodeKey
from bench.parquet import Database

PLACES = ("client", "front", "queue", "link", "worker", "answer")

Places = Mapping[str, Mapping[str, int]]
"""{what went wrong: {place: transactions}}; a place where none was seen is left out."""


class LateWork(msgspec.Struct, frozen=True):
    """Executions, and worker time."""

    begun_late: int = 0
    """Begun after the deadline."""
    overran: int = 0
    """Begun before it, and ended after it."""
    worker_ms: int = 0
    """What workers spent after the deadlines, as far as they finished."""


VIEW = """
CREATE OR REPLACE TEMP VIEW places AS
WITH
    ran AS (  -- what the workers wrote down, by transaction
        SELECT phase, topology, trial, id,
            count(*) AS begun,
            count(*) FILTER (e.finished_ns > 0) AS finished,
            bool_or(greatest(e.begun_ns, e.finished_ns) > coalesce(nullif(e.deadline_ns, 0), nullif(t.deadline_ns, 0)))
                AS late
        FROM executions e LEFT JOIN transactions t USING (phase, topology, trial, id)
        WHERE NOT e.opaque GROUP BY ALL
    ),
    said AS (  -- what the parts noted, by transaction
        SELECT phase, topology, trial, subject AS id,
            bool_or(part LIKE 'worker-%') AS by_worker,
            bool_or(part LIKE 'broker-%' AND (kind = 'failover' OR detail = 'worker lost')) AS worker_lost,
            bool_or(part LIKE 'broker-%') AS by_broker,
            bool_or(part LIKE 'front-%' AND (kind = 'failover' OR kind = 'unknown')) AS handed_on,
            bool_or(part LIKE 'front-%') AS by_front
        FROM marks WHERE kind IN ('failover', 'budget', 'unknown', 'rejected', 'late') GROUP BY ALL
    ),
    brokered AS (
        SELECT DISTINCT phase, topology, trial FROM samples WHERE role = 'broker'
    )
SELECT
    t.phase, t.topology, t.trial, t.step, t.id, t.fate,
    CASE
        WHEN t.fate = 'completed' AND (ran.begun IS NULL OR NOT t.answer_ok) THEN 'lost'
        WHEN t.fate = 'completed' THEN 'late'
        ELSE t.fate
    END AS what,
    CASE
        WHEN ran.finished > 0 THEN 'answer'
        WHEN ran.begun > 0 THEN 'worker'
        WHEN said.by_worker OR said.worker_lost THEN 'link'
        WHEN said.by_broker THEN 'queue'
        WHEN said.handed_on OR t.fate IN ('completed', 'unknown') OR t.attempts > 0
            THEN CASE WHEN brokered.phase IS NULL THEN 'link' ELSE 'queue' END
        WHEN said.by_front OR t.fate = 'rejected' THEN 'front'
        ELSE 'client'
    END AS place
FROM transactions t
LEFT JOIN ran USING (phase, topology, trial, id)
LEFT JOIN said USING (phase, topology, trial, id)
LEFT JOIN brokered USING (phase, topology, trial)
WHERE t.fate IN ('unknown', 'broken', 'rejected', 'refused')
    OR (t.fate = 'completed' AND (ran.begun IS NULL OR NOT t.answer_ok OR ran.late));
"""
"""The view, as docs/sql.md shows it: one row for each transaction that went wrong."""

_COUNTED = """
SELECT phase, topology, trial, what, place, count(*) FROM places GROUP BY ALL ORDER BY ALL
"""

_LATE = """
SELECT phase, topology, trial,
    count(*) FILTER (begun_ns > due_ns) AS begun_late,
    count(*) FILTER (begun_ns <= due_ns AND finished_ns > due_ns) AS overran,
    coalesce(sum(finished_ns - greatest(begun_ns, due_ns)) FILTER (finished_ns > due_ns), 0) // 1000000 AS worker_ms
FROM (
    SELECT e.*, coalesce(nullif(e.deadline_ns, 0), nullif(t.deadline_ns, 0)) AS due_ns
    FROM executions e LEFT JOIN transactions t USING (phase, topology, trial, id) WHERE NOT e.opaque
)
GROUP BY ALL
"""
"""An execution is held to the deadline that came with it, else to its client's, as in the ledger."""


def places(database: Database) -> dict[EpisodeKey, Places]:
    """How many transactions that went wrong were last seen where, by episode."""
    database.execute(VIEW)
    found: dict[EpisodeKey, dict[str, dict[str, int]]] = {}
    for phase, topology, trial, what, place, count in database.execute(_COUNTED).fetchall():
        found.setdefault(EpisodeKey(phase, topology, trial), {}).setdefault(what, {})[place] = count
    return dict(found)


def together(every: Iterable[Places]) -> Places:
    """Those of several episodes added up."""
    found: dict[str, dict[str, int]] = {}
    for each in every:
        for what, by_place in each.items():
            for place, count in by_place.items():
                mine = found.setdefault(what, {})
                mine[place] = mine.get(place, 0) + count
    return dict(found)


def late_work(database: Database) -> dict[EpisodeKey, LateWork]:
    """What was done after deadlines, by episode."""
    return {
        EpisodeKey(phase, topology, trial): LateWork(*map(int, counts))
        for phase, topology, trial, *counts in database.execute(_LATE).fetchall()
    }


def total(every: Iterable[LateWork]) -> LateWork:
    """That of several episodes added up."""
    return LateWork(*map(sum, zip(*map(astuple, (LateWork(), *every)), strict=True)))
