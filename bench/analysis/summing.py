"""Fills in ``bench.analysis.summary`` from what is known of a run.

Invariant: nothing is found out here. What has one value a trial becomes an estimate over trials, what is counted is
added up.
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from statistics import mean
from typing import Any

from msgspec.structs import astuple

from bench.analysis.agreement import Agreement, agreement
from bench.analysis.cells import CellFindings, InCell
from bench.analysis.closed_form import Predicted
from bench.analysis.differences import differences
from bench.analysis.faults import Fault
from bench.analysis.findings import Findings, Topology, analyse
from bench.analysis.little import Law
from bench.analysis.membership import Membership
from bench.analysis.omission import Omission
from bench.analysis.per_core import best
from bench.analysis.queueing import Beside, Comparison
from bench.analysis.ratios import ratios
from bench.analysis.recovery import Recovery
from bench.analysis.stability import Slowed
from bench.analysis.steady import LoadPoint
from bench.analysis.stuck import Missing
from bench.analysis.summary import (
    AbsentSummary,
    CellSummary,
    CheckSummary,
    ClosedForm,
    CostSummary,
    Deviation,
    InCellSummary,
    Interval,
    Latency,
    Level,
    LittleSummary,
    MembershipSummary,
    Model,
    OmissionSummary,
    PerCore,
    PredictedFigure,
    Predictions,
    ReadingSummary,
    RecoverySummary,
    RoleCost,
    SlowSummary,
    StabilitySummary,
    Summary,
    TopologySummary,
    as_json,
)
from bench.analysis.trials import (
    over_trials,
    over_trials_or_never,
    within_trial,
    within_trial_or_never,
)
from bench.analysis.validity import invalid_trials
from bench.checks.check import Checked
from bench.checks.registry import CHECKS
from bench.ledger import Fates
from bench.scenario import Scenario
from bench.statistics import Estimate, mean_interval


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
        topologies={
            topology.name: topology_summary(topology, record.scenario) for topology in findings.topologies
        },
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
        throughput_per_s={str(rung.concurrency): rung.completed_per_s for rung in topology.ladder},
        latency_ms={point.key: _latency(point) for point in topology.loads},
        queueing={point.key: _models(point.queueing) for point in topology.loads if point.queueing},
        agreement=_agreements(topology.loads),
        closed_form={
            point.key: closed_form(point.closed_form) for point in topology.loads if point.closed_form
        },
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


def topology_summary(topology: Topology, scenario: Scenario) -> TopologySummary:
    """One topology's part."""
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
        latency_ms={point.key: _latency(point) for point in topology.loads},
        fates=fates,
        ledger=ledger,
        places=topology.places,
        late_work=topology.late_work,
        recovery={fault.key: recovery_summary(fault) for fault in topology.faults},
        cpu_us_per_transaction=topology.cpu_us.by_role,
        throughput_per_s={str(rung.concurrency): rung.completed_per_s for rung in topology.ladder},
        queueing={point.key: _models(point.queueing) for point in topology.loads if point.queueing},
        little={point.key: found for point in topology.loads if (found := _little(point.little))},
        audit=topology.audit,
        predictions=Predictions(
            {each.phase: _slow(each) for each in topology.slowed},
            {each.phase: _absent(each) for each in topology.missing},
        ),
        cost_per_transaction=_cost(topology),
        coordinated_omission={f"{each.key}, {each.load}": _omission(each) for each in topology.omissions},
        goodput_per_core=_per_core(topology, p99_target_ms),
        agreement=_agreements(topology.loads),
        closed_form={
            point.key: closed_form(point.closed_form) for point in topology.loads if point.closed_form
        },
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


def _latency(point: LoadPoint) -> Latency:
    return Latency(point.p50_ms, point.p99_ms, point.p999_ms, point.n, point.rate_per_s)


def recovery_summary(fault: Fault) -> RecoverySummary:
    """One fault over trials: the median within a trial first, where it had several."""
    trials = fault.trials
    every = [recovery for trial in trials for recovery in trial]
    judged = [[each for each in trial if not each.unjudged] for trial in trials]
    healed = [[each for each in trial if each.healed_ms is not None] for trial in judged]
    noticed_by = Counter(each.detected_by for each in every if each.detected_by)
    return RecoverySummary(
        detected_ms=_or_never(trials, "detected_ms"),
        first_failure_ms=_known(trials, "first_failure_ms"),
        first_success_ms=_or_never(trials, "first_success_ms"),
        recovered_ms=_or_never(judged, "recovered_ms"),
        harmed=over_trials(within_trial(sum(astuple(each.harmed)) for each in trial) for trial in trials),
        goodput_lost=_known(judged, "goodput_lost"),
        last_failure_ms=_known(trials, "last_failure_ms"),
        drained_ms=_or_never(judged, "drained_ms"),
        after_healing_ms=_or_never(healed, "after_healing_ms"),
        returned_ms=_known(trials, "returned_ms"),
        delayed=_known(judged, "delayed"),
        attempts_before=_known(judged, "attempts_before"),
        attempts=_known(trials, "attempts"),
        resent=_known(trials, "resent"),
        detected_by=sorted(noticed_by),
        detected_by_counts=dict(sorted(noticed_by.items())),
        harmed_fates=Fates(*map(sum, zip(*(astuple(each.harmed) for each in every), strict=True))),
        not_recovered=sum(not each.unjudged and each.recovered_ms is None for each in every),
        not_back_after_healing=sum(each.after_healing_ms is None for trial in healed for each in trial),
        left_again=sum(each.left_again for each in every),
        unjudged=dict(sorted(Counter(each.unjudged for each in every if each.unjudged).items())),
        n=len(every),
        label=fault.label,
        load=fault.step,
        floor_ms=fault.floor,
        floors_ms=fault.floors,
        lasted_ms=_known(trials, "healed_ms"),
    )


