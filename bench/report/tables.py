"""The tables under the charts: the same numbers again, to be read exactly."""

from collections.abc import Iterable

from bench.analysis.summary import Latency, Level, ReadingSummary, Summary
from bench.analysis.timeline import FAILURES
from bench.report.ledger_table import ledger_tables
from bench.report.numbers import NONE, estimate, milliseconds
from bench.report.predictions_table import absent_table, load_table, slow_table
from bench.report.recovery_table import recovery_table
from bench.report.sweep_table import capacity_table, crossover_table, tail_table
from bench.report.table import Row, Table, by_topology
from bench.report.theory_table import theory_tables
from bench.report.verdict import listed
from bench.statistics import BOOTSTRAP_N_MIN


def tables(summary: Summary) -> dict[str, list[Table]]:
    """By the chart under which they stand; what is empty is left out."""
    names = list(summary.topologies)
    levels = [topology.measured for topology in summary.topologies.values()]
    found = {
        "crossover": [crossover_table(summary.crossover)],
        "sweep": [capacity_table(summary), tail_table(summary)],
        "throughput": [_throughput(names, levels)],
        "latency": [_latency(names, levels)],
        "predictions": [slow_table(names, levels), load_table(names, levels), absent_table(names, levels)],
        "omission": [_omission(names, levels)],
        "recovery": [recovery_table(names, levels, key) for key in _keys(level.recovery for level in levels)],
        "fates": [_fates(names, levels)],
        "cpu": [_cpu(names, levels)],
        "per-core": [_per_core(names, levels)],
        "cost": [_cost(names, levels)],
        "membership": [_membership(summary)],
        "theory": theory_tables(summary),
        "ledger": ledger_tables(names, levels),
    }
    return {chart: [table for table in some if table.rows] for chart, some in found.items()}


def interval_note(n: int) -> str:
    """What stands in the brackets."""
    if n >= BOOTSTRAP_N_MIN:
        return f"Medians of {n} trials; in brackets the 95 % confidence interval."
    if n > 1:
        return f"Medians of {n} trials; in brackets the smallest and the largest, too few for a confidence interval."
    return "One trial: no interval."


def _keys(dicts: Iterable[Iterable[str]]) -> list[str]:
    return list(dict.fromkeys(key for each in dicts for key in each))


def _throughput(names: list[str], levels: list[Level]) -> Table:
    ladder = [
        (f"{users} users", *(estimate(level.throughput_per_s.get(users)) for level in levels))
        for users in _keys(level.throughput_per_s for level in levels)
    ]
    best = ("capacity: at the best of these", *(estimate(level.capacity_per_s) for level in levels))
    return by_topology("Completed per second by users asking at once", names, [*ladder, best])


def _latency(names: list[str], levels: list[Level]) -> Table:
    rows = [
        row
        for load in _keys(level.latency_ms for level in levels)
        for row in _latency_at(load, [level.latency_ms.get(load) for level in levels])
    ]
    return by_topology("Latency from the scheduled instant, by offered load", names, rows)


def _latency_at(load: str, found: list[Latency | None]) -> list[Row]:
    return [
        (f"{load}: p50", *(milliseconds(each.p50) if each else NONE for each in found)),
        (f"{load}: p99", *(milliseconds(each.p99) if each else NONE for each in found)),
        (f"{load}: p999", *(milliseconds(each.p999) if each else NONE for each in found)),
        (f"{load}: transactions", *(f"{each.n:,}" if each else NONE for each in found)),
    ]


def _fates(names: list[str], levels: list[Level]) -> Table:
    rows = [
        (f"{key}, {name}", *(f"{getattr(found.harmed_fates, fate):,}" for fate in FAILURES))
        for name, level in zip(names, levels, strict=True)
        for key, found in level.recovery.items()
    ]
    return Table("Without an answer after each fault, all trials together", ("", *FAILURES), rows)


