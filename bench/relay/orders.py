"""What the relay is told: its lines at the start, then orders one by one, each answered with what was counted.

Invariant: an order and its answer are one line of JSON each, in turn; whoever holds the other end of the control
socket is the relay's master, and the relay ends with it.
"""

import msgspec


class LineSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One link: where its connector is to connect to, and where its binder is."""

    host: str
    port: int
    to_host: str
    to_port: int


class RelaySpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything that a relay's process is told at its start."""

    lines: tuple[LineSpec, ...]
    """Orders name a line by its place here."""
    control: int
    """The descriptor of its end of the control socket, inherited."""
    seed: str = ""
    """Of jitter."""
    guard_pid: int = 0
    """The process to die with; 0: none."""


class _Order(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="do", kw_only=True):
    number: int = 0
    """Comes back with the answer, so that one whose asker has gone is not taken for the next one's."""


class Cut(_Order, frozen=True, forbid_unknown_fields=True, tag="cut", kw_only=True):
    """Carry nothing over these lines, either way, until ``key`` is lifted."""

    key: str
    lines: tuple[int, ...]


class Delay(_Order, frozen=True, forbid_unknown_fields=True, tag="delay", kw_only=True):
    """Carry everything later, each way, until ``key`` is lifted."""

    key: str
    lines: tuple[int, ...]
    delay_s: float
    jitter_s: float
    """Each chunk is late by ``delay_s`` give or take up to this, evenly; never out of order."""


class Lift(_Order, frozen=True, forbid_unknown_fields=True, tag="lift", kw_only=True):
    """Take back what was imposed under ``key``."""

    key: str


class Count(_Order, frozen=True, forbid_unknown_fields=True, tag="count", kw_only=True):
    """Ask what ``key`` has done so far."""

    key: str


class Reset(_Order, frozen=True, forbid_unknown_fields=True, tag="reset", kw_only=True):
    """RST on both sides of each connection that is open now."""

    lines: tuple[int, ...]


Order = Cut | Delay | Lift | Count | Reset


class Tally(msgspec.Struct, kw_only=True):
    """What was counted: since the order that named the key; for ``Reset``, by it."""

    number: int = 0
    """The order's."""
    connections: int = 0
    """Open now."""
    held_bytes: int = 0
    """Taken and not carried, because of a cut."""
    delayed: int = 0
    """Chunks that were carried late, as told."""
    delayed_s: float = 0.0
    """By so much in all."""
    reset: int = 0
    """Connections that were reset."""
    problem: str = ""
    """Why the order could not be followed; empty where it was."""
