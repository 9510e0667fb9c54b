"""``run.json``: what was run, under which conditions, and what became of each episode.

Invariant: the file is complete JSON at any moment; ``complete`` turns true only when every episode has been played.
"""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import msgspec

from bench.audit import Audit
from bench.checks.check import Checked
from bench.conditions import Conditions
from bench.connections import Connections
from bench.errors import BadInput
from bench.faults.network import Mechanism
from bench.phases import Step
from bench.read_back import Options
from bench.scenario import Scenario
from bench.sweep import phase_and_cell
from common.topology import Plan

FILE = "run.json"

Cause = Literal["measurement", "fault", "part", "load", "law", "audit"]
"""Why an episode is invalid: the bench itself was too slow (repeated once); a fault did not happen; a part ended by
itself or never got ready; the load process failed; a soak was ended because it had broken a law; the bank's books are
wrong."""


class Doubt(msgspec.Struct, frozen=True):
    """A reason not to believe an episode."""

    cause: Cause
    text: str


class PlayedStep(msgspec.Struct, frozen=True):
    """A step as it took place; the schedule is a function of this, the seed and the stream."""

    name: str
    warmup_s: float
    duration_s: float
    concurrency: int = 0
    load: float = 0.0
    rate_per_s: float = 0.0
    begin_ns: int = 0
    warm_ns: int = 0
    end_ns: int = 0
    """CLOCK_MONOTONIC: begin of the warm-up, of the measured part, and its end."""
    done_ns: int = 0
    """When the last transaction had ended."""
    sent: int = 0
    retried: int = 0
    """Of those sent, how many were a client's further tries."""
    dropped: int = 0
    lag_p50_us: float = 0.0
    lag_p99_us: float = 0.0
    lag_max_us: float = 0.0
    """How late the load process itself was."""
    load_cpu_s: float = 0.0
    completed_per_s: float = 0.0
    """Completed in the measured part, over its length."""


class Injected(msgspec.Struct, frozen=True):
    """A fault as it happened."""

    label: str
    """``kill-worker``."""
    step: str
    part: str
    planned_ns: int
    t_ns: int
    """Just before it was applied."""
    seen: str
    """What was seen to happen."""
    healed_ns: int = 0
    """When it had been taken back or, of one that takes its time, was through; 0 where it was over at once."""
    others: tuple[str, ...] = ()
    """Which parts it hit after ``part``, in that order."""

    @property
    def hit(self) -> tuple[str, ...]:
        """Every part that it hit."""
        return (self.part, *self.others)


class Episode(msgspec.Struct, frozen=True):
    """One topology, one trial, one phase."""

    phase: str
    """In a sweep with the cell's name after it: ``latency.f4-k1``."""
    topology: str
    trial: int
    attempt: int
    """2 where the first one was invalid for a measurement's reason."""
    started_ns: int
    ready_ns: int
    ended_ns: int
    steps: tuple[PlayedStep, ...]
    faults: tuple[Injected, ...]
    doubts: tuple[Doubt, ...]
    given_up: tuple[str, ...] = ()
    """Parts that the restart policy left dead after faults: no reason to doubt, but to be told."""
    links_by: Mechanism | Literal[""] = ""
    """What stood ready to break its links: ``namespaces``, or ``relay``, through which they all went; empty: nothing,
    no fault needed it."""
    audit: Audit | None = None
    """Of the bank's books, where the service keeps a bank."""
    checked: Mapping[str, Checked] = msgspec.field(default_factory=dict)
    """What each check of ``AS_PLAYED`` (bench/checks/registry.py) found, also where it found nothing wrong."""
    connections: Connections | None = None
    """Between its processes, as the kernel had them when the load was about to begin; None: it came to no load, or the
    kernel does not tell."""

    @property
    def valid(self) -> bool:
        """Whether there is no reason to doubt it; the ledger's laws are checked later, from the tables."""
        return not self.doubts

    @property
    def cell(self) -> str:
        """Which cell of a sweep it was played in; empty where there is none."""
        return phase_and_cell(self.phase)[1]

    @property
    def name(self) -> str:
        """Its folder."""
        return episode_name(self.phase, self.topology, self.trial)


