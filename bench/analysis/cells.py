"""What was measured in each cell of a sweep: each topology's capacity, and its latency against the offered load.

Invariant: a cell stands for itself. Its loads are fractions of its own reference capacity, and a trial that is invalid
in another cell is none the worse here.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from bench.analysis.recording import Step
from bench.analysis.steady import LoadPoint, load_points
from bench.analysis.throughput import Rung, capacities, capacity, completed_per_s, ladder
from bench.analysis.trials import by_trial
from bench.analysis.validity import Reason, invalid_in_cells
from bench.load.search import enough
from bench.parquet import Database
from bench.phases import Search
from bench.run_record import RunRecord
from bench.statistics import Estimate
from bench.sweep import Cell, credited, dispatchers, plan_in


class InCell(NamedTuple):
    """One topology in one cell."""

    topology: str
    trials: int
    """Valid ones."""
    capacity_per_s: Estimate | None
    ladder: list[Rung]
    loads: list[LoadPoint]
    ended_by_max: int
    """Valid trials in which the search was ended by the most users it may have: the capacity is that much at least."""
    capacities_per_s: dict[int, float]
    """By trial, as what follows: to be paired with another topology's."""
    p99_ms: dict[str, dict[int, float]]
    """By load; a trial without the percentile is missing."""


class CellFindings(NamedTuple):
    """One cell."""

    cell: Cell
    reference_per_s: float | None
    """What its loads are fractions of."""
    topologies: list[InCell]


def cells(
    database: Database, record: RunRecord, steps: Sequence[Step], reasons: Iterable[Reason]
) -> list[CellFindings]:
    """In the order of the sweep, as far as it was played."""
    spoilt = invalid_in_cells(reasons)
    valid = [
        step
        for step in steps
        if (step.episode.topology, step.trial, step.episode.cell) not in spoilt and step.episode.cell
    ]
    found = []
    for cell in record.scenario.cells:
        here = [step for step in valid if step.episode.cell == cell.name]
        if here:
            found.append(_cell(database, record, cell, here))
    return found


def _cell(database: Database, record: RunRecord, cell: Cell, steps: list[Step]) -> CellFindings:
    here = replace(record, scenario=record.scenario.of(cell))
    names = {step.episode.topology for step in steps}
    topologies = []
    for name in (name for name in record.scenario.topologies if name in names):
        mine = [step for step in steps if step.episode.topology == name]
        loads = load_points(database, as_played_by(name, cell, here), mine)
        topologies.append(
            InCell(
                topology=name,
                trials=len({step.trial for step in mine}),
                capacity_per_s=capacity(mine),
                ladder=ladder(mine),
                loads=loads,
                ended_by_max=sum(map(_ended_by_max, by_trial(mine))),
                capacities_per_s=capacities(mine),
                p99_ms={point.key: _known(point.p99s_ms) for point in loads},
            )
        )
    return CellFindings(cell, record.capacity_of(cell.name), topologies)


def as_played_by(topology: str, cell: Cell, here: RunRecord) -> RunRecord:
    """With the topology's plan in the cell, and the credit of its dispatchers there, which follows from what was
    outstanding at a worker. ``here``: of the cell, with a front's credit.
    """
    scenario, plan = here.scenario, plan_in(cell, here.plans[topology])
    here = replace(here, plans={**here.plans, topology: plan})
    if not credited(plan):
        return here
    outstanding = cell.outstanding or scenario.settings.credit * scenario.deployment.fronts
    each = max(outstanding // dispatchers(plan), 1)
    return replace(here, scenario=replace(scenario, settings=replace(scenario.settings, credit=each)))


def _ended_by_max(trial: Sequence[Step]) -> bool:
    """Whether more users might have brought more."""
    searched = [step for step in trial if isinstance(step.phase, Search)]
    if not searched or not isinstance(phase := searched[0].phase, Search):
        return False
    rates = [completed_per_s(step) or 0 for step in searched]
    return len(rates) == len(phase.steps) and not enough(rates, phase.gain_min)


def _known(by_trial: Mapping[int, float | None]) -> dict[int, float]:
    return {trial: value for trial, value in by_trial.items() if value is not None}
