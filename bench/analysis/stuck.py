"""How many transactions are stuck on workers that nobody has started, beside what theory predicts.

*Stuck* is what had been under way for a second or longer when the first of the absent workers had its sockets open (its
own note ``started``), and what had been answered *unknown* by then, at its deadline: handed on, and to nobody. Others
take a few service times: a run in which a second is not long beside them shows nothing here.

Invariant: judged are only phases in which nothing is done but that workers are absent.
"""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from bench.analysis.predictions import stuck_per_front
from bench.analysis.recording import NS_PER_S, Step, key_of
from bench.faults.absent import Absent
from bench.parquet import Database
from common.topology import Plan

UNDER_WAY_NS_MIN = NS_PER_S


class Stuck(NamedTuple):
    """In one trial."""

    by_front: dict[str, int]
    completed: int
    """How many of them were completed in the end."""
    executed_there: int
    """How many were executed by one of the workers that had been absent."""


class Missing(NamedTuple):
    """One phase in which workers were absent."""

    phase: str
    endpoints: int
    """How many were."""
    fronts: tuple[str, ...]
    predicted: int | None
    """Transactions that should be stuck at each front."""
    trials: list[Stuck]

    @property
    def trials_as_predicted(self) -> int | None:
        """In how many trials it was exactly so at every front; None without a prediction."""
        if self.predicted is None:
            return None
        return sum(set(trial.by_front.values()) == {self.predicted} for trial in self.trials)


_UP = """
SELECT min(t_ns) FROM marks
WHERE phase = $phase AND topology = $topology AND trial = $trial AND kind = 'started' AND list_contains($parts, part)
"""
_STUCK = """
SELECT t.front, t.fate = 'completed', EXISTS (
    FROM executions e WHERE (e.phase, e.topology, e.trial, e.id) = (t.phase, t.topology, t.trial, t.id)
        AND list_contains($parts, e.part)
)
FROM transactions t
WHERE phase = $phase AND topology = $topology AND trial = $trial AND scheduled_ns <= $up_ns
    AND CASE WHEN done_ns > $up_ns THEN scheduled_ns <= $up_ns - $least_ns ELSE fate = 'unknown' END
"""


def missing(database: Database, steps: Sequence[Step], plan: Plan) -> list[Missing]:
    """One for each phase with absent workers; a trial in which none of them ever started says nothing."""
    mine = [step for step in steps if _workers_absent(step)]
    fronts = tuple(part.name for part in plan.parts if part.role == "front")
    found = []
    for phase in dict.fromkeys(step.phase.name for step in mine):
        trials = [step for step in mine if step.phase.name == phase]
        endpoints = len(_absent(trials[0]))
        stuck = [each for step in trials if (each := _stuck(database, step, fronts)) is not None]
        predicted = stuck_per_front(plan.policy, endpoints)
        found.append(Missing(phase, endpoints, fronts, predicted, stuck))
    return found


def _workers_absent(step: Step) -> bool:
    faults = step.phase.faults
    return bool(faults) and all(isinstance(fault, Absent) and fault.role == "worker" for fault in faults)


def _absent(step: Step) -> list[str]:
    return sorted({part for fault in step.faults for part in fault.hit})


def _stuck(database: Database, step: Step, fronts: tuple[str, ...]) -> Stuck | None:
    where = {**key_of(step.episode)._asdict(), "parts": _absent(step)}
    row = database.execute(_UP, where).fetchone()
    if row is None or row[0] is None:
        return None
    rows = database.execute(_STUCK, {**where, "up_ns": row[0], "least_ns": UNDER_WAY_NS_MIN}).fetchall()
    at = Counter(front for front, _, _ in rows)
    return Stuck(
        {front: at[front] for front in fronts},
        completed=sum(completed for _, completed, _ in rows),
        executed_there=sum(there for _, _, there in rows),
    )
