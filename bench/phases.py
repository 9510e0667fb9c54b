"""The phases of a scenario: an intensity of load, and when who is broken meanwhile.

Invariant: a phase that exists can be played by some deployment; which of them lack a part that it hits is told by
``bench.running_order``.

A *phase* is played on a fresh deployment, once for each topology and trial; its *steps* follow each other on that
deployment: one for each concurrency of a closed phase, as many as it needs of a search, one for each load or rate of an
open one, one for each round of a soak.
"""

import re
from collections.abc import Sequence
from itertools import chain
from typing import ClassVar, Literal, NamedTuple

import msgspec

from bench.faults import on_load
from bench.faults.registry import AnyFault
from bench.load.spec import CONCURRENCY_MAX, SPEC_S_MAX, STEPS_MAX, TRANSACTIONS_MAX

WARMUP_S = 0.5
"""Of a phase that does not say."""

PHASE_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,23}")
"""What a phase may be called: it becomes part of folder names and transaction ids."""


class Step(NamedTuple):
    """A stretch of one phase with one intensity."""

    name: str
    """``16`` (concurrency), ``0.5`` (load) or ``320/s`` (rate): the column ``step`` of every table."""
    warmup_s: float
    duration_s: float
    concurrency: int = 0
    load: float = 0.0
    """Fraction of the reference capacity."""
    rate_per_s: float = 0.0

    @property
    def seconds(self) -> float:
        """How long it is offered load, warm-up included."""
        return self.warmup_s + self.duration_s


