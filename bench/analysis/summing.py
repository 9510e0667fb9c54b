"""Fills in ``bench.analysis.summary`` from what is known of a run.

Invariant: nothing is found out here. What has one value a trial becomes an estimate over trials, what is counted is
added up.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.analysis.cells import CellFindings, InCell
from bench.analysis.differences import differences
from bench.analysis.findings import Findings, Topology, analyse
from bench.analysis.membership import Membership
from bench.analysis.omission import Omission
from bench.analysis.per_core import best
from bench.analysis.ratios import ratios
from bench.analysis.recovery_summary import recovery_summary
from bench.analysis.steady import LoadPoint
from bench.analysis.summary import (
    CellSummary,
    CheckSummary,
    CostSummary,
    InCellSummary,
    Latency,
    Level,
    MembershipSummary,
    OmissionSummary,
    PerCore,
    ReadingSummary,
    RoleCost,
    Summary,
    TopologySummary,
    as_json,
)
from bench.analysis.theory_summary import agreements, closed_forms, laws, models, predictions
from bench.analysis.throughput import Rung
from bench.analysis.validity import invalid_trials
from bench.checks.check import Checked
from bench.checks.registry import CHECKS
from bench.scenario import Scenario
from bench.statistics import Estimate


def summarize(folder: Path) -> dict[str, Any]:
    """The summary of a run folder, as JSON has it. Raises as ``analyse``."""
    return as_json(summary_of(analyse(folder)))


def summary_of(findings: Findings) -> Summary:
    """Every number of the report."""
    record = findings.record
    return Summary(
        valid=findings.valid,
        why_invalid=[str(reason) for reason in findings.reasons]
        or ([] if findings.valid else ["nothing was played"]),
        complete=record.complete,
        scenario=record.scenario.name,
        reference_capacity_per_s=record.reference_capacity_per_s,
        topologies={topology.name: _topology(topology, record.scenario) for topology in findings.topologies},
        ratios=ratios(record, invalid_trials(findings.reasons)),
        growth=findings.lives,
        checks={name: _check(name, found, record.scenario) for name, found in findings.checked.items()},
        cells={cell.cell.name: _cell(cell) for cell in findings.cells},
        crossover=list(findings.crossover),
        differences=differences(findings.topologies),
    )


def _cell(cell: CellFindings) -> CellSummary:
    return CellSummary(
        cell.cell.conditions,
        cell.reference_per_s,
        {topology.topology: _in_cell(topology) for topology in cell.topologies},
    )


def _in_cell(topology: InCell) -> InCellSummary:
    return InCellSummary(
        trials=topology.trials,
        capacity_per_s=topology.capacity_per_s,
        search_ended_by_max=topology.ended_by_max,
        throughput_per_s=_throughput(topology.ladder),
        latency_ms=_latencies(topology.loads),
        queueing=models(topology.loads),
        agreement=agreements(topology.loads),
        closed_form=closed_forms(topology.loads),
    )


def _check(name: str, found: Checked, scenario: Scenario) -> CheckSummary:
    check = CHECKS[name]
    return CheckSummary(
        unit=check.unit,
        limit=check.limit(scenario),
        setting=f"validity.{check.setting}" if check.setting else "",
        worst=found.worst,
        at=found.at,
        judged=found.judged,
        failed=found.failed,
        unknown=found.unknown,
        why_unknown=found.why,
    )


def _topology(topology: Topology, scenario: Scenario) -> TopologySummary:
    return TopologySummary(
        family=topology.family,
        trials=topology.trials,
        trials_invalid=topology.trials_invalid,
        membership=_membership(topology.membership),
        measured=_level(topology, scenario.p99_target_ms),
        client=scenario.level == "client",
    )


def _level(topology: Topology, p99_target_ms: float | None) -> Level:
    ledger, fates = topology.books
    return Level(
        capacity_per_s=topology.capacity_per_s,
        latency_ms=_latencies(topology.loads),
        fates=fates,
        ledger=ledger,
        places=topology.places,
        late_work=topology.late_work,
        recovery={fault.key: recovery_summary(fault) for fault in topology.faults},
        cpu_us_per_transaction=topology.cpu_us.by_role,
        throughput_per_s=_throughput(topology.ladder),
        queueing=models(topology.loads),
        little=laws(topology.loads),
        audit=topology.audit,
        predictions=predictions(topology.slowed, topology.missing),
        cost_per_transaction=_cost(topology),
        coordinated_omission={f"{each.key}, {each.load}": _omission(each) for each in topology.omissions},
        goodput_per_core=_per_core(topology, p99_target_ms),
        agreement=agreements(topology.loads),
        closed_form=closed_forms(topology.loads),
    )


def _per_core(topology: Topology, target_ms: float | None) -> PerCore | None:
    found = best(topology.yields, target_ms)
    if found is None or target_ms is None:
        return None
    return PerCore(target_ms, found.key, found.per_s, found.per_cpu_s, found.cores)


def _membership(found: Membership) -> MembershipSummary:
    return MembershipSummary(
        list(found.places),
        found.connections,
        found.connections_each,
        found.counted,
        list(found.miscounted),
        found.up_ms,
        found.used_ms,
        found.restart_ms,
    )


def _omission(found: Omission) -> OmissionSummary:
    readings = {
        each.name: ReadingSummary(each.p50_ms, each.p99_ms, each.p999_ms, each.above, each.n)
        for each in found.readings
    }
    return OmissionSummary(found.rate_per_s, found.users, readings)


def _cost(topology: Topology) -> CostSummary:
    cpu, costs = topology.cpu_us.by_role, topology.costs
    voluntary, involuntary, rss_mib = costs.switches_voluntary, costs.switches_involuntary, costs.rss_mib
    by_role = {
        role: RoleCost(cpu.get(role), voluntary.get(role), involuntary.get(role), rss_mib.get(role))
        for role in dict.fromkeys([*cpu, *rss_mib])
    }
    return CostSummary(by_role, costs.wire_bytes, costs.http_bytes)


def _latencies(points: Sequence[LoadPoint]) -> dict[str, Latency]:
    return {
        point.key: Latency(point.p50_ms, point.p99_ms, point.p999_ms, point.n, point.rate_per_s)
        for point in points
    }


def _throughput(ladder: Sequence[Rung]) -> dict[str, Estimate]:
    return {str(rung.concurrency): rung.completed_per_s for rung in ladder}