def _cpu(names: list[str], levels: list[Level]) -> Table:
    return by_topology(
        "Microseconds of processor time for one completed transaction",
        names,
        [
            (role, *(estimate(level.cpu_us_per_transaction.get(role)) for level in levels))
            for role in _keys(level.cpu_us_per_transaction for level in levels)
        ],
    )


def _omission(names: list[str], levels: list[Level]) -> Table:
    rows = [
        (f"{name}, {key}", reading, *_reading(figures))
        for name, level in zip(names, levels, strict=True)
        for key, found in level.coordinated_omission.items()
        for reading, figures in found.readings.items()
    ]
    return Table(
        "The same rate under the same fault, by a load that waits for answers and one that does not",
        ("", "", "p50", "p99", "p999", "longer than 5 medians", "transactions"),
        rows,
    )


def _reading(figures: ReadingSummary) -> Row:
    latencies = (figures.p50_ms, figures.p99_ms, figures.p999_ms)
    slow = NONE if figures.slow is None else f"{figures.slow.median:.2%}"
    return (*map(milliseconds, latencies), slow, f"{figures.n:,}")


def _membership(summary: Summary) -> Table:
    found = [topology.membership for topology in summary.topologies.values()]
    rows = [
        (
            "places to edit, and to restart",
            *(listed(each.places_to_edit) or "none" for each in found),
        ),
        ("connections in all", *(f"{each.connections:,}" for each in found)),
        ("of these, the kernel had", *(estimate(each.connections_counted) for each in found)),
        ("connections that each worker makes", *(f"{each.connections_of_a_worker:,}" for each in found)),
        ("a started worker's sockets are open after", *(milliseconds(each.worker_up_ms) for each in found)),
        (
            "it begins its first transaction after",
            *(milliseconds(each.worker_first_use_ms) for each in found),
        ),
        (
            "all places are restarted, one by one, after",
            *(milliseconds(each.places_restarted_ms) for each in found),
        ),
    ]
    differ = [each for topology in found for each in topology.connections_differ]
    return by_topology(
        "What it takes to add or to remove a worker while the others run",
        list(summary.topologies),
        rows,
        "Places: parts that name the worker; connections: from the plan, and as the kernel had them before each load"
        f" began{f' (others than planned in {listed(differ)})' if differ else ''}. Times: of workers that were started"
        " while the others ran, which a broker had not heard of before and fronts had been told of: docs/workers.md.",
    )


def _per_core(names: list[str], levels: list[Level]) -> Table:
    found = [level.goodput_per_core for level in levels]
    target = next((f"{each.p99_target_ms:g} ms" for each in found if each), "the target")
    rows = [
        ("at load", *(each.load if each else NONE for each in found)),
        ("completed per second", *(estimate(each.per_s) if each else NONE for each in found)),
        ("for one second of processor time", *(estimate(each.per_cpu_s) if each else NONE for each in found)),
        ("processors busy", *(estimate(each.cores) if each else NONE for each in found)),
    ]
    return by_topology(f"The largest goodput with p99 within {target}", names, rows)


def _cost(names: list[str], levels: list[Level]) -> Table:
    costs = [level.cost_per_transaction for level in levels]
    by_role = [
        (f"{role}, {words}", *(estimate(getattr(cost.by_role.get(role), figure, None)) for cost in costs))
        for role in _keys(cost.by_role for cost in costs)
        for figure, words in _ROLE_COSTS.items()
    ]
    links = [
        (
            f"bytes, {link}",
            *(f"{cost.wire_bytes[link]:,}" if link in cost.wire_bytes else NONE for cost in costs),
        )
        for link in _keys(cost.wire_bytes for cost in costs)
    ]
    http = ("bytes of HTTP, client-front", *(estimate(cost.http_bytes) for cost in costs))
    return by_topology("What else one completed transaction costs", names, [*by_role, *links, http])


_ROLE_COSTS = {
    "switches_voluntary": "voluntary context switches",
    "switches_involuntary": "involuntary context switches",
    "rss_mib": "MiB resident",
}
