"""What a closed form expects of a load, given no more of it than its rate and how long workers are occupied.

A replay (``bench.analysis.queueing``) says what the very path makes; a closed form says what any path of that load does
on average, so luck of the draw stands between it and the measurement. A long step has an interval for that: its
measured part is cut into ``BATCHES`` of equally many transactions, far longer than the queue remembers, whose mean
waits are as good as independent (batch means).

Invariant: where no closed form describes what a topology does there is none, never the nearest one. There is one for a
single dispatcher that hands to whoever is free, credit 1 (M/M/c), or deals in turn (E_c/M/1). Where arrivals or service
times are not exponential, Allen and Cunneen's approximation gives the mean wait, and no quantile. Recorded arrivals (a
trace) may hang together, which none of them allows for.

It is fed what was measured: *load* is arrival rate x mean occupancy / workers. At load 0.8, one per cent of occupancy
moves the mean wait of M/M/8 by 7.8 %.

A service that takes exponential time occupies its worker for a constant hop besides, so the occupancy varies less: the
mean wait is shorter in Allen and Cunneen's proportion, by the occupancy's cv as measured.

A *response* also takes what is neither wait nor occupancy (HTTP, the way there), *besides*, of which the mean as
measured is added to a quantile.
"""

from collections.abc import Sequence
from statistics import median
from typing import NamedTuple

import numpy as np

from bench.analysis.queueing import MISSING_MAX, Path, Shares
from bench.analysis.recording import NS_PER_MS, NS_PER_S, FloatArray, Instants, Step
from bench.phases import Open
from bench.statistics import quantile
from bench.theory import closed_forms
from common.services import ServiceSpec

BATCHES = 20
BATCH_S_MIN = 2.9
"""So that a step of a minute has an interval, and no shorter one."""
RELAXATIONS_MIN = 10.0
"""How many times longer than the queue remembers a batch must be."""

_US_PER_MS = 1e3
_MS_PER_S = 1e3


class Form(NamedTuple):
    """A closed form, without the load."""

    workers: int
    in_turn: bool
    exponential: bool
    """Poisson arrivals and exponential service."""

    @property
    def name(self) -> str:
        """In Kendall's notation."""
        if not self.exponential:
            return "G/G/1 (Allen-Cunneen)" if self.in_turn else f"G/G/{self.workers} (Allen-Cunneen)"
        return f"E{self.workers}/M/1" if self.in_turn else f"M/M/{self.workers}"

    def mean_wait(self, at: "Load") -> float:
        """In ms."""
        if not self.exponential:
            queues = self.workers if self.in_turn else 1  # each gets every so many-th arrival
            return closed_forms.allen_cunneen_mean_wait(
                self.workers // queues, at.load, at.service_ms,
                arrival_cv=at.arrival_cv / queues**0.5, service_cv=at.service_cv,
            )  # fmt: skip
        wait = closed_forms.round_robin_mean_wait if self.in_turn else closed_forms.mmc_mean_wait
        arrivals = 1 / self.workers if self.in_turn else 1.0  # squared cv: gaps at one worker are Erlang
        variability = (arrivals + at.service_cv**2) / (arrivals + 1)
        return wait(self.workers, at.load, at.service_ms) * variability

    def response(self, q: float, at: "Load") -> float | None:
        """Its quantile in ms, with what was taken besides; None where only the mean wait is known."""
        if not self.exponential:
            return None
        of = (
            closed_forms.round_robin_response_quantile if self.in_turn else closed_forms.mmc_response_quantile
        )
        return of(q, self.workers, at.load, at.service_ms) + at.besides_ms

    def relaxation_s(self, at: "Load") -> float:
        """How long the queue remembers; of other than exponential ones, about."""
        relaxation = closed_forms.round_robin_relaxation if self.in_turn else closed_forms.mmc_relaxation
        return relaxation(self.workers, at.load, at.service_ms / _MS_PER_S)


class Load(NamedTuple):
    """What was measured of a step, and is all that a closed form is told."""

    load: float
    service_ms: float
    """Mean occupancy."""
    besides_ms: float
    arrival_cv: float
    service_cv: float