class Skipped(msgspec.Struct, frozen=True):
    """A phase, or a whole cell, that a topology cannot play, and why."""

    phase: str
    topology: str
    why: str


class Clock(msgspec.Struct, frozen=True):
    """One instant on both clocks: turns the tables' times into times of day."""

    monotonic_ns: int = msgspec.field(default_factory=time.monotonic_ns)
    utc_ns: int = msgspec.field(default_factory=time.time_ns)


class Repeated(msgspec.Struct, frozen=True):
    """Which run is repeated, and the capacities that its loads were fractions of: they are those of this run too."""

    folder: str
    commit: str
    reference_capacity_per_s: float | None
    """None: it had none, so it is measured."""
    cell_capacities_per_s: dict[str, float] = msgspec.field(default_factory=dict)


class RunRecord(msgspec.Struct, kw_only=True):
    """The whole file."""

    complete: bool = False
    interrupted: str = ""
    """What ended it early, for people."""
    scenario: Scenario
    command: tuple[str, ...]
    """The arguments that repeat it."""
    repeats: Repeated | None = None
    """The run that this one repeats."""
    clock: Clock = msgspec.field(default_factory=Clock)
    conditions: Conditions
    plans: Mapping[str, Plan]
    """Topology to parts and sockets with every option as asked; endpoints are an example. In a sweep, of a deployment
    that has as many of each part as any cell."""
    inputs: dict[str, str] = msgspec.field(default_factory=dict)
    """SHA-256 of each file in ``inputs/``."""
    options_read_back: dict[str, Mapping[str, Mapping[str, Options]]] = msgspec.field(default_factory=dict)
    """Topology to part to socket to what that said it is set to, in the topology's first episode."""
    reference_capacity_per_s: float | None = None
    """What the fractions in ``loads`` are fractions of: the best topology's median capacity."""
    cell_capacities_per_s: dict[str, float] = msgspec.field(default_factory=dict)
    """The same of each cell of a sweep, by its name."""
    episodes: list[Episode] = msgspec.field(default_factory=list)
    repeated: list[Episode] = msgspec.field(default_factory=list)
    """First attempts that were invalid for a measurement's reason; their data are gone."""
    skipped: list[Skipped] = msgspec.field(default_factory=list)

    def capacity_of(self, cell: str) -> float | None:
        """What loads are fractions of in that cell; ``cell`` is empty where there is no sweep."""
        return self.cell_capacities_per_s.get(cell) if cell else self.reference_capacity_per_s

    def take_capacity(self, cell: str, per_s: float) -> None:
        """Remember it."""
        if cell:
            self.cell_capacities_per_s[cell] = per_s
        else:
            self.reference_capacity_per_s = per_s

    def write(self, folder: Path) -> None:
        """Replace the file as a whole."""
        half = folder / f".{FILE}.half"
        half.write_bytes(msgspec.json.format(msgspec.json.encode(self), indent=2) + b"\n")
        half.replace(folder / FILE)


def read(folder: Path) -> RunRecord:
    """The record of a run folder.

    Raises:
        OSError: there is none.
        ValueError: it is not one of ours.
    """
    return msgspec.json.decode((folder / FILE).read_bytes(), type=RunRecord)


def given(folder: Path) -> RunRecord:
    """The record of a run folder that someone named.

    Raises:
        BadInput: it is not one of ours.
    """
    try:
        return read(folder)
    except ValueError as error:
        raise BadInput(f"{folder / FILE} must be the record of a run, got: {error}") from None


def episode_name(phase: str, topology: str, trial: int) -> str:
    """``latency-freelance-1``."""
    return f"{phase}-{topology}-{trial}"


def planned(step: Step) -> PlayedStep:
    """A step that has not begun."""
    return PlayedStep(step.name, step.warmup_s, step.duration_s, step.concurrency, step.load, step.rate_per_s)
