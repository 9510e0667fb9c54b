"""The tables of a sweep: capacity and tail in each cell, and who wins where."""

from collections.abc import Iterator, Sequence

from bench.analysis.crossover import Verdict
from bench.analysis.summary import CellSummary, Summary
from bench.report.numbers import NONE, estimate, milliseconds, number, percent
from bench.report.table import Row, Table

NOT_PLAYED = "not played"
"""In a cell that a topology has not: why stands with what was skipped."""


def capacity_table(summary: Summary) -> Table:
    """A row for each cell, a column for each topology."""
    names = list(summary.topologies)
    rows = [
        (name, _conditions(cell), *(_capacity(cell, topology) for topology in names))
        for name, cell in summary.cells.items()
    ]
    return Table(
        "Capacity in each cell, completed per second",
        ("cell", "conditions", *names),
        rows,
        "Of the closed loop, at the number of users that is best for all trials; “at least” where the most users that"
        " it may have ended the search.",
    )


def tail_table(summary: Summary) -> Table:
    """A row for each cell and load, a column for each topology."""
    names = list(summary.topologies)
    rows = [row for name, cell in summary.cells.items() for row in _tails(name, cell, names)]
    return Table("p99 in each cell, by offered load", ("cell", "load", *names), rows)


def crossover_table(verdicts: Sequence[Verdict]) -> Table:
    """A row for each place of the map; none where no place has pairs enough."""
    judged = any(verdict.p is not None for verdict in verdicts)
    return Table(
        "Who wins where",
        ("cell", "figure", "winner", "best median", "better by", "than", "p", "noise floor", "pairs"),
        list(map(_place, verdicts)) if judged else [],
        "p after Holm's correction over all rows. A winner differs from each of the others, by more than the noise"
        " floor: what they show to themselves in that place. The one that it is hardest to tell from is named. One"
        " front is a central queue: it ties by construction.",
    )


def _conditions(cell: CellSummary) -> str:
    return ", ".join(f"{axis} {value}" for axis, value in cell.conditions.items())


def _capacity(cell: CellSummary, topology: str) -> str:
    found = cell.topologies.get(topology)
    if not found:
        return NOT_PLAYED
    return f"{'at least ' if found.search_ended_by_max else ''}{estimate(found.capacity_per_s)}"


def _tails(name: str, cell: CellSummary, topologies: list[str]) -> Iterator[Row]:
    loads = dict.fromkeys(load for each in cell.topologies.values() for load in each.latency_ms)
    for load in loads:
        found = [
            cell.topologies[topology].latency_ms.get(load) if topology in cell.topologies else None
            for topology in topologies
        ]
        yield (name, load, *(milliseconds(each.p99) if each else NOT_PLAYED for each in found))


def _place(verdict: Verdict) -> Row:
    what = f"p99 at load {verdict.load}" if verdict.load else verdict.figure
    p = NONE if verdict.p is None else "below 0.001" if verdict.p < 0.001 else number(verdict.p)
    winner = verdict.winner or ("tie by construction" if verdict.tie else NONE)
    better = percent(verdict.better_by)
    floor = NONE if verdict.noise_floor is None else f"{verdict.noise_floor * 100:.1f} %"
    return (verdict.cell, what, winner, verdict.best, better, verdict.against, p, floor, str(verdict.n))
