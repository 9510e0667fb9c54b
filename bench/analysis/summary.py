"""``summary.json``: every number in the report, in the shape that others rely on (it may grow, nothing is renamed).

Invariant: ``fates``, ``ledger``, ``places``, ``late_work``, ``audit``, ``trials``, every ``n`` and whatever counts
faults, trials or transactions of all trials are plain integers; floors and predictions follow from the settings,
loads are as offered; all other numbers are estimates over valid trials, None where there is none. The accounts (the
first five) count every trial, also an invalid one, and the warm-up. What stands at the top of a topology is level
``rest``; level ``client`` has the same under ``client``.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import astuple

from bench.analysis.cells import CellFindings, InCell
from bench.analysis.crossover import Verdict
from bench.analysis.differences import Differences, differences
from bench.analysis.faults import Fault
from bench.analysis.findings import Findings, Topology, analyse
from bench.analysis.floors import Floor, Floors
from bench.analysis.growth import Life
from bench.analysis.little import Law
from bench.analysis.membership import Membership
from bench.analysis.omission import Omission
from bench.analysis.per_core import best
from bench.analysis.places import LateWork
from bench.analysis.queueing import Beside, Comparison
from bench.analysis.ratios import ratios
from bench.analysis.recovery import Recovery
from bench.analysis.stability import Slowed
from bench.analysis.steady import LoadPoint
from bench.analysis.stuck import Missing
from bench.analysis.trials import (
    over_trials,
    over_trials_or_never,
    within_trial,
    within_trial_or_never,
)
from bench.analysis.validity import invalid_trials
from bench.audit import Audit
from bench.checks.check import Checked
from bench.checks.registry import CHECKS
from bench.ledger import Fates, Ledger
from bench.scenario import Scenario
from bench.statistics import Estimate

FILE = "summary.json"


class Latency(msgspec.Struct, frozen=True):
    """Of one load."""

    p50: Estimate | None
    p99: Estimate | None
    p999: Estimate | None
    n: int
    """Transactions that were due, all trials together."""
    rate_per_s: float
    """Offered."""


class Deviation(msgspec.Struct, frozen=True):
    """A figure as measured, as replayed, and the first over the second, minus 1."""

    measured_ms: Estimate | None
    replayed_ms: Estimate | None
    deviation: Estimate | None


class Model(msgspec.Struct, frozen=True):
    """One load against one model of ``bench.analysis.queueing``."""

    mean_wait: Deviation
    p99_response: Deviation
    n: int


class LittleSummary(msgspec.Struct, frozen=True):
    """One place under one load, in transactions; see ``bench.analysis.little``."""

    sampled: Estimate | None
    implied: Estimate | None
    deviation: Estimate | None
    tolerance: Estimate | None
    """How far apart chance may put the first two."""
    trials_beyond: int
    """Trials in which they were further apart."""
    n: int
    """Samples, all trials together."""


class RecoverySummary(msgspec.Struct, frozen=True):
    """One fault; what the figures mean is in ``bench.analysis.recovery``. ``harmed``, ``goodput_lost``, ``delayed`` and
    ``resent`` are transactions per fault.

    An estimate's ``n`` is its number of trials: of the faults of one trial, which share a deployment and a moment of
    the machine, the median is taken first. ``n`` beside them is the number of faults.
    """

    detected_ms: Estimate | None
    first_failure_ms: Estimate | None
    first_success_ms: Estimate | None
    recovered_ms: Estimate | None
    harmed: Estimate | None
    goodput_lost: Estimate | None
    last_failure_ms: Estimate | None
    drained_ms: Estimate | None
    after_healing_ms: Estimate | None
    returned_ms: Estimate | None
    delayed: Estimate | None
    attempts_before: Estimate | None
    """Per transaction, in the baseline."""
    attempts: Estimate | None
    """Per transaction that the fault touched."""
    resent: Estimate | None
    detected_by: list[str]
    detected_by_counts: dict[str, int]
    """Faults that each part was the first to notice."""
    harmed_fates: Fates
    """Summed over faults."""
    not_recovered: int
    """Faults after which goodput was not back in the band before the recording ended."""
    not_back_after_healing: int
    """Faults after whose healing it was not."""
    left_again: int
    """Faults after which it was back in the band for a second, and left it once more."""
    unjudged: dict[str, int]
    """Faults of which nothing that rests on a baseline is known, by reason; none of them is in ``not_recovered``."""
    n: int
    """Faults."""
    label: str
    """``kill-worker``."""
    load: str
    """The load or rate under which it came."""
    floor_ms: Floor
    floors_ms: Floors
    """What these are made of."""
    lasted_ms: Estimate | None
    """How long it was kept up, which is in ``recovered_ms``; None: it was over at once."""


class StabilitySummary(msgspec.Struct, frozen=True):
    """One load while one worker was slow."""

    unserved: Estimate | None
    """Share of the load that was not served."""
    stable: bool | None
    """By its median; None where it is not known."""
    n: int
    """Transactions that were due meanwhile, all trials together."""


class SlowSummary(msgspec.Struct, frozen=True):
    """One phase in which a worker was slow; what stable means is in ``bench.analysis.stability``."""

    times: float
    workers: int
    stable_below_predicted: float | None
    """Load, as are the next two; None where theory has nothing to say of the topology."""
    largest_stable: float | None
    smallest_unstable: float | None
    as_predicted: bool | None
    """Whether every load was on its side of the limit; None where that can't be told."""
    loads: dict[str, StabilitySummary]