class Predicted(NamedTuple):
    """One step of one trial."""

    form: Form
    at: Load
    wait_ms: float
    """Mean, as measured."""
    wait_predicted_ms: float
    p99_ms: float
    p99_predicted_ms: float | None
    batches_ms: tuple[float, ...]
    """Mean wait of each batch; none where the step is too short for batches."""
    n: int


def form(own: Shares | None, workers: int, dispatchers: int, step: Step, service: ServiceSpec) -> Form | None:
    """The one that a topology's policy implies. ``dispatchers``: how many fronts hand out, where no broker does."""
    if own is None or not isinstance(step.phase, Open) or step.phase.arrivals == "trace":
        return None
    central = own.central and own.policy == "when-free"
    if (dispatchers > 1 and not central) or (own.policy == "when-free" and own.credit > 1):
        return None
    timed = service.name in ("sleep", "spin") and service.distribution == "exponential"
    return Form(workers, own.policy == "in-turn", timed and step.phase.arrivals == "poisson")


def predict(path: Path, form: Form, step: Step) -> Predicted | None:
    """Of one step. None where the queue would not be stable, or where too many transactions were not executed: a
    closed form knows no one who is turned away.
    """
    if path.sent_ns.size < step.transactions.scheduled_ns.size * (1 - MISSING_MAX):
        return None
    counted = Path._make(column[~path.warmup] for column in path)
    at = measured(counted, step.measured.sent_ns, form.workers)
    if at is None:
        return None
    waits_ms = counted.waited_us / _US_PER_MS
    batch_s = float(np.ptp(counted.sent_ns)) / NS_PER_S / BATCHES
    return Predicted(
        form,
        at,
        float(waits_ms.mean()),
        form.mean_wait(at),
        quantile(_responses_ms(counted), 0.99),
        form.response(0.99, at),
        _batches(waits_ms) if batch_s >= max(BATCH_S_MIN, RELAXATIONS_MIN * form.relaxation_s(at)) else (),
        waits_ms.size,
    )


def measured(path: Path, sent_ns: Instants, workers: int) -> Load | None:
    """Load and service as measured, of what is counted; None where they make no stable queue. ``sent_ns``: of all that
    was sent, also of the few whose occupancy is not known.
    """
    gaps_s, service_ms = np.diff(np.sort(sent_ns[sent_ns > 0])) / NS_PER_S, path.slot_us / _US_PER_MS
    if gaps_s.size < 2 or not gaps_s.any():
        return None
    mean_s, mean_ms = float(gaps_s.mean()), float(service_ms.mean())
    load = mean_ms / _MS_PER_S / mean_s / workers
    if not load < 1:
        return None
    besides_ms = float((_responses_ms(path) - path.waited_us / _US_PER_MS - service_ms).mean())
    return Load(load, mean_ms, besides_ms, float(gaps_s.std()) / mean_s, float(service_ms.std()) / mean_ms)


def middle(trials: Sequence[Predicted]) -> Load:
    """Of several trials: the median of each."""
    return Load(*(median(column) for column in zip(*(trial.at for trial in trials), strict=True)))


def _responses_ms(path: Path) -> FloatArray:
    return np.asarray((path.done_ns - path.scheduled_ns) / NS_PER_MS, dtype=np.float64)


def _batches(waits_ms: FloatArray) -> tuple[float, ...]:
    return tuple(float(batch.mean()) for batch in np.array_split(waits_ms, BATCHES))


class Curve(NamedTuple):
    """A closed form against the offered load, to be drawn."""

    name: str
    x: FloatArray
    """Offered: in the unit of the points that it was made from."""
    by_quantile: dict[float, FloatArray]
    """Response in ms."""


CURVE_POINTS = 48


def curve(form: Form, x: Sequence[float], loads: Sequence[Load], quantiles: Sequence[float]) -> Curve | None:
    """Through what was measured at offered loads ``x``, rising; between them that is interpolated. None where the form
    has no quantiles.
    """
    if not form.exponential:
        return None
    fine = np.linspace(x[0], x[-1], CURVE_POINTS) if len(x) > 1 else np.array(x)
    between = zip(*(np.interp(fine, x, column) for column in zip(*loads, strict=True)), strict=True)
    each = [Load(*map(float, values)) for values in between]
    return Curve(
        form.name,
        fine,
        {q: np.array([form.response(q, at) for at in each], dtype=np.float64) for q in quantiles},
    )