class _Phase(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", kw_only=True):
    """What every kind of phase has."""

    duration_s_max: ClassVar[float] = 3600

    name: str
    duration_s: float
    """The measured part of each step."""
    warmup_s: float = WARMUP_S
    """The part before, which no figure counts."""

    def __post_init__(self) -> None:
        if not PHASE_NAME.fullmatch(self.name):
            raise ValueError(f"name must be 1 to 24 of [a-z0-9-], got {self.name!r}")
        if not 0.1 <= self.duration_s <= self.duration_s_max:
            raise ValueError(f"duration_s must be 0.1 to {self.duration_s_max:g} s, got {self.duration_s:g}")
        if not 0 <= self.warmup_s <= 600:
            raise ValueError(f"warmup_s must be 0 to 600 s, got {self.warmup_s:g}")


class Closed(_Phase, frozen=True, forbid_unknown_fields=True, tag="closed", kw_only=True):
    """So many users who each ask again once they were answered: finds what a topology can do at most."""

    concurrency: tuple[int, ...]

    def __post_init__(self) -> None:
        super().__post_init__()
        check_list("concurrency", self.concurrency)
        for users in self.concurrency:
            if not 1 <= users <= CONCURRENCY_MAX:
                raise ValueError(f"concurrency must be 1 to {CONCURRENCY_MAX}, got {users}")

    @property
    def faults(self) -> tuple[AnyFault, ...]:
        """None: a closed loop slows down with the system, so it shows no recovery."""
        return ()

    @property
    def steps(self) -> tuple[Step, ...]:
        """One for each concurrency."""
        return tuple(Step(str(n), self.warmup_s, self.duration_s, concurrency=n) for n in self.concurrency)


class Search(_Phase, frozen=True, forbid_unknown_fields=True, tag="search", kw_only=True):
    """A closed loop that doubles its users until that gains nothing, or there are the most that it may have."""

    users_from: int = 1
    users_max: int = 256
    gain_min: float = 0.05
    """Growth of throughput, as a fraction, over two doublings: with less the search is over."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 1 <= self.users_from <= self.users_max <= CONCURRENCY_MAX:
            raise ValueError(
                f"users_from and users_max must be 1 to {CONCURRENCY_MAX}, the first at most the second,"
                f" got {self.users_from} and {self.users_max}"
            )
        if not 0 <= self.gain_min <= 1:
            raise ValueError(f"gain_min must be 0 to 1, got {self.gain_min:g}")

    @property
    def faults(self) -> tuple[AnyFault, ...]:
        """None, as of every closed loop."""
        return ()

    @property
    def concurrency(self) -> tuple[int, ...]:
        """Every number of users that may be tried."""
        doublings = (self.users_max // self.users_from).bit_length()
        return tuple(self.users_from << doubling for doubling in range(doublings))

    @property
    def steps(self) -> tuple[Step, ...]:
        """One for each of them, of which only the first are played."""
        return tuple(Step(str(n), self.warmup_s, self.duration_s, concurrency=n) for n in self.concurrency)


class Open(_Phase, frozen=True, forbid_unknown_fields=True, tag="open", kw_only=True):
    """Transactions that are due when they are due, whatever the system does: latency, and recovery after faults."""

    loads: tuple[float, ...] = ()
    """Fractions of the reference capacity, which an earlier closed phase found."""
    rates_per_s: tuple[float, ...] = ()
    """Or rates as such."""
    arrivals: Literal["poisson", "constant", "trace"] = "poisson"
    trace: str = ""
    """trace: the CSV file (``bench.load.trace``). At another rate than its own its time is stretched, and where a step
    lasts longer it begins again."""
    faults: tuple[AnyFault, ...] = msgspec.field(default=(), name="fault")

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_rates(self)
        self._check_trace()
        _check_faults(self)
        on_load.check(self.faults)

    def _check_trace(self) -> None:
        if (self.arrivals == "trace") != bool(self.trace):
            raise ValueError(
                f'arrivals "trace" and a file in trace go together, got {self.arrivals!r} and {self.trace!r}'
            )
        if self.trace and (bursts := on_load.on_load(self.faults)):
            raise ValueError(
                f"a trace says itself when more comes: expected no fault {bursts[0].kind!r} beside it"
            )

    @property
    def steps(self) -> tuple[Step, ...]:
        """One for each load or rate."""
        return _rate_steps(self)


class Paced(_Phase, frozen=True, forbid_unknown_fields=True, tag="paced", kw_only=True):
    """So many users who all together ask at a given rate, each only when the last answer has come: shows what a load
    that waits for its answers does not see of a fault.
    """

    users: int
    loads: tuple[float, ...] = ()
    """Fractions of the reference capacity, as of an open phase."""
    rates_per_s: tuple[float, ...] = ()
    arrivals: ClassVar[Literal["constant"]] = "constant"
    faults: tuple[AnyFault, ...] = msgspec.field(default=(), name="fault")

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 1 <= self.users <= CONCURRENCY_MAX:
            raise ValueError(f"users must be 1 to {CONCURRENCY_MAX}, got {self.users}")
        _check_rates(self)
        _check_faults(self)
        for fault in self.faults:
            if isinstance(fault, on_load.OnLoad):
                raise ValueError(f"a paced phase must have no fault of the load, got {fault.kind!r}")

    @property
    def steps(self) -> tuple[Step, ...]:
        """One for each load or rate."""
        return _rate_steps(self, self.users)


class Growth(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How much a process may grow over its life, by a line through it: more is a leak."""

    life_s_min: float = 30.0
    """A process that lived shorter, its warm-up not counted, is not judged."""
    warmup_s: float = 15.0
    """Of each process: pools fill, code is loaded."""
    rss_mib_max: float = 4.0
    fds_max: float = 3.0

    def __post_init__(self) -> None:
        for name in ("life_s_min", "warmup_s", "rss_mib_max", "fds_max"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name} must be at least 0, got {getattr(self, name):g}")


class Soak(_Phase, frozen=True, forbid_unknown_fields=True, tag="soak", kw_only=True):
    """An open loop on one deployment for long, in rounds, with faults drawn from the seed in each."""

    duration_s_max: ClassVar[float] = SPEC_S_MAX

    rate_per_s: float
    round_s: float = 60.0
    """About: the rounds are of one length. After each of them the laws are checked."""
    growth: Growth = msgspec.field(default_factory=Growth)
    arrivals: ClassVar[Literal["poisson"]] = "poisson"
    loads: ClassVar[tuple[float, ...]] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.rate_per_s <= 100_000:
            raise ValueError(f"rate_per_s must be above 0 and at most 100000, got {self.rate_per_s:g}")
        if not 1 <= self.round_s <= 3600:
            raise ValueError(f"round_s must be 1 to 3600 s, got {self.round_s:g}")

    @property
    def rates_per_s(self) -> tuple[float, ...]:
        """The one rate."""
        return (self.rate_per_s,)

    @property
    def faults(self) -> tuple[AnyFault, ...]:
        """None that is written down: they are drawn (bench/soak.py) when it is known which parts there are."""
        return ()

    @property
    def steps(self) -> tuple[Step, ...]:
        """One for each round."""
        rounds = max(round(self.duration_s / self.round_s), 1)
        length_s = self.duration_s / rounds
        return tuple(
            Step(f"round-{number}", self.warmup_s, length_s, rate_per_s=self.rate_per_s)
            for number in range(1, rounds + 1)
        )


ClosedLoop = Closed | Search
Phase = ClosedLoop | Open | Paced | Soak


def check_list(name: str, values: Sequence[object]) -> None:
    """Entries there must be, and none twice. Raises ValueError."""
    if not values:
        raise ValueError(f"{name} must have at least one entry")
    if len(set(values)) < len(values):
        raise ValueError(f"{name} must have no entry twice, got {', '.join(map(str, values))}")


def check_bounds(phase: Phase) -> None:
    """Whether one load process can play it; bursts and retries come on top. Raises ValueError."""
    steps = phase.steps
    seconds = sum(step.seconds for step in steps)
    count = sum(step.rate_per_s * step.seconds for step in steps)
    if len(steps) > STEPS_MAX:
        raise ValueError(f"phase {phase.name!r} must have at most {STEPS_MAX} steps, got {len(steps)}")
    if seconds > SPEC_S_MAX:
        raise ValueError(
            f"phase {phase.name!r} must last at most {SPEC_S_MAX:g} s with all steps and warm-ups, got {seconds:g}"
        )
    if count > TRANSACTIONS_MAX:
        raise ValueError(
            f"phase {phase.name!r} must ask for at most {TRANSACTIONS_MAX} transactions, got {count:.0f}"
        )


def _rate_steps(phase: Open | Paced, users: int = 0) -> tuple[Step, ...]:
    """One for each load or rate."""
    warmup_s, duration_s = phase.warmup_s, phase.duration_s
    by_load = (Step(f"{load:g}", warmup_s, duration_s, users, load=load) for load in phase.loads)
    by_rate = (
        Step(f"{rate:g}/s", warmup_s, duration_s, users, rate_per_s=rate) for rate in phase.rates_per_s
    )
    return tuple(chain(by_load, by_rate))


def _check_rates(phase: Open | Paced) -> None:
    """Loads or rates there must be. Raises ValueError."""
    if bool(phase.loads) == bool(phase.rates_per_s):
        which = "an open" if isinstance(phase, Open) else "a paced"
        got = "both" if phase.loads else "neither"
        raise ValueError(f"{which} phase must have either loads or rates_per_s, got {got}")
    check_list("loads", phase.loads or (1,))
    check_list("rates_per_s", phase.rates_per_s or (1,))
    for load in phase.loads:
        if not 0 < load <= 10:
            raise ValueError(f"loads must be above 0 and at most 10 times the capacity, got {load:g}")
    for rate in phase.rates_per_s:
        if not 0 < rate <= 100_000:
            raise ValueError(f"rates_per_s must be above 0 and at most 100000, got {rate:g}")


def _check_faults(phase: Open | Paced) -> None:
    """Each must be over in time. Raises ValueError."""
    for fault in phase.faults:
        if not fault.last_at_s < phase.duration_s:
            which = f" for the last of {fault.repeat}" if fault.repeat > 1 else ""
            raise ValueError(
                f"at_s of a fault must be below duration_s {phase.duration_s:g}, got {fault.last_at_s:g}{which}"
            )
        if not fault.end_s <= phase.duration_s:
            raise ValueError(
                f"a fault must be over by duration_s {phase.duration_s:g}, got one that ends at {fault.end_s:g}"
            )
        if fault.from_start and len(phase.steps) > 1:
            raise ValueError(
                f"a phase with a fault {fault.kind!r}, which is there from the start of a deployment, must have"
                f" one load or rate, got {len(phase.steps)}"
            )
