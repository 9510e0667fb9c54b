"""What a transaction is, and how one ends: exactly one fate, each of them definite or not.

Invariant: an id is 1 to 64 of ``[A-Za-z0-9._~-]``; whatever passed ``check_id`` needs no further escaping in a
frame, a URL path or a file.
"""

import enum
import re
from typing import NamedTuple

Frames = tuple[bytes, ...]
"""A body: the frames of one message, opaque to everything but the service. One frame from REST."""

ID_LENGTH_MAX = 64
_ID = re.compile(rb"[A-Za-z0-9._~-]{1,64}")


class Fate(enum.Enum):
    """How a transaction ended, as the one who asked for it was told."""

    COMPLETED = "completed"
    """The service's answer, in time."""
    FAILED = "failed"
    """The service said no."""
    REJECTED = "rejected"
    """Never handed on by the one who says so: it has had, and will have, no effect."""
    UNKNOWN = "unknown"
    """Handed on, and no answer in time: it may have happened."""

    @property
    def definite(self) -> bool:
        """Whether it is certain what happened to the transaction."""
        return self is not Fate.UNKNOWN


class Transaction(NamedTuple):
    """One request for work."""

    id: bytes
    body: Frames
    deadline: float
    """Seconds on this host's monotonic clock; after it the answer is worth nothing."""
    retry: bool
    """Whether it is idempotent: may be sent again, to another worker, until its deadline."""


class Answer(NamedTuple):
    """A transaction's fate and what came with it. Durations are in microseconds, 0 where nobody measured."""

    fate: Fate
    body: Frames = ()
    reason: str = ""
    """Why it was rejected or is unknown, for people; empty otherwise."""
    waited_us: int = 0
    """How long it waited, unsent, for a slot of a worker."""
    slot_us: int = 0
    """How long it occupied that slot: from dispatch until the slot was free again."""
    worked_us: int = 0
    """How long the service itself took."""
    attempts: int = 1
    """How often it was handed to a peer by the one who answers."""


def check_id(id: bytes) -> bytes:
    """Return ``id`` where it is one.

    Raises:
        ValueError: with the value and what was expected.
    """
    if not _ID.fullmatch(id):
        raise ValueError(f"a transaction id must be 1 to 64 of [A-Za-z0-9._~-], got {id[:80]!r}")
    return id


def is_id(id: bytes) -> bool:
    """Whether ``id`` may name a transaction."""
    return _ID.fullmatch(id) is not None
