"""``summary.json``: every number in the report, in the shape that others rely on (it may grow, nothing is renamed).

Invariant: ``fates``, ``ledger``, ``places``, ``late_work``, ``audit``, ``trials``, every ``n`` and whatever counts
faults, trials or transactions of all trials are plain integers; floors and predictions follow from the settings,
loads are as offered; all other numbers are estimates over valid trials, None where there is none. The accounts (the
first five) count every trial, also an invalid one, and the warm-up. What stands at the top of a topology is level
``rest``; level ``client`` has the same under ``client``.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from bench.analysis.agreement import Agreement
from bench.analysis.crossover import Verdict
from bench.analysis.differences import Differences
from bench.analysis.floors import Floor, Floors
from bench.analysis.growth import Life
from bench.analysis.places import LateWork
from bench.audit import Audit
from bench.ledger import Fates, Ledger
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


class Interval(msgspec.Struct, frozen=True):
    """95 %, of the mean wait in ms: Student's, from the means of batches."""

    low: float
    high: float
    batches: int
    """Of all trials together."""


class PredictedFigure(msgspec.Struct, frozen=True):
    """A figure as measured, as the closed form has it, and the first over the second, minus 1."""

    measured_ms: Estimate | None
    predicted_ms: Estimate | None
    deviation: Estimate | None


class ClosedForm(msgspec.Struct, frozen=True):
    """One load beside the closed form that the topology's policy implies; see ``bench.analysis.closed_form``."""

    model: str
    """``M/M/8``."""
    load: Estimate | None
    """As measured: arrival rate x mean occupancy / workers."""
    service_ms: Estimate | None
    """Mean occupancy."""
    besides_ms: Estimate | None
    """What a response takes on average that is neither wait nor occupancy: in the prediction of p99 as measured."""
    mean_wait: PredictedFigure
    p99_response: PredictedFigure | None
    """None where only the mean wait is known."""
    interval: Interval | None
    """None where steps are too short for it."""
    inside: bool | None
    """Whether the predicted mean wait is within the interval."""
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

    @property
    def away_ms(self) -> float:
        """The median until it was taken back or, where it was over at once, until the part was there again; 0 where
        neither is known.
        """
        until = self.lasted_ms or self.returned_ms
        return until.median if until else 0.0


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
    agreement: dict[str, Agreement] = {}
    closed_form: dict[str, ClosedForm] = {}


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
    connections_counted: Estimate | None
    """Links that the kernel had connected when a load was about to begin."""
    connections_differ: list[str]
    """Each episode in which that were others than planned."""
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
    agreement: dict[str, Agreement] = {}
    """By load, with the model of ``queueing`` that is the topology's own."""
    closed_form: dict[str, ClosedForm] = {}
    """By load, where there is one."""


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


def write_summary(summary: Summary, folder: Path) -> dict[str, Any]:
    """Write it into a run folder; returns it as JSON has it. Raises OSError."""
    built = as_json(summary)
    (folder / FILE).write_bytes(msgspec.json.format(msgspec.json.encode(built), indent=2) + b"\n")
    return built


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


def _nothing(measured: Level) -> Level:
    """Level rest where only another was played: the accounts, which are for all levels, and no figures."""
    accounts = measured.fates, measured.ledger, measured.places, measured.late_work
    return Level(
        None, {}, *accounts, {}, {}, {}, {}, {}, measured.audit, Predictions({}, {}), NO_COST, {}, None
    )
