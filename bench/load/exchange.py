"""One transaction as the load process lives it: due, sent, ended.

Invariant: an exchange that was handed to a carrier comes back through ``Traffic.ended`` exactly once, with
its ``ending`` and ``done_ns`` set; from then on nobody changes it.
"""

import enum
from collections.abc import Callable
from typing import Protocol

from common.transaction import Fate


class Ending(enum.IntEnum):
    """How a transaction ended, seen from the client: the fates, and what only the client can see."""

    COMPLETED = 1
    FAILED = 2
    REJECTED = 3
    UNKNOWN = 4
    REFUSED = 5
    """The front could not be reached: nothing was sent."""
    BROKEN = 6
    """Sent, at least in part, and no whole answer: the connection broke, or patience ended."""
    DROPPED = 7
    """Not sent because the generator itself could not: makes the trial invalid."""

    @property
    def text(self) -> str:
        """As the tables name it."""
        return self.name.lower()

    @property
    def definite(self) -> bool:
        """Whether it is certain what happened to the transaction."""
        return self not in (Ending.UNKNOWN, Ending.BROKEN)


ENDING_OF = {fate: Ending[fate.name] for fate in Fate}


class Exchange:
    """See the module. Instants are nanoseconds of CLOCK_MONOTONIC, 0 where it did not happen."""

    __slots__ = (
        "answer_ok",
        "attempts",
        "body",
        "bytes_in",
        "bytes_out",
        "deadline_ns",
        "done_ns",
        "ending",
        "front",
        "hang_up",
        "id",
        "index",
        "named",
        "origin",
        "picked_ns",
        "retry",
        "scheduled_ns",
        "sent_ns",
        "slot_us",
        "status",
        "step",
        "waited_us",
        "warmup",
        "worked_us",
    )

    def __init__(
        self,
        step: int,
        index: int,
        id: bytes,
        body: bytes,
        scheduled_ns: int,
        picked_ns: int,
        warmup: bool,
        origin: int | None = None,
        retry: int = 0,
    ) -> None:
        self.step = step
        self.index = index
        self.origin = index if origin is None else origin
        """The index of the first try, its own where it is that."""
        self.retry = retry
        """0: a first try. k: the k-th retry, a transaction of its own."""
        self.id = id
        self.body = body
        self.scheduled_ns = scheduled_ns
        self.picked_ns = picked_ns
        """When the generator took it up: the difference to ``scheduled_ns`` is its own lag."""
        self.warmup = warmup
        self.front = 0
        self.sent_ns = 0
        """Just before its first byte went out."""
        self.done_ns = 0
        self.deadline_ns = 0
        self.ending = Ending.DROPPED
        self.status = 0
        self.answer_ok = False
        """The answer's id, and where the service echoes its body, are this transaction's own."""
        self.named = True
        """Whether the service knows the transaction by ``id``, for all this side knows."""
        self.attempts = 0
        self.bytes_out = 0
        self.bytes_in = 0
        self.waited_us = 0
        self.slot_us = 0
        self.worked_us = 0
        self.hang_up: Callable[[], None] | None = None
        """Lets go of the connection that carries it, if one does."""

    def __repr__(self) -> str:
        state = self.ending.text if self.done_ns else "under way" if self.sent_ns else "unsent"
        return f"<Exchange {self.id.decode('ascii')} {state}>"


Ended = Callable[[Exchange], None]
"""What a carrier calls, exactly once for each exchange."""


class Carrier(Protocol):
    """What takes transactions to the system under test: HTTP connections, or a topology's client."""

    @property
    def connections(self) -> int:
        """Opened so far."""

    async def prepare(self, parallel: int) -> None:
        """Be ready for about so many transactions at a time; what cannot be reached now is no error."""

    def send(self, exchange: Exchange) -> None:
        """Take it. ``ended`` may be called before this returns."""

    def abandon(self, exchange: Exchange) -> None:
        """Patience is at its end: let go of it, and call ``ended`` for it, now."""

    async def close(self) -> None:
        """Close what is open. Nothing is under way any more."""


def body_of(id: bytes, size: int) -> bytes:
    """The ``size`` bytes that this transaction carries: its id over and over, whole at the end, so that no
    two transactions share one (as far as ``size`` leaves room).
    """
    return (id * (size // len(id) + 1))[-size:] if size else b""
