"""A scenario: a workload and a timeline of faults, as data. ``bench.scenario_file`` reads one from TOML.

Invariant: a ``Scenario`` that exists is valid in itself; whether its topologies exist is checked where it is read.

A *phase* is played on a fresh deployment, once for each topology and trial; its *steps* follow each other on that
deployment: one for each concurrency of a closed phase, one for each load or rate of an open one.
"""

import re
from collections.abc import Sequence
from itertools import chain
from typing import ClassVar, Literal, NamedTuple

import msgspec

from bench.faults import on_load
from bench.faults.registry import AnyFault
from bench.hosts.placement import Hosts
from bench.load.spec import CONCURRENCY_MAX
from bench.load.transfers import body_bytes_min
from bench.restart_policy import PolicyName, RestartPolicy, policy_of
from common.services import ServiceSpec
from common.settings import Settings
from common.topology import Deployment

PHASE_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,23}")
"""What a phase may be called: it becomes part of folder names and transaction ids."""
SCENARIO_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")


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
    warmup_s: float = 0.5
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
        _check_list("concurrency", self.concurrency)
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


class Open(_Phase, frozen=True, forbid_unknown_fields=True, tag="open", kw_only=True):
    """Transactions that are due when they are due, whatever the system does: latency, and recovery after faults."""

    loads: tuple[float, ...] = ()
    """Fractions of the reference capacity, which an earlier closed phase found."""
    rates_per_s: tuple[float, ...] = ()
    """Or rates as such."""
    arrivals: Literal["poisson", "constant"] = "poisson"
    faults: tuple[AnyFault, ...] = msgspec.field(default=(), name="fault")

    def __post_init__(self) -> None:
        super().__post_init__()
        if bool(self.loads) == bool(self.rates_per_s):
            raise ValueError("an open phase must have either loads or rates_per_s")
        _check_list("loads", self.loads or (1,))
        _check_list("rates_per_s", self.rates_per_s or (1,))
        for load in self.loads:
            if not 0 < load <= 10:
                raise ValueError(f"loads must be above 0 and at most 10 times the capacity, got {load:g}")
        for rate in self.rates_per_s:
            if not 0 < rate <= 100_000:
                raise ValueError(f"rates_per_s must be above 0 and at most 100000, got {rate:g}")
        for fault in self.faults:
            if not fault.last_at_s < self.duration_s:
                which = f" for the last of {fault.repeat}" if fault.repeat > 1 else ""
                raise ValueError(
                    f"at_s of a fault must be below duration_s {self.duration_s:g}, got {fault.last_at_s:g}{which}"
                )
            if not fault.end_s <= self.duration_s:
                raise ValueError(
                    f"a fault must be over by duration_s {self.duration_s:g}, got one that ends at {fault.end_s:g}"
                )
            if fault.from_start and len(self.steps) > 1:
                raise ValueError(
                    f"a phase with a fault {fault.kind!r}, which is there from the start of a deployment, must have"
                    f" one load or rate, got {len(self.steps)}"
                )
        on_load.check(self.faults)

    @property
    def steps(self) -> tuple[Step, ...]:
        """One for each load or rate."""
        by_load = (Step(f"{load:g}", self.warmup_s, self.duration_s, load=load) for load in self.loads)
        by_rate = (
            Step(f"{rate:g}/s", self.warmup_s, self.duration_s, rate_per_s=rate) for rate in self.rates_per_s
        )
        return tuple(chain(by_load, by_rate))


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

    duration_s_max: ClassVar[float] = 7 * 86400

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


Phase = Closed | Open | Soak


