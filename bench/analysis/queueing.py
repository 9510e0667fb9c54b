"""Queueing theory beside the measurement, on the same path: what would the ideal queue have made of this
step?

Arrivals and slot occupancies of a step are taken as recorded, and replayed through exact recursions
(``bench.theory.replay``). What is left between the replayed waits and the measured ones is neither luck of
the draw nor service time: it is what the topology does otherwise than the model. Four models:

* ``central-queue``: one queue, its head to whichever worker is free first (Kiefer and Wolfowitz);
* ``round-robin``: dealt in turn by one dispatcher, a queue at each worker (Lindley); None with several;
* ``as-assigned``: a queue at each worker too, but dealt as recorded, so that only the queueing is modelled;
* ``own``: what the topology is meant to be, by its plan's policy, its dispatchers and its credit (``Shares``).

Invariant: warm-up takes part in the replay, since its transactions are in the way of others, but in no
figure.

*Arrival* is when a transaction was sent. *Wait* is from arrival at who hands it out, or at its worker,
until its service begins, as the parts told it; *occupancy* from there until the slot is free again;
*response* is counted from the scheduled instant, in the replay as scheduled to sent, plus wait and
occupancy.

Of ``own`` they are told apart further, since with several dispatchers, or credit above 1, a transaction waits in two
places. ``waited_us`` holds both waits; ``slot_us`` of ``when-free`` holds the one at the worker once more, and is no
occupancy then. *Arrival* is when the execution began less what was waited: at the dispatcher, plus the way there.
*Occupancy* is from begin to end of the execution, and on to the begin of the next one where that stood there waiting
(the idle hop; its mean where none did). The *way* is what remains of the slot: as it is where one dispatcher has credit
1, so that both together are the slot, or where nothing was waited; elsewhere the mean of those. ``in-turn`` has its
``slot_us`` from the worker, which is the occupancy. *Response* is, in the replay, scheduled to arrival, plus wait, plus
what the measured one took from the begin of its execution on: the wait alone is modelled.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from bench.analysis.dealing import in_turn, uses
from bench.analysis.recording import NS_PER_MS, FloatArray, Instants, Step
from bench.parquet import Database
from bench.statistics import quantile
from bench.theory import dispatch, replay
from common.topology import Plan, Policy

_S_PER_NS = 1e-9
_S_PER_US = 1e-6
_MS_PER_S = 1e3

OWN = "own"

_AT_ONCE_US = 100
"""Who waited less waited nowhere."""

_STOOD_S = 1e-3
"""Who held a slot that much longer than the way takes stood at its worker when the one before it ended."""

MISSING_MAX = 0.01
"""A step is not replayed if more of its transactions than this have no known occupancy: they held workers
too."""


class Path(NamedTuple):
    """What was recorded of a step's executed transactions, in the order in which they were sent."""

    scheduled_ns: Instants
    sent_ns: Instants
    done_ns: Instants
    warmup: npt.NDArray[np.bool_]
    waited_us: Instants
    slot_us: Instants
    worker: Instants
    """Which worker executed it, numbered from 0."""
    front: Instants
    """Which front it came through, numbered from 0."""
    begun_ns: Instants
    finished_ns: Instants


class Shares(NamedTuple):
    """How a topology shares out transactions, as its own model needs to know."""

    policy: Policy
    central: bool
    """One broker hands out what all fronts have; else each front its own."""
    credit: int

    @property
    def slot_is_occupancy(self) -> bool:
        """Whether the time that a transaction holds a slot is its worker's, whoever else has slots there: with
        dispatchers of their own it may be spent on waiting at the worker, behind another's.
        """
        return self.policy == "in-turn" or (self.central and self.credit == 1)


def shares(plan: Plan, credit: int) -> Shares | None:
    """Of a topology; None where it has no model: no policy is told, or several brokers are."""
    brokers = sum(part.role == "broker" for part in plan.parts)
    if plan.policy is None or brokers > 1:
        return None
    return Shares(plan.policy, brokers == 1, credit)


class Beside(msgspec.Struct, frozen=True):
    """One figure, measured and replayed."""

    measured_ms: float
    replayed_ms: float

    @property
    def deviation(self) -> float | None:
        """How far the measurement is off, as a fraction of the replay; None where that is 0."""
        return self.measured_ms / self.replayed_ms - 1 if self.replayed_ms else None


class Comparison(msgspec.Struct, frozen=True):
    """One step of one trial against one model."""

    model: str
    mean_wait: Beside
    p99_response: Beside
    n: int


_PATH = r"""
SELECT t.scheduled_ns, t.sent_ns, t.done_ns, t.warmup, t.waited_us, t.slot_us,
       coalesce(try_cast(regexp_extract(e.part, '\d+$') AS BIGINT), dense_rank() OVER (ORDER BY e.part)) - 1 AS worker,
       dense_rank() OVER (ORDER BY t.front) - 1 AS front, e.begun_ns, e.finished_ns
FROM (SELECT * FROM transactions WHERE phase = ? AND topology = ? AND trial = ? AND step = ? AND slot_us > 0) t
JOIN (SELECT id, part, begun_ns, finished_ns FROM executions WHERE phase = ? AND topology = ? AND trial = ?)
    e USING (id)
QUALIFY row_number() OVER (PARTITION BY t.id ORDER BY e.begun_ns DESC) = 1
ORDER BY t.sent_ns, t.scheduled_ns
"""


