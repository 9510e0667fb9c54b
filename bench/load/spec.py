"""What the load process is told: one episode's steps against one deployment, and where to write what
happened.

Invariant: a ``LoadSpec`` that exists is valid and bounded in count and time. Times are in seconds; instants
are in nanoseconds of CLOCK_MONOTONIC. Imports no numpy: who writes a spec need not pay for it.
"""

import re
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec

from bench.load.transfers import body_bytes_min
from common.bank.settings import ACCOUNTS_MAX
from common.settings import Retries, Settings
from common.topology import Part

NS_PER_S = 1_000_000_000

TRANSACTIONS_MAX = 10_000_000
"""1.4 GB of records. A mistyped rate is refused instead of filling the disk."""
SPEC_S_MAX = 7200.0
"""The longest episode: two hours."""
STEPS_MAX = 100
CONCURRENCY_MAX = 2048
"""In one closed step; also the most connections to one target."""
RETRIES_MAX = 9
"""Of one transaction: one digit in its id."""
TARGETS_MAX = 64
PREFIX_LENGTH_MAX = 48
"""Leaves room for ``.STEP-INDEX~RETRY`` in an id of 64."""
BODY_BYTES_MAX = 64 << 20
TIMEOUT_S_MAX = 3600.0

_PREFIX = re.compile(r"[A-Za-z0-9._~-]+")
_TARGET = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+)):([0-9]{1,5})")


def _within(name: str, value: float, least: float, most: float, unit: str) -> None:
    if not least <= value <= most:
        raise ValueError(f"{name} must be {least:g} to {most:g} {unit}, got {value:g}")


