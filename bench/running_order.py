"""Which episodes a run consists of, in which order, and how long they will take.

Invariant: topologies alternate (A B C, C B A, ...), so that a machine that warms up or gets busy favours none of them;
a topology that lacks the part which a phase wants to hit skips that phase, and that is told. In a sweep, a cell's
phases follow each other, and all topologies have as many transactions outstanding at a worker; one that cannot skips
the cell, and one that has another number of brokers than the cell.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from msgspec.structs import replace

from bench.faults.on_load import OnLoad
from bench.phases import Phase
from bench.run_record import Skipped
from bench.scenario import Scenario
from bench.sweep import Cell, credit, credited, dispatchers, in_cell
from common.topology import Plan

OVERHEAD_S = 3.5
"""Of an episode, beside its steps: starting a dozen processes, ending them. A first guess; the run measures it."""


PlansOf = Callable[[Scenario], Mapping[str, Plan]]
"""Topology to its parts under a scenario."""


class Turn(NamedTuple):
    """One episode to come."""

    scenario: Scenario
    """In a sweep, that of the cell, with the topology's credit."""
    phase: Phase
    topology: str
    trial: int
    cell: str = ""

    @property
    def phase_in_cell(self) -> str:
        """What the episode's phase is called."""
        return in_cell(self.phase.name, self.cell)

    @property
    def seconds(self) -> float:
        """How long its steps last."""
        return sum(step.seconds for step in self.phase.steps)


class RunningOrder(NamedTuple):
    """All of them."""

    turns: tuple[Turn, ...]
    skipped: tuple[Skipped, ...]

    @property
    def seconds(self) -> float:
        """How long it will take, about."""
        return seconds(self.turns, OVERHEAD_S)


def running_order(scenario: Scenario, plans_of: PlansOf) -> RunningOrder:
    """Cell by cell, phase by phase, trial by trial, each topology in turn."""
    if not scenario.cells:
        each = {name: scenario.of_topology(name) for name in scenario.topologies}
        return _cell(scenario, each, plans_of(scenario))
    cells = [_aligned(scenario.of(cell), cell, plans_of) for cell in scenario.cells]
    return RunningOrder(
        tuple(turn for cell in cells for turn in cell.turns),
        tuple(skipped for cell in cells for skipped in cell.skipped),
    )


def _aligned(scenario: Scenario, cell: Cell, plans_of: PlansOf) -> RunningOrder:
    """A cell, with each topology's credit from what is to be outstanding at a worker."""
    plans = plans_of(scenario)
    outstanding = cell.outstanding or scenario.settings.credit * scenario.deployment.fronts
    able: dict[str, Scenario] = {}
    skipped = []
    for topology, plan in plans.items():
        if cell.brokers and plan.brokers not in (0, cell.brokers):
            skipped.append(
                Skipped(cell.name, topology, f"it has always {plan.brokers} brokers, not {cell.brokers}")
            )
        elif not credited(plan):
            able[topology] = scenario
        elif each := credit(outstanding, plan):
            able[topology] = replace(scenario, settings=replace(scenario.settings, credit=each))
        else:
            among = f"{dispatchers(plan)} dispatchers, got {outstanding} outstanding at a worker"
            skipped.append(Skipped(cell.name, topology, f"what is outstanding must divide among its {among}"))
    order = _cell(scenario, able, plans, cell.name)
    return order._replace(skipped=(*skipped, *order.skipped))


def _cell(
    scenario: Scenario, scenarios: Mapping[str, Scenario], plans: Mapping[str, Plan], cell: str = ""
) -> RunningOrder:
    """``scenarios``: topology to what it plays; the others play nothing."""
    turns: list[Turn] = []
    skipped: list[Skipped] = []
    for phase in scenario.phases:
        able = []
        for topology in scenarios:
            why = _cannot(phase, plans[topology], scenario.level)
            if why:
                skipped.append(Skipped(in_cell(phase.name, cell), topology, why))
            else:
                able.append(topology)
        for trial in range(1, scenario.trials + 1):
            alternating = able if trial % 2 else reversed(able)
            turns += [Turn(scenarios[topology], phase, topology, trial, cell) for topology in alternating]
    return RunningOrder(tuple(turns), tuple(skipped))


def seconds(turns: Iterable[Turn], overhead_s: float) -> float:
    """How long these will take, about."""
    return sum(turn.seconds + overhead_s for turn in turns)


def _cannot(phase: Phase, plan: Plan, level: str) -> str:
    """Why the topology cannot play the phase; empty where it can."""
    for fault in phase.faults:
        if isinstance(fault, OnLoad):
            continue
        there = sum(part.role == fault.role for part in plan.parts)
        if level == "client" and fault.role == "front":
            return f"at level client there is no front to be hit by {fault.kind}"
        if not there:
            return f"{plan.topology} has no {fault.role} to be hit by {fault.kind}"
        if fault.which != "one" and fault.which > there:
            return f"{plan.topology} has no {fault.role} {fault.which} to be hit by {fault.kind}"
        if why := fault.cannot(plan):
            return why
    return ""
