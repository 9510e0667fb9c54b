"""A scenario: a workload and a timeline of faults, as data. ``bench.scenario_file`` reads one from TOML.

Invariant: a ``Scenario`` that exists is valid in itself; whether its topologies exist is checked where it is read.

What is deployed, what is asked of it, how it is looked after, and when the bench does not believe itself; what is done
with it, phase by phase, is in ``bench.phases``.
"""

import re
from typing import Literal

import msgspec
from msgspec.structs import replace

from bench.hosts.placement import Hosts
from bench.load.transfers import body_bytes_min
from bench.phases import ClosedLoop, Open, Paced, Phase, Soak, check_bounds, check_list
from bench.restart_policy import PolicyName, RestartPolicy, policy_of
from bench.sweep import Cell, Sweep, cells, phase_and_cell
from common.services import ServiceSpec
from common.settings import Settings
from common.topology import Deployment, Part, Plan

SCENARIO_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")


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
    load_run_delay_share_max: float = 0.3
    """For what share of a step at a rate the load process may wait for a processor (``bench.schedstat``)."""
    run_delay_share_max: float = 0.4
    """The same of every part and of the bench, each by itself. What was seen is in docs/validity.md."""
    samples_missing_share_max: float = 0.25
    """How many of a step's samples the bench may miss: in a step of a second, what a hold-up of 0.3 s takes."""
    clock_step_ms_max: float = 10.0
    """How far the time of day may jump between two samples. Being slewed, it moves 0.05 ms in that time at most."""
    suspended_ms_max: float = 10.0
    """How long the machine may be suspended."""
    fault_late_ms_max: float = 250.0
    """A fault later than this hits another moment of the schedule than in the trials that it is laid over; so late it
    may be over after its step."""

    little_deviation_max: float = 0.25
    """How far queues as sampled and waits as told may be apart, as a share of the larger, when two standard errors of
    the sampling are left out (``bench.checks.little``)."""

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            if not getattr(self, name) > 0:
                unit = " ms" if "_ms_" in name else ""
                raise ValueError(f"{name} must be above 0{unit}, got {getattr(self, name):g}")


TARGET_SERVICE_TIMES = 10.0
"""How many mean service times p99 may take, where no target is given: an exponential service takes 4.6 of them alone,
eight workers behind one queue need 7.1 at load 0.9, and dealt to in turn 13.7 at load 0.8."""


class Reporting(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the report holds figures to; it changes nothing that is measured."""

    p99_target_ms: float | None = None
    """How long the slowest hundredth may take, from the scheduled instant, for a load to count as served well. None:
    ``TARGET_SERVICE_TIMES`` times ``service.mean_ms``."""

    def __post_init__(self) -> None:
        if self.p99_target_ms is not None and not 0 < self.p99_target_ms <= 3_600_000:
            raise ValueError(
                f"p99_target_ms must be above 0 and at most 3600000 ms, got {self.p99_target_ms:g}"
            )


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
    fronts_of: dict[str, int] = msgspec.field(default_factory=dict)
    """By topology, another number of fronts than ``deployment.fronts``: who has no broker may spend its processor."""
    settings: Settings = msgspec.field(default_factory=Settings)
    service: ServiceSpec = msgspec.field(default_factory=ServiceSpec)
    """A seed of 0 stands for the scenario's."""
    hosts: Hosts = msgspec.field(default_factory=Hosts)
    """Which parts get hosts of their own: needs root and iproute2."""
    supervision: Supervision = msgspec.field(default_factory=Supervision)
    validity: Validity = msgspec.field(default_factory=Validity)
    sweep: Sweep | None = None
    """Every phase is played in every cell of it."""
    report: Reporting = msgspec.field(default_factory=Reporting)
    phases: tuple[Phase, ...] = msgspec.field(name="phase")

    def __post_init__(self) -> None:
        if not SCENARIO_NAME.fullmatch(self.name):
            raise ValueError(f"name must be 1 to 40 of [a-z0-9-], got {self.name!r}")
        check_list("topologies", self.topologies)
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
        self._check_cells()
        self._check_fronts()

    def _check_phases(self) -> None:
        check_list("phase", tuple(phase.name for phase in self.phases))
        measured = False
        for phase in self.phases:
            check_bounds(phase)
            measured = measured or isinstance(phase, ClosedLoop)
            if isinstance(phase, Open | Paced) and phase.loads and not measured:
                raise ValueError(
                    f"phase {phase.name!r} has loads, fractions of the capacity: a closed phase must come first,"
                    " or give rates_per_s"
                )

    def _check_cells(self) -> None:
        """Each must be a scenario of its own."""
        if not self.sweep:
            return
        for phase in self.phases:
            if phase.faults or isinstance(phase, Soak):
                raise ValueError(f"a phase of a sweep must have no faults, got some in phase {phase.name!r}")
        for cell in self.cells:
            try:
                self.of(cell)
            except ValueError as error:
                raise ValueError(f"sweep, cell {cell.name}: {error}") from None

    def _check_fronts(self) -> None:
        for name in self.fronts_of:
            if name not in self.topologies:
                raise ValueError(f"fronts_of must name topologies of the scenario, got {name!r}")
            if self.sweep or self.level == "client":
                raise ValueError(
                    f"fronts_of is of no use in a sweep nor at level client, got one for {name!r}"
                )
            try:
                self.of_topology(name)
            except ValueError as error:
                raise ValueError(f"fronts_of.{name}: {error}") from None

    def of_topology(self, name: str) -> "Scenario":
        """The scenario as that topology plays it."""
        if name not in self.fronts_of:
            return self
        deployment = replace(self.deployment, fronts=self.fronts_of[name])
        return replace(self, deployment=deployment, fronts_of={})

    def processes(self, plan: Plan) -> list[Part]:
        """The parts that get a process; at level client the load process is the front."""
        return [part for part in plan.parts if self.level == "rest" or part.role != "front"]

    @property
    def cells(self) -> tuple[Cell, ...]:
        """Of the sweep; none where there is none."""
        return cells(self.sweep) if self.sweep else ()

    def of(self, cell: Cell) -> "Scenario":
        """The scenario in one cell, with the credit of a front where that is given."""
        return replace(
            self,
            deployment=cell.deployment(self.deployment),
            service=cell.service(self.service),
            settings=cell.settings(self.settings),
            sweep=None,
        )

    def cell(self, name: str) -> Cell:
        """The cell of that name."""
        return next(cell for cell in self.cells if cell.name == name)

    def phase(self, name: str) -> Phase:
        """The phase of that name; a cell's name after it is no matter."""
        written, _ = phase_and_cell(name)
        return next(phase for phase in self.phases if phase.name == written)

    @property
    def p99_target_ms(self) -> float | None:
        """The one that holds; None where none is given and the mean service time is 0."""
        return self.report.p99_target_ms or TARGET_SERVICE_TIMES * self.service.mean_ms or None
