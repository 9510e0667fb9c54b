"""A client's side of every transaction it was given: what is open, and how each one ends, exactly once.

Shared by the clients of both protocols; it knows neither's frames. Invariant: each ``Submitted`` is answered by one
``Resolve``. An answer counts until the deadline; a word that nothing was done (rejected) counts a moment longer; a
rejection is never passed on for a transaction that a lost peer may have executed. When in doubt: unknown.
"""

from collections.abc import Callable, Sequence

from common import wire
from common.deadlines import Deadlines
from common.dispatcher import Dispatcher, Job, Peer, QueueFull
from common.machine import Effect, Note, Resolve, Send
from common.settings import Settings
from common.transaction import Answer, Fate, Frames, Transaction

Hand = Callable[[Job[Frames], Peer[Frames], float], Send]
"""Makes the message that hands a job to a peer now."""


class Submissions:
    """Open transactions over a dispatcher."""

    def __init__(self, settings: Settings, hand: Hand, grace_s: float) -> None:
        self.dispatcher: Dispatcher[Frames] = Dispatcher(settings.limits.queue, settings.retries)
        self._open: dict[bytes, Job[Frames]] = {}
        self._deadlines: Deadlines[Job[Frames]] = Deadlines()
        self._hand = hand
        self._grace_s = grace_s
        self.draining = False

    def __len__(self) -> int:
        return len(self._open)

    @property
    def drained(self) -> bool:
        """Whether, since ``draining`` was set, all have ended."""
        return self.draining and not self._open

    def get(self, id: bytes) -> Job[Frames] | None:
        """The open transaction of that id."""
        return self._open.get(id)

    def is_open(self, job: Job[Frames]) -> bool:
        """Whether it still waits for its end."""
        return self._open.get(job.id) is job

    def submit(self, transaction: Transaction, now: float, effects: list[Effect]) -> None:
        """Take a transaction: hand it on, let it wait, or reject it.

        Raises:
            ValueError: one of that id is open; the one above has to join or refuse the second.
        """
        id, body, deadline, retry = transaction
        if id in self._open:
            raise ValueError(f"a transaction id must be unique among those open, got {id!r} twice")
        job = Job(id, body, deadline, retry, now)
        if self.draining:
            effects.append(Resolve(id, Answer(Fate.REJECTED, reason="draining", attempts=0)))
        elif deadline <= now:
            effects.append(Resolve(id, Answer(Fate.REJECTED, reason="expired", attempts=0)))
        else:
            try:
                peer = self.dispatcher.submit(job, now)
            except QueueFull:
                effects.append(Note("rejected", id.decode(), "queue full"))
                effects.append(Resolve(id, Answer(Fate.REJECTED, reason="queue full", attempts=0)))
            else:
                self._open[id] = job
                if peer is not None:
                    self._send(job, peer, now, effects)

    def dispatch(self, now: float, effects: list[Effect]) -> None:
        """Hand on what waits to whoever is ready."""
        if not self.dispatcher.waiting:
            return
        self._expire_waiting(now, effects)
        while (pair := self.dispatcher.next(now)) is not None:
            self._send(*pair, now, effects)

    def answer(self, job: Job[Frames], body: Sequence[bytes], slot_us: int, now: float,
               effects: list[Effect]) -> None:  # fmt: skip
        """A reply came: ``body`` begins with the status frame, if there is one.

        Raises:
            Malformed: the status claims to be one of ours and is not; the transaction has been ended as unknown.
        """
        try:
            status = wire.parse_reply_status(body[0], job.id) if body else None
        except wire.Malformed:
            self._end(job, Fate.UNKNOWN, "malformed reply", effects)
            raise
        waited_us = int(job.waited_s * 1e6)
        if status is None:
            answer = Answer(Fate.COMPLETED, tuple(body), "", waited_us, slot_us, 0, job.attempts)
        else:
            _, fate, waited_there_us, slot_there_us, worked_us = status
            answer = Answer(fate, tuple(body[1:]), "", waited_us + waited_there_us, slot_us or slot_there_us,
                            worked_us, job.attempts)  # fmt: skip
        if not self.is_open(job):
            effects.append(Note("stale", job.id.decode(), f"{answer.fate.value} after its end"))
        elif answer.fate in (Fate.COMPLETED, Fate.FAILED):
            if now > job.deadline:
                self._end(job, Fate.UNKNOWN, "answered after its deadline", effects)
            else:
                self._resolve(job, answer, effects)
        else:
            reason = b" ".join(answer.body).decode(errors="replace")
            fate = Fate.UNKNOWN if job.tried else answer.fate
            self._resolve(job, answer._replace(fate=fate, body=(), reason=reason), effects)

    def reject(self, job: Job[Frames], why: str, effects: list[Effect]) -> None:
        """It was never handed on, and will not be."""
        self._end(job, Fate.REJECTED, why, effects)

    def lose(self, peer: Peer[Frames], why: str, now: float, effects: list[Effect]) -> None:
        """A peer is lost: what it held is sent again or unknown."""
        effects.append(Note("peer-lost", peer.name.decode(), f"{why}; it held {len(peer.held)}"))
        lost = self.dispatcher.lose(peer, now)
        for job in lost.again:
            self._deadlines.discard(job)
            effects.append(Note("failover", job.id.decode()))
        effects += [Note("budget", job.id.decode()) for job in lost.unfunded]
        for job in lost.unknown + lost.unfunded:
            self._end(job, Fate.UNKNOWN, "what held it was lost", effects)

    def unsent(self, job: Job[Frames], now: float) -> None:
        """The network refused the job: it never reached its peer and waits again."""
        self._deadlines.discard(job)
        self.dispatcher.unsent(job, now)

    def overdue(self, now: float, effects: list[Effect]) -> list[Job[Frames]]:
        """End what has run out of time; returns those that a peer still holds, now ended as unknown."""
        self._expire_waiting(now, effects)
        overdue = []
        for job in self._deadlines.due(now):
            if now < job.deadline + self._grace_s:
                self._deadlines.set(job, job.deadline + self._grace_s)
            else:
                self._end(job, Fate.UNKNOWN, "no answer in time", effects)
                overdue.append(job)
        return overdue

    def deadline(self) -> float:
        """When ``overdue`` is next worth calling."""
        return min(self._deadlines.next(), self.dispatcher.waiting.next_deadline())

    def _send(self, job: Job[Frames], peer: Peer[Frames], now: float, effects: list[Effect]) -> None:
        self._deadlines.set(job, job.deadline)
        effects.append(self._hand(job, peer, now))

    def _expire_waiting(self, now: float, effects: list[Effect]) -> None:
        for job in self.dispatcher.expire(now):
            self._end(job, Fate.UNKNOWN if job.tried else Fate.REJECTED, "expired while it waited", effects)

    def _end(self, job: Job[Frames], fate: Fate, why: str, effects: list[Effect]) -> None:
        if self.is_open(job):
            effects.append(Note(fate.value, job.id.decode(), why))
            answer = Answer(fate, reason=why, waited_us=int(job.waited_s * 1e6), attempts=job.attempts)
            self._resolve(job, answer, effects)

    def _resolve(self, job: Job[Frames], answer: Answer, effects: list[Effect]) -> None:
        del self._open[job.id]
        self._deadlines.discard(job)
        effects.append(Resolve(job.id, answer))