def recorded(database: Database, step: Step) -> Path | None:
    """The path of a step; None where too little is known of it."""
    episode = step.episode
    where = [episode.phase, episode.topology, episode.trial]
    parameters = [*where, step.played.name, *where]
    columns: dict[str, npt.NDArray[Any]] = database.execute(_PATH, parameters).fetchnumpy()
    path = Path(**columns)
    executed = int(np.count_nonzero(step.transactions.completed))
    if not path.sent_ns.size or path.sent_ns.size < executed * (1 - MISSING_MAX) or path.warmup.all():
        return None
    return path


def compare(path: Path, workers: int, dispatchers: int, own: Shares | None = None) -> list[Comparison]:
    """Hold a path against each model that it can be held against."""
    found = []
    if own is None or own.slot_is_occupancy or (dispatchers == 1 and own.credit == 1):
        found = [_beside(path, model, waits) for model, waits in _replays(path, workers, dispatchers)]
    return [*found, _own(path, workers, own)] if own and path.finished_ns.all() else found


def _own(path: Path, workers: int, own: Shares) -> Comparison:
    """Against the topology's own model."""
    arrived_ns = path.begun_ns - path.waited_us * 1000
    order = np.argsort(arrived_ns, kind="stable")
    columns = {name: column[order] for name, column in path._asdict().items()}
    mine = Path(**columns)
    due_ns = arrived_ns[order]
    waits_s = _own_waits(mine, (due_ns - due_ns[0]) * _S_PER_NS, workers, own)
    counted = ~mine.warmup
    rest_ms = (mine.done_ns - mine.begun_ns + due_ns - mine.scheduled_ns) / NS_PER_MS
    measured_ms = (mine.done_ns - mine.scheduled_ns) / NS_PER_MS
    return Comparison(
        OWN,
        Beside(float(mine.waited_us[counted].mean() / 1e3), float(waits_s[counted].mean() * _MS_PER_S)),
        Beside(
            quantile(measured_ms[counted], 0.99), quantile((rest_ms + waits_s * _MS_PER_S)[counted], 0.99)
        ),
        int(np.count_nonzero(counted)),
    )


def _own_waits(path: Path, arrivals: FloatArray, workers: int, own: Shares) -> FloatArray:
    slots = path.slot_us * _S_PER_US
    if own.policy == "in-turn":
        return replay.assigned(arrivals, slots, in_turn(path.front, path.sent_ns, path.worker, workers))
    dispatchers = np.zeros_like(path.front) if own.central else path.front
    busy = np.asarray((path.finished_ns - path.begun_ns) * _S_PER_NS, dtype=np.float64)
    ways = np.asarray(np.maximum(slots - busy, 0), dtype=np.float64)
    if own.credit > 1 or np.unique(dispatchers).size > 1:
        busy, ways = _apart(path, busy, ways)
    begun_s = arrivals + path.waited_us * _S_PER_US
    used = uses(dispatchers, path.worker, begun_s, begun_s + busy)
    return dispatch.shared_out(arrivals, dispatchers, busy, workers, own.credit, ways, used).waits


def _apart(path: Path, busy: FloatArray, besides: FloatArray) -> tuple[FloatArray, FloatArray]:
    """How long each held its worker, and its way, where it may have waited at the worker as well. ``besides``: what its
    slot was held for while its service did not run.
    """
    at_once = path.waited_us < _AT_ONCE_US
    way = float(besides[at_once].mean()) if at_once.any() else 0.0
    turns, known = _turns(path, besides - way)
    turn = float(turns[known].mean()) if known.any() else 0.0
    held = busy + np.where(known, turns, turn)
    return held, np.where(at_once, np.maximum(besides - turn, 0), max(way - turn, 0))


def _turns(path: Path, stood_s: FloatArray) -> tuple[FloatArray, npt.NDArray[np.bool_]]:
    """How long its worker took from the end of each to the begin of the next, and where that one stood there waiting:
    for longer than the turn, or some of it was idleness. ``stood_s``: how long each stood, give or take its way.
    """
    order = np.lexsort((path.begun_ns, path.worker))
    gaps = (path.begun_ns[order][1:] - path.finished_ns[order][:-1]) * _S_PER_NS
    stood = stood_s[order][1:]
    same = (np.diff(path.worker[order]) == 0) & (stood > _STOOD_S) & (gaps >= 0) & (gaps < stood)
    turns, known = np.zeros(order.size), np.zeros(order.size, dtype=np.bool_)
    turns[order[:-1]] = np.where(same, gaps, 0.0)
    known[order[:-1]] = same
    return turns, known


def _replays(path: Path, workers: int, dispatchers: int) -> Iterator[tuple[str, FloatArray]]:
    arrivals = (path.sent_ns - path.sent_ns[0]) * _S_PER_NS
    occupancies = path.slot_us * _S_PER_US
    yield "central-queue", replay.central_queue(arrivals, occupancies, workers)
    if dispatchers == 1:
        yield "round-robin", replay.blind_round_robin(arrivals, occupancies, workers)
    yield "as-assigned", replay.assigned(arrivals, occupancies, path.worker)


def _beside(path: Path, model: str, waits_s: FloatArray) -> Comparison:
    counted = ~path.warmup
    held_back_ms = (path.sent_ns - path.scheduled_ns) / NS_PER_MS
    replayed_ms = held_back_ms + (waits_s + path.slot_us * _S_PER_US) * _MS_PER_S
    measured_ms = (path.done_ns - path.scheduled_ns) / NS_PER_MS
    return Comparison(
        model,
        Beside(float(path.waited_us[counted].mean() / 1e3), float(waits_s[counted].mean() * _MS_PER_S)),
        Beside(quantile(measured_ms[counted], 0.99), quantile(replayed_ms[counted], 0.99)),
        int(np.count_nonzero(counted)),
    )
