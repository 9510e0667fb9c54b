"""The tables that hold a measurement against what theory says: ``bench.analysis.predictions``.

Invariant: what theory says stands beside what was measured, whether or not they agree.
"""

from bench.analysis.stability import UNSERVED_MAX
from bench.analysis.summary import AbsentSummary, Level, SlowSummary, StabilitySummary
from bench.report.numbers import NONE, estimate, number, percent
from bench.report.table import Row, Table


def slow_table(names: list[str], levels: list[Level]) -> Table:
    """A row for each topology and phase."""
    rows = [
        _slow(name, found)
        for name, level in zip(names, levels, strict=True)
        for found in level.predictions.slow_worker.values()
    ]
    return Table(
        "Up to which load it keeps up while one worker is slow",
        ("", "slow", "predicted limit", "largest stable load", "smallest unstable load", "as predicted"),
        rows,
        "Loads are fractions of the run's reference capacity. The limit is 1 / k where workers are dealt to in turn,"
        " and (c - 1 + 1 / k) / c where whoever is free is given work: docs/predictions.md.",
    )


def load_table(names: list[str], levels: list[Level]) -> Table:
    """A row for each load of each phase, a column for each topology: what the verdicts above were made from."""
    phases = list(dict.fromkeys(phase for level in levels for phase in level.predictions.slow_worker))
    rows = [row for phase in phases for row in _loads(phase, levels, with_name=len(phases) > 1)]
    return Table(
        "Share of the load that was not served while one worker was slow",
        ("load", *names),
        rows,
        f"Stable is below {UNSERVED_MAX * 100:.0f} %. In brackets the interval over trials; n: transactions"
        " due meanwhile.",
    )


def absent_table(names: list[str], levels: list[Level]) -> Table:
    """A row for each topology and phase."""
    rows = [
        _absent(f"{name}, {phase}", found)
        for name, level in zip(names, levels, strict=True)
        for phase, found in level.predictions.absent_worker.items()
    ]
    return Table(
        "Transactions stuck on workers that nobody had started",
        (
            "",
            "fronts x absent",
            "predicted",
            "stuck",
            "at each front",
            "as predicted",
            "executed there in the end",
        ),
        rows,
        "Under way for a second or longer when the first of the absent workers was there: docs/predictions.md.",
    )


def _slow(name: str, found: SlowSummary) -> Row:
    return (
        name,
        f"1 of {found.workers} workers, {found.times:g} times",
        _load(found.stable_below_predicted),
        _load(found.largest_stable),
        _load(found.smallest_unstable),
        _verdict(found.as_predicted),
    )


def _loads(phase: str, levels: list[Level], *, with_name: bool) -> list[Row]:
    found = [level.predictions.slow_worker.get(phase) for level in levels]
    keys = dict.fromkeys(load for each in found if each for load in each.loads)
    return [
        (
            f"{load}, {phase}" if with_name else load,
            *(_unserved(each.loads.get(load) if each else None) for each in found),
        )
        for load in keys
    ]


def _unserved(found: StabilitySummary | None) -> str:
    if found is None or found.stable is None:
        return NONE
    return f"{'stable' if found.stable else 'unstable'}: {percent(found.unserved)}, n = {found.n:,}"


def _absent(name: str, found: AbsentSummary) -> Row:
    told = found.trials_as_predicted is not None and found.n
    return (
        name,
        f"{found.fronts} x {found.endpoints}",
        NONE if found.stuck_predicted is None else str(found.stuck_predicted),
        estimate(found.stuck),
        ", ".join(number(each.median) for each in found.stuck_by_front.values() if each) or NONE,
        f"{found.trials_as_predicted} of {found.n} trials" if told else NONE,
        f"{found.executed_there}",
    )


def _load(load: float | None) -> str:
    return NONE if load is None else number(load)


def _verdict(as_predicted: bool | None) -> str:
    return {True: "yes", False: "no", None: NONE}[as_predicted]
