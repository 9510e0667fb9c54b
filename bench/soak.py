"""Draws the faults of a soak from a seed: whatever kinds there are, at any part, at most two at a time.

Invariant: pure, and a function of its arguments alone, so that a seed that failed fails again. No part is hit while it
is still getting over an earlier fault, which would make the second one a fault without effect. The last part of each
role is never ended, so that there are long lives to watch for growth; a role's only part may be, where the caller says.

To have another fault drawn, add its line to ``DRAWN``.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any, NamedTuple

from bench.faults.fault import Fault
from bench.faults.registry import FAULTS
from bench.phases import Soak
from bench.scenario import Scenario
from common.topology import ROLES, Plan, Role

AT_ONCE_MAX = 2
QUIET_S = 1.0
"""At the begin and at the end of each draw, so that a round begins with everything well."""
START_S = 3.0
"""From the start of a process until it is at work, on a busy machine."""
GAP_S_MIN, GAP_S_MAX = 0.1, 4.0
"""Between two faults of one lane; there are ``AT_ONCE_MAX`` lanes, each with one fault at a time."""


class Range(NamedTuple):
    """Of a fault's parameter, uniform."""

    low: float
    high: float


class Kind(NamedTuple):
    """How a kind of fault is drawn."""

    roles: tuple[Role, ...]
    for_s: Range | None = None
    """How long it lasts; None: it is over at once."""
    ends: bool = False
    """Whether it ends a process, which then has to be started again."""
    drains: bool = False
    """Whether the process works off what it holds before it ends."""
    fields: Mapping[str, Range] = {}
    """Whatever else it needs."""
    needs_traffic: bool = False
    """Whether it has no effect on a part that nobody talks to, as while a broker is away."""


DRAWN: Mapping[str, Kind] = {
    "kill": Kind(ROLES, ends=True),
    "terminate": Kind(ROLES, ends=True, drains=True),
    "pause": Kind(ROLES, Range(0.05, 2.0)),
    "wedge": Kind(("worker",), Range(0.5, 2.0), needs_traffic=True),
    "slow": Kind(("worker",), Range(0.5, 2.0), fields={"times": Range(2.0, 8.0)}, needs_traffic=True),
    "reset": Kind(ROLES, needs_traffic=True),
    "partition": Kind(ROLES, Range(0.5, 2.0), needs_traffic=True),
    "delay": Kind(
        ROLES,
        Range(0.5, 2.0),
        fields={"delay_ms": Range(5.0, 40.0), "jitter_ms": Range(0.0, 5.0)},
        needs_traffic=True,
    ),
}
"""The faults that a soak may draw, by their word in the registry. Not drawn are those that take longer than a fault may
here (``rolling-restart``, ``crash-loop``), that begin with the deployment (``absent``) or that the load makes.
"""


class Drawn(NamedTuple):
    """A fault, and how long the part that it hits is to be left alone."""

    kind: Kind
    fault: Fault
    well_s: float
    """When the part is well again, in the fault's time."""

    def disturbs(self, other: "Drawn") -> bool:
        """Whether both at once would be at the same part, or one leave the other without effect."""
        at_once = self.fault.at_s <= other.well_s and other.fault.at_s <= self.well_s
        same = (self.fault.role, self.fault.which) == (other.fault.role, other.fault.which)
        return at_once and (same or self.silences(other) or other.silences(self))

    def silences(self, other: "Drawn") -> bool:
        """Whether nobody may talk to the other's part meanwhile: this one is at a broker."""
        return self.fault.role == "broker" and other.kind.needs_traffic


class Stage(NamedTuple):
    """What there is to hit."""

    parts: Mapping[Role, int]
    """How many parts each role has; a role that is not there or has none is not hit."""
    restart_s: float
    """From a death until the part is well again, generously."""
    drain_s: float
    """How long one that drains may take to its death."""
    end_single: bool
    """Whether the only part of a role may be ended."""

    def victims(self, kind: Kind) -> list[tuple[Role, int]]:
        """Parts that the kind may hit: role, and number from 1."""
        return [
            (role, number)
            for role in kind.roles
            for number in range(1, self.parts.get(role, 0) + 1)
            if not kind.ends or number < self.parts[role] or (self.parts[role] == 1 and self.end_single)
        ]


def draw(seed: str, duration_s: float, stage: Stage, kinds: Mapping[str, Kind] = DRAWN) -> tuple[Fault, ...]:
    """Faults for ``duration_s`` seconds, in the order of time."""
    random = Random(seed)
    hittable = {word: victims for word, kind in kinds.items() if (victims := stage.victims(kind))}
    drawn: list[Drawn] = []
    for _ in range(AT_ONCE_MAX if hittable else 0):
        at_s = QUIET_S + random.uniform(0, GAP_S_MAX)
        while at_s < duration_s - QUIET_S:
            one = _one(random, at_s, stage, kinds, hittable)
            at_s = one.well_s + random.uniform(GAP_S_MIN, GAP_S_MAX)
            if one.well_s <= duration_s - QUIET_S and not any(map(one.disturbs, drawn)):
                drawn.append(one)
    return tuple(sorted((one.fault for one in drawn), key=lambda fault: fault.at_s))


def rounds_of(scenario: Scenario, phase: Soak, trial: int, plan: Plan) -> dict[str, tuple[Fault, ...]]:
    """``{step: its faults}``. A role's only part is not ended in the second half, so that it too has a long life."""
    parts = Counter(part.role for part in scenario.processes(plan))
    restart_s = scenario.supervision.restart.delay_s + START_S
    steps = phase.steps
    return {
        step.name: draw(
            f"{scenario.seed}/{phase.name}/{trial}/{step.name}",
            step.duration_s,
            Stage(parts, restart_s, scenario.settings.limits.drain_s, end_single=number < len(steps) / 2),
        )
        for number, step in enumerate(steps)
    }


def _one(
    random: Random,
    at_s: float,
    stage: Stage,
    kinds: Mapping[str, Kind],
    hittable: Mapping[str, Sequence[tuple[Role, int]]],
) -> Drawn:
    word = random.choice(sorted(hittable))
    kind = kinds[word]
    role, which = random.choice(hittable[word])
    ranges = {**({"for_s": kind.for_s} if kind.for_s else {}), **kind.fields}
    fields: dict[str, Any] = {name: round(random.uniform(*ranges[name]), 3) for name in sorted(ranges)}
    fault = FAULTS[word](role=role, at_s=round(at_s, 3), which=which, **fields)
    return Drawn(kind, fault, fault.end_s + stage.drain_s * kind.drains + stage.restart_s * kind.ends)
