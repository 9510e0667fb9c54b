"""Every default of the message layer, once, with its unit and its reason.

Invariant: a ``Settings`` that exists is valid; it is made at the edge (CLI, scenario, part spec), frozen, and
passed down in the smallest piece that serves.
"""

import msgspec


def _at_least(name: str, value: float, least: float, unit: str) -> None:
    if not value >= least:
        raise ValueError(f"{name} must be at least {least:g} {unit}, got {value:g}")


class Beats(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When a silent peer is asked for a sign of life, and when it is given up."""

    interval_s: float = 0.1
    """The guide's 1 s, in tenths: a crash is noticed by monitors anyway, this is for hung main threads."""
    liveness: int = 3
    """Intervals of silence until a peer is treated as dead."""
    plain_interval_s: float = 1.0
    """The cadence of RFC peers that are not ours; they are held to it until they have shown ours."""
    state_interval_s: float = 0.05
    """How often the brokers of a binary star say their state. Two without a word, and a client that asks, make the
    other one active: half of the interval above, so that at half of the capacity the backlog, too, is gone in time."""
    proof: int = 5
    """Beats in a row at our cadence that prove a peer keeps it."""

    def __post_init__(self) -> None:
        _at_least("beats.interval_s", self.interval_s, 0.001, "s")
        _at_least("beats.liveness", self.liveness, 1, "beat")
        _at_least("beats.plain_interval_s", self.plain_interval_s, self.interval_s, "s")
        _at_least("beats.state_interval_s", self.state_interval_s, 0.001, "s")
        _at_least("beats.proof", self.proof, 1, "beat")


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Bounds: nothing here grows without one."""

    queue: int = 1000
    """Transactions that wait at one dispatcher; one more is rejected. At 800/s, more than a second's worth."""
    outstanding: int = 10_000
    """Transactions one client has handed to a broker, which bounds its own queue itself."""
    body_bytes: int = 1 << 20
    """The largest body the front takes (413 above), and the base of MAXMSGSIZE."""
    frames: int = 64
    """Frames of one message: more is malformed."""
    opaque_ttl_s: float = 5.0
    """How long a message without a header may wait in a broker: what REST gives by default."""
    grace_s: float = 0.02
    """How long after the deadline a client waits for a broker's word that the transaction was never handed on."""
    drain_s: float = 5.0
    """How long a part that was told to stop waits for what it still holds."""

    def __post_init__(self) -> None:
        _at_least("limits.queue", self.queue, 1, "transaction")
        _at_least("limits.outstanding", self.outstanding, 1, "transaction")
        _at_least("limits.body_bytes", self.body_bytes, 1, "byte")
        _at_least("limits.frames", self.frames, 4, "frames")
        _at_least("limits.opaque_ttl_s", self.opaque_ttl_s, 0.001, "s")
        _at_least("limits.grace_s", self.grace_s, 0, "s")
        _at_least("limits.drain_s", self.drain_s, 0, "s")


class Retries(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The budget for sending again: a token bucket, so that failover cannot feed an overload."""

    burst: int = 256
    """Resends allowed at once: what a lost broker may have held of one front, amply."""
    ratio: float = 0.1
    """Tokens earned by each transaction submitted: resends stay below a tenth of the load in the long run."""

    def __post_init__(self) -> None:
        _at_least("retries.burst", self.burst, 0, "resends")
        _at_least("retries.ratio", self.ratio, 0, "resends per transaction")


class Network(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the sockets are told; facts and reasons in docs/sockets.md."""

    zmtp_heartbeat_ms: int = 50
    """ZMTP ping interval: notices frozen and black-holed peers, which no monitor sees. 0: none."""
    zmtp_timeout_ms: int = 150
    """Silence after a ZMTP ping that breaks the connection; three intervals spare a starved I/O thread."""
    connect_timeout_ms: int = 1000
    handshake_ms: int = 1000
    reconnect_ms: int = 20
    """Pause between attempts to connect; libzmq adds jitter as long as no maximum is set."""

    def __post_init__(self) -> None:
        _at_least("network.zmtp_heartbeat_ms", self.zmtp_heartbeat_ms, 0, "ms")
        _at_least("network.zmtp_timeout_ms", self.zmtp_timeout_ms, 1, "ms")
        _at_least("network.connect_timeout_ms", self.connect_timeout_ms, 1, "ms")
        _at_least("network.handshake_ms", self.handshake_ms, 1, "ms")
        _at_least("network.reconnect_ms", self.reconnect_ms, 1, "ms")


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The message layer's settings, the same for every part of a deployment."""

    credit: int = 1
    """Transactions one dispatcher may have outstanding at one worker: 1 is the article's and the best tail."""
    beats: Beats = msgspec.field(default_factory=Beats)
    limits: Limits = msgspec.field(default_factory=Limits)
    retries: Retries = msgspec.field(default_factory=Retries)
    network: Network = msgspec.field(default_factory=Network)

    def __post_init__(self) -> None:
        _at_least("credit", self.credit, 1, "transaction")
        if self.credit > 1024:
            raise ValueError(f"credit must be at most 1024 transactions, got {self.credit}")
