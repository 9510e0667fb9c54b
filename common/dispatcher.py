"""The rules of handing transactions to peers: whose turn it is, what waits, what becomes of what a lost peer held.

A broker hands to workers, a Freelance client to workers, a Paranoid Pirate client to brokers: the same rules, so
they stand here once, without a frame or a socket. Invariant: a job is in exactly one place: waiting, held by one
peer, or ended. What a lost peer held is sent again only where it may be, while time and the retry budget last;
nothing is ever handed to a peer that was lost or retired.
"""

from typing import Generic, NamedTuple, TypeVar

from common.liveness import Pulse
from common.ready import ReadyList
from common.retries import RetryBudget
from common.settings import Retries
from common.waiting import WaitingQueue

Message = TypeVar("Message")


class QueueFull(Exception):
    """The bounded queue holds its limit: the job was not taken, and is definitely rejected."""


class Job(Generic[Message]):
    """One transaction in a dispatcher's hands. Times are seconds on the monotonic clock."""

    __slots__ = (
        "arrived_at",
        "attempts",
        "deadline",
        "id",
        "message",
        "peer",
        "queued_at",
        "retry",
        "sent_at",
        "tried",
        "waited_s",
    )

    def __init__(self, id: bytes, message: Message, deadline: float, retry: bool, now: float) -> None:
        self.id = id
        """Empty for an opaque message."""
        self.message = message
        self.deadline = deadline
        self.retry = retry
        self.arrived_at = self.queued_at = now
        self.sent_at = 0.0
        self.waited_s = 0.0
        """Spent unsent, over all attempts."""
        self.attempts = 0
        """How often it was handed to a peer."""
        self.tried = False
        """Whether a peer that was lost had it: from then on it may have happened, and is never rejected."""
        self.peer: Peer[Message] | None = None

    def __repr__(self) -> str:
        return f"<Job {self.id!r} attempt {self.attempts} at {self.peer!r}>"


class Peer(Generic[Message]):
    """One whom jobs are handed to."""

    __slots__ = ("credit", "held", "name", "pulse", "retired", "withheld")

    def __init__(self, name: bytes, credit: int, pulse: Pulse) -> None:
        self.name = name
        self.credit = credit
        """How many jobs it may hold at once."""
        self.held: dict[Job[Message], None] = {}
        """Jobs handed to it and not yet given back, oldest first."""
        self.pulse = pulse
        self.retired = False
        """It said that it takes nothing more."""
        self.withheld = False
        """It is given nothing until it is offered again."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r} {len(self.held)} of {self.credit}>"


class Lost(NamedTuple, Generic[Message]):
    """What becomes of the jobs that a lost peer held."""

    again: list[Job[Message]]
    """Waiting to be sent again, ahead of all others."""
    unknown: list[Job[Message]]
    """Ended: they may have happened, and must not or cannot be sent again."""
    unfunded: list[Job[Message]]
    """Ended likewise, only because the retry budget was used up."""


class Dispatcher(Generic[Message]):
    """Peers with credit on one side, a bounded queue on the other."""

    def __init__(self, queue_limit: int, retries: Retries) -> None:
        self.waiting: WaitingQueue[Job[Message]] = WaitingQueue(queue_limit)
        self.held = 0
        """Jobs at peers."""
        self._ready: ReadyList[Peer[Message]] = ReadyList()
        self._budget = RetryBudget(retries)

    def submit(self, job: Job[Message], now: float) -> Peer[Message] | None:
        """Take a new job: returns the peer to send it to now; None if it has to wait.

        Raises:
            QueueFull: nobody is ready and the queue holds its limit.
        """
        self._budget.earn()
        peer = self._ready.take()
        if peer is not None:
            self._occupy(peer, job, now)
        elif self.waiting.full:
            raise QueueFull
        else:
            self.waiting.push(job, job.deadline)
        return peer

    def next(self, now: float) -> tuple[Job[Message], Peer[Message]] | None:
        """Take the next waiting job and the ready peer to send it to now; None if there is no such pair.
        Call ``expire`` first.
        """
        if not self.waiting:
            return None
        peer = self._ready.take()
        if peer is None:
            return None
        job = self.waiting.pop()
        assert job is not None
        self._occupy(peer, job, now)
        return job, peer

    def release(self, job: Job[Message]) -> None:
        """The peer is done with the job: its credit comes back."""
        peer = job.peer
        assert peer is not None
        self._take_back(peer, job)
        self._make_ready(peer)

    def unsent(self, job: Job[Message], now: float) -> None:
        """The job never reached its peer, or the peer gave it back untouched: it waits again, first of all.

        Its credit does not come back: the caller loses, retires or withholds the peer.
        """
        peer = job.peer
        assert peer is not None
        self._take_back(peer, job)
        job.attempts -= 1
        self._wait_first(job, now)

    def offer(self, peer: Peer[Message]) -> None:
        """Make the peer ready as far as its credit goes."""
        peer.withheld = False
        self._make_ready(peer)

    def withhold(self, peer: Peer[Message]) -> None:
        """Hand it nothing until it is offered again; what it holds it may still finish."""
        peer.withheld = True
        self._ready.discard(peer)

    def retire(self, peer: Peer[Message]) -> None:
        """Hand it nothing more; what it holds it may still finish."""
        peer.retired = True
        self._ready.discard(peer)

    def lose(self, peer: Peer[Message], now: float) -> Lost[Message]:
        """The peer is dead, or what it held must be treated as if it were."""
        self._ready.discard(peer)
        lost: Lost[Message] = Lost([], [], [])
        for job in peer.held:
            job.peer = None
            job.tried = True
            if not job.retry or job.deadline <= now:
                lost.unknown.append(job)
            elif self._budget.spend():
                lost.again.append(job)
            else:
                lost.unfunded.append(job)
        self.held -= len(peer.held)
        peer.held.clear()
        for job in reversed(lost.again):
            self._wait_first(job, now)
        return lost

    def expire(self, now: float) -> list[Job[Message]]:
        """Take out the waiting jobs whose deadline has passed: rejected, or unknown where ``tried``."""
        jobs = self.waiting.expired(now)
        for job in jobs:
            job.waited_s += now - job.queued_at
        return jobs

    def _occupy(self, peer: Peer[Message], job: Job[Message], now: float) -> None:
        job.peer = peer
        job.attempts += 1
        job.sent_at = now
        job.waited_s += now - job.queued_at
        peer.held[job] = None
        self.held += 1
        self._make_ready(peer)

    def _make_ready(self, peer: Peer[Message]) -> None:
        if len(peer.held) < peer.credit and not peer.retired and not peer.withheld:
            self._ready.put(peer, len(peer.held))

    def _take_back(self, peer: Peer[Message], job: Job[Message]) -> None:
        del peer.held[job]
        self.held -= 1
        job.peer = None

    def _wait_first(self, job: Job[Message], now: float) -> None:
        job.queued_at = now
        self.waiting.push_head(job, job.deadline)
