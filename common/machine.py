"""The vocabulary of the pure core: what can happen to a machine, and what it can ask for.

A machine holds the rules of one role and nothing else: no socket, clock, loop, logger or thread. Time is an
argument (seconds, monotonic). It answers every event with effects, which a driver carries out in order.
State changes only inside ``handle`` and ``tick``; a second ``tick`` at the same instant changes nothing.

A driver's duties, the same for the poll loop, the asyncio loop and the simulator:

* call ``tick`` when ``deadline`` has come, and always before it hands on what arrived meanwhile, so that
  nothing is given to the dead;
* deliver everything still readable from a lost peer before its ``Disconnected``;
* answer a ``Send`` that could not be handed to the network with ``Unroutable`` (after one honest retry), as
  the next event.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from common.transaction import Answer, Fate, Frames, Transaction

# --- Events: what happened -------------------------------------------------------------------------------


class Received(NamedTuple):
    """A message arrived at ``socket``. At a ROUTER the first frame is the peer's routing id."""

    socket: str
    frames: list[bytes]


class Unroutable(NamedTuple):
    """A ``Send`` was refused by the network, for certain: no part of it will ever arrive.

    ``gone`` tells no such peer (EHOSTUNREACH) from a full pipe or a socket without peers (EAGAIN).
    """

    socket: str
    frames: Sequence[bytes]
    gone: bool


class Connected(NamedTuple):
    """A ZMTP handshake succeeded at ``socket``. ``peer`` is the endpoint connected to; at a bound socket the
    event is not delivered: there a peer exists from its first message on.
    """

    socket: str
    peer: bytes


class Disconnected(NamedTuple):
    """A connection was lost. ``peer``: at a bound ROUTER the routing id, else the endpoint connected to."""

    socket: str
    peer: bytes


class Submitted(NamedTuple):
    """The one above (the REST front, the load) hands in a transaction."""

    transaction: Transaction


class Finished(NamedTuple):
    """The service is done with the job of an ``Execute``. ``fate`` is COMPLETED, FAILED, or UNKNOWN
    where the service could not say.
    """

    job: int
    fate: Fate
    body: Frames
    worked_us: int


class Drain(NamedTuple):
    """Take nothing new, finish what is held; ``drained`` tells when that is done."""


Event = Received | Unroutable | Connected | Disconnected | Submitted | Finished | Drain

# --- Effects: what is to be done -------------------------------------------------------------------------


class Send(NamedTuple):
    """Send ``frames`` at ``socket``, never blocking. At a ROUTER the first frame is the peer's routing id."""

    socket: str
    frames: Sequence[bytes]


class Execute(NamedTuple):
    """Give a transaction to the service. ``job`` comes back in ``Finished``. A worker has at most one at a
    time. ``opaque``: the message carried no header, the id was made here, nobody will ask for its fate.
    """

    job: int
    transaction: Transaction
    opaque: bool


class Resolve(NamedTuple):
    """Tell the one who submitted transaction ``id`` how it ended."""

    id: bytes
    answer: Answer


class Reopen(NamedTuple):
    """Close ``socket`` with all that is still in it and open it anew: the next conversation is on a new
    connection, with a new routing id.
    """

    socket: str


class Note(NamedTuple):
    """Something worth knowing happened: logged by the driver, stored as a mark, drawn in the recovery chart.

    ``kind`` is a word of ``NOTES``; ``subject`` names the peer or the transaction, printable.
    """

    kind: str
    subject: str = ""
    detail: str = ""


Effect = Send | Execute | Resolve | Reopen | Note


def show(name: bytes) -> str:
    """A routing id or frame as the subject of a ``Note``: itself where printable, else hexadecimal."""
    text = name[:64]
    return text.decode() if text.isascii() and text.decode().isprintable() else text.hex()


NOTES = {
    "started": "a part's sockets are open",
    "peer-up": "a peer was heard for the first time, or again",
    "peer-lost": "a peer is treated as dead: its connection broke, it was silent too long, or it started anew",
    "failover": "a transaction held by a lost peer is waiting to be sent again",
    "unknown": "a transaction held by a lost peer, or late, is answered unknown",
    "rejected": "a transaction was refused here: queue full, draining, expired while it waited",
    "retired": "a peer drains and gave work back; it gets no more until it is connected or says READY anew",
    "dropped": "an opaque message ended here without a reply",
    "malformed": "a message that breaks the protocol was dropped",
    "stale": "a reply that nobody waits for any more",
    "unroutable": "the network refused a message: a reply's receiver is gone, or a peer takes nothing for now",
    "late": "an execution was not started, or ended, after its deadline",
    "budget": "a transaction was not sent again because the retry budget was used up",
    "draining": "no new work is taken",
    "state": "a broker of a binary star became primary, backup, active or passive; a front found the active one",
    "fatal": "both brokers of a binary star were active, or both passive: each begins anew",
}
"""Every kind of ``Note`` and what it says."""


class Machine(Protocol):
    """One role's behaviour."""

    def handle(self, event: Event, now: float) -> Sequence[Effect]:
        """Take in what happened; returns what is to be done, in order."""

    def tick(self, now: float) -> Sequence[Effect]:
        """Do what is due; harmless when nothing is."""

    def deadline(self) -> float:
        """When ``tick`` is next worth calling; ``math.inf`` if never."""

    def gauges(self) -> Mapping[str, int]:
        """Depths right now, by place: sampled by the driver, drawn over time."""

    @property
    def drained(self) -> bool:
        """Whether, after ``Drain``, nothing is held any more."""


class ClientMachine(Machine, Protocol):
    """A topology's client side: takes ``Submitted``, gives exactly one ``Resolve`` for each."""

    @property
    def ready(self) -> bool:
        """Whether a live worker is known, as far as this topology can know."""