class Burst(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A stretch of an open step in which more is offered."""

    at_s: float
    """Its begin, in seconds after the step's warm-up."""
    for_s: float
    times: float
    """What the step's rate is multiplied by."""

    def __post_init__(self) -> None:
        _within("at_s", self.at_s, 0, SPEC_S_MAX, "s")
        _within("for_s", self.for_s, 0.001, SPEC_S_MAX, "s")
        if not 1 < self.times <= 1000:
            raise ValueError(f"times must be above 1 and at most 1000, got {self.times:g}")

    @property
    def end_s(self) -> float:
        """From then on the rate is the step's again."""
        return self.at_s + self.for_s


class Retrying(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Clients that ask again, as long as the step lasts; see ``bench.load.retrying``."""

    retries: int
    """Of one transaction, at most."""
    after_s: float
    """From the end of one try to the next."""
    budget: Retries | None
    """What all clients together may spend on retries; None: whatever they like."""

    def __post_init__(self) -> None:
        _within("retries", self.retries, 1, RETRIES_MAX, "retries")
        _within("after_s", self.after_s, 0.001, TIMEOUT_S_MAX, "s")


class _Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="kind"):
    """What every kind of step has. A step lasts ``warmup_s + duration_s``, then what is under way is
    awaited.
    """

    name: str
    """The load or the concurrency as text, ``0.5`` or ``16``: the column ``step`` of every table."""
    phase: str = ""
    duration_s: float
    """After the warm-up."""
    warmup_s: float = 0.0
    """Played and recorded, flagged as warm-up."""

    def __post_init__(self) -> None:
        _within("duration_s", self.duration_s, 0.001, SPEC_S_MAX, "s")
        _within("warmup_s", self.warmup_s, 0, SPEC_S_MAX, "s")


class OpenStep(_Step, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="kind", tag="open"):
    """Transactions leave when their schedule says so, whatever becomes of those before them."""

    arrivals: Literal["poisson", "constant", "trace"] = "poisson"
    trace: str = ""
    """trace: the file."""
    rate_per_s: float
    bursts: tuple[Burst, ...] = ()
    """In the order of time, each over before the next begins."""
    retrying: Retrying | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        _within("rate_per_s", self.rate_per_s, 1e-3, 1e6, "transactions/s")
        if (self.arrivals == "trace") != bool(self.trace) or (self.trace and self.bursts):
            raise ValueError("arrivals trace needs trace, and takes no bursts; the others take no trace")
        over_s = 0.0
        for burst in self.bursts:
            if not over_s <= burst.at_s:
                raise ValueError(
                    f"a burst must begin after the one before, got {burst.at_s:g} s before {over_s:g} s"
                )
            over_s = burst.end_s
        if over_s > self.duration_s:
            raise ValueError(
                f"a burst must be over by duration_s {self.duration_s:g}, got one until {over_s:g} s"
            )

    @property
    def transactions(self) -> float:
        """How many it will send, about; at most, where clients retry."""
        more_s = sum((burst.times - 1) * burst.for_s for burst in self.bursts)
        tries = 1 + (self.retrying.retries if self.retrying else 0)
        return self.rate_per_s * (self.warmup_s + self.duration_s + more_s) * tries


class ClosedStep(
    _Step, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="kind", tag="closed"
):
    """So many loops, each of which sends its next transaction when its last has ended."""

    concurrency: int

    def __post_init__(self) -> None:
        super().__post_init__()
        _within("concurrency", self.concurrency, 1, CONCURRENCY_MAX, "loops")


class PacedStep(_Step, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="kind", tag="paced"):
    """So many users who ask once in a while, each only when the last answer has come: see ``bench.load.paced_loop``."""

    users: int
    rate_per_s: float
    """Of all together, as long as answers come in time."""

    def __post_init__(self) -> None:
        super().__post_init__()
        _within("users", self.users, 1, CONCURRENCY_MAX, "users")
        _within("rate_per_s", self.rate_per_s, 1e-3, 1e6, "transactions/s")

    @property
    def transactions(self) -> float:
        """How many it will send, at most."""
        return self.rate_per_s * (self.warmup_s + self.duration_s) + self.users


Step = OpenStep | ClosedStep | PacedStep


class ClientSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The topology's client that this process drives itself, at level client."""

    topology: str
    part: Part
    settings: Settings = msgspec.field(default_factory=Settings)
    folder: str | None = None
    """Where the client's notes and gauges go, as any part's; None: the log only."""
    ready_s: float = 10.0
    """How long to wait for a live worker before the first step."""


class LoadSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One episode of load."""

    level: Literal["rest", "client"] = "rest"
    method: Literal["PUT", "POST"] = "PUT"
    """PUT may be retried; POST runs at most once. At level client: the transaction's ``retry``."""
    targets: tuple[str, ...] = ()
    """``host:port`` of each front. Transaction i goes to target i mod F and to no other: there is no failover
    here, which a real client has in the load balancer before its fronts."""
    client: ClientSpec | None = None
    timeout_s: float = 5.0
    """The time to live that is asked for. The client's own patience ends ``PATIENCE_S`` later."""
    body_bytes: int = 64
    body: Literal["id", "transfer"] = "id"
    """What it says: the transaction's id over and over, or a transfer between two of ``accounts``."""
    accounts: int = 0
    check: Literal["echo", "none"] = "none"
    """``echo``: a completed transaction's answer is only ok with the request's own body."""
    id_prefix: str
    """Unique per episode. Ids are ``PREFIX.STEP-INDEX``."""
    seed: int = 0
    stream: tuple[int, ...] = ()
    """What tells apart the schedules that share a seed, ``(trial, phase)`` say; the step's number is
    added."""
    steps: tuple[Step, ...]
    search_gain_min: float | None = None
    """Not None: the closed steps search for the capacity, and none is played after ``bench.load.search`` has said that
    it is enough."""
    record_file: str
    """Appended to: one record per transaction."""
    report_file: str
    """Appended to: JSON lines, see ``bench.load.report``."""
    guard_pid: int = 0
    """The parent without which this process must not live on. 0: no guard."""

    def __post_init__(self) -> None:
        _within("timeout_s", self.timeout_s, 0.001, TIMEOUT_S_MAX, "s")
        _within("body_bytes", self.body_bytes, 0, BODY_BYTES_MAX, "bytes")
        _within("number of steps", len(self.steps), 1, STEPS_MAX, "steps")
        _within("seed", self.seed, 0, 2**64 - 1, "")
        if any(word < 0 for word in self.stream):
            raise ValueError(f"stream must hold no negative number, got {self.stream}")
        if not _PREFIX.fullmatch(self.id_prefix) or len(self.id_prefix) > PREFIX_LENGTH_MAX:
            raise ValueError(
                f"id_prefix must be 1 to {PREFIX_LENGTH_MAX} of [A-Za-z0-9._~-], got {self.id_prefix!r}"
            )
        if self.search_gain_min is not None:
            _within("search_gain_min", self.search_gain_min, 0, 1, "")
            if any(isinstance(step, OpenStep) for step in self.steps):
                raise ValueError("a search must have closed steps only")
        self._check_level()
        self._check_bounds()
        if self.body == "transfer":
            _within("accounts", self.accounts, 2, ACCOUNTS_MAX, "accounts")
            _within("body_bytes", self.body_bytes, body_bytes_min(self.accounts), BODY_BYTES_MAX, "bytes")

    def _check_level(self) -> None:
        if self.level == "client":
            if self.client is None or self.targets:
                raise ValueError("level client needs client, and no targets")
            return
        if self.client is not None:
            raise ValueError("level rest takes no client")
        _within("number of targets", len(self.targets), 1, TARGETS_MAX, "targets")
        for target in self.targets:
            address(target)

    def _check_bounds(self) -> None:
        seconds = sum(step.warmup_s + step.duration_s for step in self.steps)
        if seconds > SPEC_S_MAX:
            raise ValueError(f"all steps together must last at most {SPEC_S_MAX:g} s, got {seconds:g} s")
        count = sum(step.transactions for step in self.steps if not isinstance(step, ClosedStep))
        if count > TRANSACTIONS_MAX:
            raise ValueError(
                f"all open and paced steps together must send at most {TRANSACTIONS_MAX} transactions, got {count:.0f}"
            )


class Span(NamedTuple):
    """When a step begins, when its warm-up is over, when its last transaction may be sent."""

    begin_ns: int
    warm_ns: int
    end_ns: int


def span(step: Step, begin_ns: int) -> Span:
    """The step's instants where it begins at ``begin_ns``."""
    warm_ns = begin_ns + round(step.warmup_s * NS_PER_S)
    return Span(begin_ns, warm_ns, warm_ns + round(step.duration_s * NS_PER_S))


def address(target: str) -> tuple[str, int]:
    """Host and port of ``host:port`` or ``[v6]:port``.

    Raises:
        ValueError: it is neither.
    """
    found = _TARGET.fullmatch(target)
    if not found or not 1 <= int(found[3]) <= 65535:
        raise ValueError(f"a target must be host:port with a port of 1 to 65535, got {target!r}")
    return found[1] or found[2], int(found[3])


def read_spec(path: Path) -> LoadSpec:
    """The spec in a JSON file.

    Raises:
        OSError: it cannot be read.
        ValueError: it is not a spec; the message names the place and what was expected.
    """
    return msgspec.json.decode(path.read_bytes(), type=LoadSpec)
