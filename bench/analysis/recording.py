"""What analysis sees of one step: its transactions as arrays, and when and how it was played.

Invariant: rows are in the order of ``scheduled_ns``, whatever the order in which they ended. What a client tried
several times is one row, due when it was first due, with the end of its last try: retries raise no goodput.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from bench.ledger import FATES, EpisodeKey
from bench.parquet import Database
from bench.phases import ClosedLoop, Open, Paced, Phase, Soak
from bench.run_record import Episode, Injected, PlayedStep, RunRecord

Instants = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

CODES = {fate: code for code, fate in enumerate(FATES)}
"""How ``Transactions.fate`` spells a fate."""
COMPLETED, FAILED = CODES["completed"], CODES["failed"]

NS_PER_MS = 1_000_000
NS_PER_S = 1_000_000_000


class Transactions(NamedTuple):
    """Columns of one length."""

    scheduled_ns: Instants
    sent_ns: Instants
    done_ns: Instants
    fate: npt.NDArray[np.int8]
    """Index into ``FATES``."""
    warmup: npt.NDArray[np.bool_]
    waited_us: Instants
    slot_us: Instants
    attempts: npt.NDArray[np.int32]
    """How often it was handed on, as far as is known: as its client was told, or 1 and as often as a part noted that it
    is to be sent again, whichever is more; of all its client's tries together."""

    @property
    def completed(self) -> npt.NDArray[np.bool_]:
        """Which ended well."""
        return np.equal(self.fate, COMPLETED)

    def where(self, chosen: npt.NDArray[np.bool_]) -> "Transactions":
        """Only these rows."""
        return Transactions._make(column[chosen] for column in self)


class Step(NamedTuple):
    """One step of one episode, as it was played and as it was recorded."""

    phase: Phase
    episode: Episode
    played: PlayedStep
    transactions: Transactions

    @property
    def trial(self) -> int:
        """The number of its trial."""
        return self.episode.trial

    @property
    def closed(self) -> bool:
        """Whether its users waited for their answers: it shows throughput."""
        return isinstance(self.phase, ClosedLoop)

    @property
    def steady(self) -> bool:
        """Whether it was an open loop that nothing was done to: it shows latency."""
        return isinstance(self.phase, Open) and not self.phase.faults

    @property
    def faults(self) -> list[Injected]:
        """What was done to it, in the order of time; none of a soak's, whose spans overlap: their recoveries cannot
        be told apart; none of a paced phase's, which asks for less when it is served worse: it shows no recovery.
        """
        if isinstance(self.phase, Soak | Paced):
            return []
        mine = (fault for fault in self.episode.faults if fault.step == self.played.name)
        return sorted(mine, key=lambda fault: fault.t_ns)

    @property
    def fault_ends_ns(self) -> list[int]:
        """Where the span of each of ``faults`` ends: at the next that was due later, or with the step."""
        return [
            next(
                (later.t_ns for later in self.faults if later.planned_ns > fault.planned_ns),
                self.played.end_ns,
            )
            for fault in self.faults
        ]

    @property
    def measured_s(self) -> float:
        """How long its measured part was."""
        return (self.played.end_ns - self.played.warm_ns) / NS_PER_S

    @property
    def completions(self) -> int:
        """Transactions that were completed within its measured part, whenever they were due."""
        done_ns = self.transactions.done_ns[self.transactions.completed]
        return int(np.count_nonzero((done_ns >= self.played.warm_ns) & (done_ns < self.played.end_ns)))

    @property
    def measured(self) -> Transactions:
        """Without those due in the warm-up."""
        return self.transactions.where(~self.transactions.warmup)


def key_of(episode: Episode) -> EpisodeKey:
    """Its key in the tables."""
    return EpisodeKey(episode.phase, episode.topology, episode.trial)


_STEP = """
SELECT
    arg_min(scheduled_ns, retry) AS scheduled_ns, arg_min(sent_ns, retry) AS sent_ns,
    arg_max(done_ns, retry) AS done_ns, (list_position(?, arg_max(fate, retry)) - 1)::TINYINT AS fate,
    arg_min(warmup, retry) AS warmup, arg_max(waited_us, retry) AS waited_us, arg_max(slot_us, retry) AS slot_us,
    sum(greatest(attempts, 1 + coalesce(again.times, 0)))::INTEGER AS attempts
FROM (
    SELECT *, coalesce(retry_number, 0) AS retry, coalesce(origin, "index") AS first FROM transactions
    WHERE phase = ? AND topology = ? AND trial = ? AND step = ? AND fate IN (SELECT unnest(?))
)
LEFT JOIN (SELECT phase, topology, trial, subject AS id, count(*) AS times FROM marks WHERE kind = 'failover'
           GROUP BY ALL) again USING (phase, topology, trial, id)
GROUP BY first
ORDER BY scheduled_ns
"""
"""Tries of the same transaction are one row: due when its client first wanted it, done with its last try."""


def steps(database: Database, record: RunRecord) -> list[Step]:
    """Every step that has begun, in the order in which they were played."""
    return [
        Step(
            record.scenario.phase(episode.phase),
            episode,
            played,
            transactions_of(database, key_of(episode), played.name),
        )
        for episode in record.episodes
        for played in episode.steps
        if played.begin_ns
    ]


def transactions_of(database: Database, episode: EpisodeKey, step: str) -> Transactions:
    """Those of one step, what was tried several times once."""
    fates = list(FATES)
    columns: dict[str, npt.NDArray[Any]] = database.execute(
        _STEP, [fates, *episode, step, fates]
    ).fetchnumpy()
    return Transactions(**columns)