class AbsentSummary(msgspec.Struct, frozen=True):
    """One phase in which workers were absent; what stuck means is in ``bench.analysis.stuck``."""

    endpoints: int
    """Absent workers."""
    fronts: int
    stuck_predicted: int | None
    """Transactions, at all fronts together; None where theory has nothing to say of the topology."""
    stuck: Estimate | None
    stuck_by_front: dict[str, Estimate | None]
    trials_as_predicted: int | None
    """Trials in which it was exactly as many at every front."""
    completed: int
    """Of those stuck, all trials together, as is the next."""
    executed_there: int
    """By a worker that had been absent."""
    n: int
    """Trials."""


class Predictions(msgspec.Struct, frozen=True):
    """What theory says beside what was measured, by phase."""

    slow_worker: dict[str, SlowSummary]
    absent_worker: dict[str, AbsentSummary]


class InCellSummary(msgspec.Struct, frozen=True):
    """One topology in one cell of a sweep."""

    trials: int
    """Valid ones."""
    capacity_per_s: Estimate | None
    search_ended_by_max: int
    """Trials in which it was not the throughput that ended the search: the capacity is that much at least."""
    throughput_per_s: dict[str, Estimate]
    latency_ms: dict[str, Latency]
    queueing: dict[str, dict[str, Model]]


class CellSummary(msgspec.Struct, frozen=True):
    """One cell of a sweep."""

    conditions: dict[str, float | str]
    """What is different here: ``{"fronts": 4, "distribution": "exponential"}``."""
    reference_capacity_per_s: float | None
    """What its loads are fractions of."""
    topologies: dict[str, InCellSummary]


class RoleCost(msgspec.Struct, frozen=True):
    """What one role takes, over the same steps as ``cpu_us_per_transaction``; context switches for one completed
    transaction.
    """

    cpu_us: Estimate | None
    switches_voluntary: Estimate | None
    switches_involuntary: Estimate | None
    rss_mib: Estimate | None
    """Held by all its processes."""


class CostSummary(msgspec.Struct, frozen=True):
    """What one transaction costs."""

    by_role: dict[str, RoleCost]
    wire_bytes: dict[str, int]
    """By link, there and back: follows from the protocol, see ``bench.analysis.wire_bytes``."""
    http_bytes: Estimate | None
    """Between client and front, as counted."""


class PerCore(msgspec.Struct, frozen=True):
    """The load with the most completed per second among those whose p99 is within the target."""

    p99_target_ms: float
    load: str
    per_s: Estimate
    """Completed per second."""
    per_cpu_s: Estimate
    """Completed for one second of processor time of the whole deployment."""
    cores: Estimate
    """Processors busy on average."""


class ReadingSummary(msgspec.Struct, frozen=True):
    """One way to tell how long the transactions of one load took."""

    p50_ms: Estimate | None
    p99_ms: Estimate | None
    p999_ms: Estimate | None
    slow: Estimate | None
    """Share that took longer than five medians of the open load."""
    n: int


class OmissionSummary(msgspec.Struct, frozen=True):
    """One fault under an open load, and under one of the same rate whose users wait for their answers."""

    rate_per_s: float
    users: int
    """Of the load that waits."""
    readings: dict[str, ReadingSummary]


