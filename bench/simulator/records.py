"""What a simulation writes down: transactions, executions, notes, and what its script did. All times are virtual s.

Invariant: a transaction is ended once; a second end, or the end of one that nobody submitted, is an error here.
"""

import math
from typing import Literal, NamedTuple

from common.machine import Note
from common.transaction import Answer, Fate, Transaction

Outcome = Literal["open", "completed", "failed", "rejected", "unknown", "refused", "broken"]
"""A fate, or what only the client sees: *refused*, the front was not there; *broken*, it died first; *open*, neither
has happened yet.
"""

_OUTCOME: dict[Fate, Outcome] = {
    Fate.COMPLETED: "completed",
    Fate.FAILED: "failed",
    Fate.REJECTED: "rejected",
    Fate.UNKNOWN: "unknown",
}


class Record:
    """One transaction, as its client saw it."""

    __slots__ = ("answer", "front", "outcome", "resolved", "submitted", "transaction")

    def __init__(self, front: str, transaction: Transaction, submitted: float) -> None:
        self.front = front
        self.transaction = transaction
        self.submitted = submitted
        self.resolved = math.inf
        """``math.inf`` while it is open."""
        self.outcome: Outcome = "open"
        self.answer: Answer | None = None
        """None where no front gave one."""

    def __repr__(self) -> str:
        id, _, deadline, retry = self.transaction
        kind = "PUT" if retry else "POST"
        return (
            f"<{kind} {id.decode()} at {self.front} {self.submitted:.6f} to {self.resolved:.6f} of"
            f" {deadline:.6f}: {self.outcome} {self.answer}>"
        )

    @property
    def response_s(self) -> float:
        """From submission to its end."""
        return self.resolved - self.submitted


class Execution:
    """One time that a worker's service worked on a transaction."""

    __slots__ = ("begun", "finished", "opaque", "outcome", "transaction", "worker")

    def __init__(self, worker: str, transaction: Transaction, opaque: bool, begun: float) -> None:
        self.worker = worker
        self.transaction = transaction
        self.opaque = opaque
        self.begun = begun
        self.finished = math.inf
        """``math.inf``: never, or not yet."""
        self.outcome: Outcome = "open"

    def __repr__(self) -> str:
        name = self.transaction.id.decode()
        return f"<{name} by {self.worker} {self.begun:.6f} to {self.finished:.6f}: {self.outcome}>"


class Noted(NamedTuple):
    """A note of a part's machine."""

    at: float
    part: str
    note: Note


class Mark(NamedTuple):
    """Something that the script, not a machine, did: start, kill, exit, stop, pause, resume."""

    at: float
    part: str
    kind: str


class Journal:
    """All of it, in order of time (transactions: of submission; executions: of their beginning)."""

    def __init__(self) -> None:
        self.transactions: list[Record] = []
        self.executions: list[Execution] = []
        self.notes: list[Noted] = []
        self.marks: list[Mark] = []
        self._open: dict[tuple[str, bytes], Record] = {}

    @property
    def open(self) -> int:
        """How many transactions have not ended."""
        return len(self._open)

    def submitted(self, front: str, transaction: Transaction, now: float) -> Record:
        """A transaction reached a front that is there."""
        record = Record(front, transaction, now)
        self.transactions.append(record)
        key = front, transaction.id
        if key in self._open:
            raise ValueError(
                f"a transaction id must be unique among those open, got {transaction.id!r} twice"
            )
        self._open[key] = record
        return record

    def refused(self, front: str, transaction: Transaction, now: float) -> Record:
        """A transaction found no front."""
        record = Record(front, transaction, now)
        self.transactions.append(record)
        self._end(record, "refused", now)
        return record

    def resolved(self, front: str, id: bytes, answer: Answer, now: float) -> None:
        """A front's machine said how a transaction ended."""
        record = self._open.pop((front, id), None)
        assert record is not None, f"{front} resolved {id!r}, which is not open there: {answer}"
        record.answer = answer
        self._end(record, _OUTCOME[answer.fate], now)

    def broken(self, front: str, now: float) -> None:
        """A front is gone with all that was open at it."""
        for key in [key for key in self._open if key[0] == front]:
            self._end(self._open.pop(key), "broken", now)

    def begun(self, worker: str, transaction: Transaction, opaque: bool, now: float) -> Execution:
        """A service began."""
        execution = Execution(worker, transaction, opaque, now)
        self.executions.append(execution)
        return execution

    @staticmethod
    def finished(execution: Execution, fate: Fate, now: float) -> None:
        """A service is done."""
        execution.finished = now
        execution.outcome = _OUTCOME[fate]

    @staticmethod
    def _end(record: Record, outcome: Outcome, now: float) -> None:
        record.outcome = outcome
        record.resolved = now