def _known(trials: list[list[Recovery]], figure: str) -> Estimate | None:
    return over_trials(within_trial(getattr(recovery, figure) for recovery in trial) for trial in trials)


def _or_never(trials: list[list[Recovery]], figure: str) -> Estimate | None:
    """Of a figure in which None means *never*; a trial that has no fault to ask says nothing."""
    return over_trials_or_never(
        within_trial_or_never(getattr(recovery, figure) for recovery in trial) for trial in trials if trial
    )


def _slow(slowed: Slowed) -> SlowSummary:
    return SlowSummary(
        times=slowed.times,
        workers=slowed.workers,
        stable_below_predicted=slowed.predicted,
        largest_stable=slowed.largest_stable,
        smallest_unstable=slowed.smallest_unstable,
        as_predicted=slowed.as_predicted,
        loads={
            f"{each.load:.3g}": StabilitySummary(each.unserved, each.stable, each.n) for each in slowed.loads
        },
    )


def _absent(missing: Missing) -> AbsentSummary:
    trials = missing.trials
    fronts = len(missing.fronts)
    return AbsentSummary(
        endpoints=missing.endpoints,
        fronts=fronts,
        stuck_predicted=None if missing.predicted is None else missing.predicted * fronts,
        stuck=over_trials(sum(trial.by_front.values()) for trial in trials),
        stuck_by_front={
            front: over_trials(trial.by_front[front] for trial in trials) for front in missing.fronts
        },
        trials_as_predicted=missing.trials_as_predicted,
        completed=sum(trial.completed for trial in trials),
        executed_there=sum(trial.executed_there for trial in trials),
        n=len(trials),
    )


def _models(comparisons: list[Comparison]) -> dict[str, Model]:
    models = dict.fromkeys(comparison.model for comparison in comparisons)
    return {model: _model([each for each in comparisons if each.model == model]) for model in models}


def _agreements(points: Sequence[LoadPoint]) -> dict[str, Agreement]:
    return {point.key: found for point in points if (found := agreement(point.queueing))}


def closed_form(trials: Sequence[Predicted]) -> ClosedForm:
    """One load over trials, one at least. The interval is of all their batches, since each queue forgot the others."""
    interval = _interval([batch for trial in trials for batch in trial.batches_ms])
    predicted_ms = mean(trial.wait_predicted_ms for trial in trials)
    return ClosedForm(
        model=trials[0].form.name,
        load=over_trials(trial.at.load for trial in trials),
        service_ms=over_trials(trial.at.service_ms for trial in trials),
        besides_ms=over_trials(trial.at.besides_ms for trial in trials),
        mean_wait=_predicted([(trial.wait_ms, trial.wait_predicted_ms) for trial in trials]),
        p99_response=_predicted(
            [(trial.p99_ms, trial.p99_predicted_ms) for trial in trials if trial.p99_predicted_ms is not None]
        )
        if trials[0].form.exponential
        else None,
        interval=interval,
        inside=interval.low <= predicted_ms <= interval.high if interval else None,
        n=sum(trial.n for trial in trials),
    )


def _interval(batches_ms: Sequence[float]) -> Interval | None:
    return Interval(*mean_interval(batches_ms), len(batches_ms)) if batches_ms else None


def _predicted(trials: Sequence[tuple[float, float]]) -> PredictedFigure:
    return PredictedFigure(
        over_trials(measured for measured, _ in trials),
        over_trials(predicted for _, predicted in trials),
        over_trials(measured / predicted - 1 if predicted else None for measured, predicted in trials),
    )


def _little(trials: Sequence[dict[str, Law]]) -> dict[str, LittleSummary]:
    by_place = {
        place: [trial[place] for trial in trials if place in trial]
        for place in dict.fromkeys(place for trial in trials for place in trial)
    }
    return {place: _law(laws) for place, laws in by_place.items()}


def _law(trials: list[Law]) -> LittleSummary:
    return LittleSummary(
        over_trials(each.sampled for each in trials),
        over_trials(each.implied for each in trials),
        over_trials(each.deviation for each in trials),
        over_trials(each.tolerance for each in trials),
        sum(not each.holds for each in trials),
        sum(each.n for each in trials),
    )


def _model(trials: list[Comparison]) -> Model:
    return Model(
        _deviation([each.mean_wait for each in trials]),
        _deviation([each.p99_response for each in trials]),
        sum(each.n for each in trials),
    )


def _deviation(trials: list[Beside]) -> Deviation:
    return Deviation(
        over_trials(each.measured_ms for each in trials),
        over_trials(each.replayed_ms for each in trials),
        over_trials(each.deviation for each in trials),
    )