class MembershipSummary(msgspec.Struct, frozen=True):
    """What it takes to add or remove a worker while the deployment runs: see ``bench.analysis.membership``."""

    places_to_edit: list[str]
    connections: int
    connections_of_a_worker: int
    worker_up_ms: Estimate | None
    worker_first_use_ms: Estimate | None
    places_restarted_ms: Estimate | None
    """A rolling restart of all places, from its begin until the last is back."""


NO_COST = CostSummary({}, {}, None)


class Level(msgspec.Struct, frozen=True):
    """What was measured at one level."""

    capacity_per_s: Estimate | None
    latency_ms: dict[str, Latency]
    fates: Fates
    ledger: Ledger
    places: Mapping[str, Mapping[str, int]]
    """{what went wrong: {place last seen: transactions}}."""
    late_work: LateWork
    recovery: dict[str, RecoverySummary]
    cpu_us_per_transaction: dict[str, Estimate]
    throughput_per_s: dict[str, Estimate]
    """By concurrency."""
    queueing: dict[str, dict[str, Model]]
    """By load and model."""
    little: dict[str, dict[str, LittleSummary]]
    """By load and place."""
    audit: Audit | None
    """Of the bank's books, summed over trials; None where the service keeps no bank."""
    predictions: Predictions
    cost_per_transaction: CostSummary
    coordinated_omission: dict[str, OmissionSummary]
    """By fault and load: ``pause-front, 300/s``."""
    goodput_per_core: PerCore | None
    """None where no load has a p99 within the target, or its processor time is not known."""


class TopologySummary(msgspec.Struct, frozen=True):
    """One topology. In JSON, what was measured at level rest stands beside its name, not under it."""

    family: str
    trials: int
    """Valid ones."""
    trials_invalid: int
    membership: MembershipSummary
    measured: Level
    """At whichever level the run was at: a run has one."""
    client: bool
    """Whether that was level client."""


class CheckSummary(msgspec.Struct, frozen=True):
    """One check of ``bench.checks.registry``, over all episodes; figures are in its unit."""

    unit: str
    """``ms``, ``share`` or, of a number of things, empty."""
    limit: float
    """The largest figure that passes."""
    setting: str
    """What sets that: ``validity.lag_p99_ms_max``; empty: nothing is allowed."""
    worst: float | None
    at: str
    judged: int
    failed: int
    unknown: int
    """Figures that could not be judged."""
    why_unknown: str


class Summary(msgspec.Struct, frozen=True):
    """The whole file."""

    valid: bool
    why_invalid: list[str]
    complete: bool
    scenario: str
    reference_capacity_per_s: float | None
    topologies: dict[str, TopologySummary]
    ratios: dict[str, Estimate]
    """Closed-loop throughput over a baseline's: ``freelance/bare-dealer``; empty where no baseline was played."""
    growth: list[Life]
    """Of a soak: each process that was judged, with what it grew by; empty elsewhere."""
    checks: dict[str, CheckSummary]
    """By name: what each check found, also where all passed."""
    cells: dict[str, CellSummary] = {}
    """Of a sweep, by name; what stands with a topology is then only what no cell has: its accounts."""
    crossover: list[Verdict] = []
    """Of a sweep: who wins where."""
    differences: Differences = {}
    """Between topologies: {``A/B``: {figure: ...}}."""


def summarize(folder: Path) -> dict[str, Any]:
    """The summary of a run folder, as JSON has it. Raises as ``analyse``."""
    return as_json(summary_of(analyse(folder)))


def as_json(summary: Summary) -> dict[str, Any]:
    """Only dicts, lists, numbers, texts and None."""
    built: dict[str, Any] = msgspec.to_builtins(summary)
    built["growth"] = [{**life._asdict(), "episode": str(life.episode)} for life in summary.growth]
    built["topologies"] = {name: _flat(topology) for name, topology in summary.topologies.items()}
    return built


def _flat(topology: TopologySummary) -> dict[str, Any]:
    measured = topology.measured
    top = _nothing(measured) if topology.client else measured
    return {
        "family": topology.family,
        "trials": topology.trials,
        "trials_invalid": topology.trials_invalid,
        "membership": msgspec.to_builtins(topology.membership),
        **msgspec.to_builtins(top),
        "client": msgspec.to_builtins(measured) if topology.client else None,
    }


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


def _nothing(measured: Level) -> Level:
    """Level rest where only another was played: the accounts, which are for all levels, and no figures."""
    accounts = measured.fates, measured.ledger, measured.places, measured.late_work
    return Level(
        None, {}, *accounts, {}, {}, {}, {}, {}, measured.audit, Predictions({}, {}), NO_COST, {}, None
    )


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