class Supervision(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How the bench looks after the parts."""

    policy: PolicyName = "fixed"
    """By whose rules what died is started again: a preset of bench/restart_policy.py, or after a fixed delay."""
    restart_delay_s: float = 1.0
    """From a death to the next start under the policy ``fixed``; the others have figures of their own and do not read
    it. About daemontools' at a quick second death (0.8 s), supervisord's and s6's (1.0 s). It goes straight into every
    recovery, so it is told beside it."""
    ready_s: float = 60.0
    """How long a deployment may take from its start until every front answers and knows a worker: 64 workers and 8
    fronts take 20 s on two cores."""
    stop_margin_s: float = 2.0
    """How long after ``settings.limits.drain_s`` a part that was told to stop is killed."""

    def __post_init__(self) -> None:
        if not 0 <= self.restart_delay_s <= 600:
            raise ValueError(f"restart_delay_s must be 0 to 600 s, got {self.restart_delay_s:g}")
        if not self.ready_s >= 1:
            raise ValueError(f"ready_s must be at least 1 s, got {self.ready_s:g}")
        if not self.stop_margin_s >= 0:
            raise ValueError(f"stop_margin_s must be at least 0 s, got {self.stop_margin_s:g}")

    @property
    def restart(self) -> RestartPolicy:
        """The rules that hold."""
        return policy_of(self.policy, self.restart_delay_s)


class Validity(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When the bench's own part in a measurement was too large for it to be believed."""

    lag_p99_ms_max: float = 5.0
    """How late the load process may send, at the 99th percentile of an open step. Latency counts from the scheduled
    instant, so its own lag is in every figure."""
    load_cpu_share_max: float = 0.9
    """How busy the load process may be, of one processor, at level rest: above, it is what was measured."""

    def __post_init__(self) -> None:
        if not self.lag_p99_ms_max > 0:
            raise ValueError(f"lag_p99_ms_max must be above 0 ms, got {self.lag_p99_ms_max:g}")
        if not self.load_cpu_share_max > 0:
            raise ValueError(f"load_cpu_share_max must be above 0, got {self.load_cpu_share_max:g}")


class Scenario(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Everything that a run is made from."""

    name: str
    title: str = ""
    question: str = ""
    """What it answers."""
    topologies: tuple[str, ...]
    trials: int = 1
    seed: int = 1
    """Feeds arrivals, service times and the choice of who is hit."""
    level: Literal["rest", "client"] = "rest"
    """Through Tornado, or the topology's client driven without HTTP."""
    method: Literal["PUT", "POST"] = "PUT"
    """PUT may be retried and failed over; POST runs at most once."""
    timeout_s: float = 5.0
    """Each transaction's time to live."""
    body_bytes: int = 64
    deployment: Deployment = msgspec.field(default_factory=Deployment)
    settings: Settings = msgspec.field(default_factory=Settings)
    service: ServiceSpec = msgspec.field(default_factory=ServiceSpec)
    """A seed of 0 stands for the scenario's."""
    hosts: Hosts = msgspec.field(default_factory=Hosts)
    """Which parts get hosts of their own: needs root and iproute2."""
    supervision: Supervision = msgspec.field(default_factory=Supervision)
    validity: Validity = msgspec.field(default_factory=Validity)
    phases: tuple[Phase, ...] = msgspec.field(name="phase")

    def __post_init__(self) -> None:
        if not SCENARIO_NAME.fullmatch(self.name):
            raise ValueError(f"name must be 1 to 40 of [a-z0-9-], got {self.name!r}")
        _check_list("topologies", self.topologies)
        if not 1 <= self.trials <= 1000:
            raise ValueError(f"trials must be 1 to 1000, got {self.trials}")
        if not 0 <= self.seed < 1 << 63:
            raise ValueError(f"seed must be 0 to 2^63 - 1, got {self.seed}")
        if not 0.001 <= self.timeout_s <= 3600:
            raise ValueError(f"timeout_s must be 0.001 to 3600 s, got {self.timeout_s:g}")
        if not 0 <= self.body_bytes <= self.settings.limits.body_bytes:
            raise ValueError(
                f"body_bytes must be 0 to settings.limits.body_bytes {self.settings.limits.body_bytes},"
                f" got {self.body_bytes}"
            )
        if self.level == "client" and self.deployment.fronts != 1:
            raise ValueError(
                f"at level client the load is the one dispatcher: deployment.fronts must be 1,"
                f" got {self.deployment.fronts}"
            )
        if self.service.keeps_bank and self.body_bytes < body_bytes_min(self.service.bank.accounts):
            raise ValueError(
                f"body_bytes must be at least {body_bytes_min(self.service.bank.accounts)} for a transfer between"
                f" {self.service.bank.accounts} accounts, got {self.body_bytes}"
            )
        self._check_phases()

    def _check_phases(self) -> None:
        _check_list("phase", tuple(phase.name for phase in self.phases))
        measured = False
        for phase in self.phases:
            measured = measured or isinstance(phase, Closed)
            if isinstance(phase, Open) and phase.loads and not measured:
                raise ValueError(
                    f"phase {phase.name!r} has loads, fractions of the capacity: a closed phase must come first,"
                    " or give rates_per_s"
                )

    def phase(self, name: str) -> Phase:
        """The phase of that name."""
        return next(phase for phase in self.phases if phase.name == name)


def _check_list(name: str, values: Sequence[object]) -> None:
    if not values:
        raise ValueError(f"{name} must have at least one entry")
    if len(set(values)) < len(values):
        raise ValueError(f"{name} must have no entry twice, got {', '.join(map(str, values))}")
