"""Which episodes a run consists of, in which order, and how long they will take.

Invariant: topologies alternate (A B C, C B A, ...), so that a machine that warms up or gets busy favours none of them;
a topology that lacks the part which a phase wants to hit skips that phase, and that is told.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from bench.faults.on_load import OnLoad
from bench.phases import Phase
from bench.run_record import Skipped
from bench.scenario import Scenario
from common.topology import Plan

OVERHEAD_S = 3.5
"""Of an episode, beside its steps: starting a dozen processes, ending them. A first guess; the run measures it."""


class Turn(NamedTuple):
    """One episode to come."""

    phase: Phase
    topology: str
    trial: int

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


def running_order(scenario: Scenario, plans: Mapping[str, Plan]) -> RunningOrder:
    """Phase by phase, trial by trial, each topology in turn. ``plans``: topology to its parts."""
    turns: list[Turn] = []
    skipped: list[Skipped] = []
    for phase in scenario.phases:
        able = []
        for topology in scenario.topologies:
            why = _cannot(phase, plans[topology], scenario.level)
            if why:
                skipped.append(Skipped(phase.name, topology, why))
            else:
                able.append(topology)
        for trial in range(1, scenario.trials + 1):
            alternating = able if trial % 2 else reversed(able)
            turns += [Turn(phase, topology, trial) for topology in alternating]
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
