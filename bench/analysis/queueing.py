"""Queueing theory beside the measurement, on the same path: what would the ideal queue have made of this
step?

Arrivals and slot occupancies of a step are taken as recorded, and replayed through exact recursions
(``bench.theory.replay``). What is left between the replayed waits and the measured ones is neither luck of
the draw nor service time: it is what the topology does otherwise than the model. Three models:

* ``central-queue``: one queue, its head to whichever worker is free first (Kiefer and Wolfowitz);
* ``round-robin``: dealt in turn by one dispatcher, a queue at each worker (Lindley); None with several;
* ``as-assigned``: a queue at each worker too, but dealt as recorded, so that only the queueing is modelled.

Invariant: warm-up takes part in the replay, since its transactions are in the way of others, but in no
figure.

*Arrival* is when a transaction was sent. *Wait* is from arrival at who hands it out, or at its worker,
until its service begins, as the parts told it; *occupancy* from there until the slot is free again;
*response* is counted from the scheduled instant, in the replay as scheduled to sent, plus wait and
occupancy.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from bench.analysis.recording import NS_PER_MS, FloatArray, Instants, Step
from bench.parquet import Database
from bench.theory import replay

_S_PER_NS = 1e-9
_S_PER_US = 1e-6
_MS_PER_S = 1e3

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


_PATH = """
SELECT t.scheduled_ns, t.sent_ns, t.done_ns, t.warmup, t.waited_us, t.slot_us,
       dense_rank() OVER (ORDER BY e.part) - 1 AS worker
FROM transactions t
JOIN executions e ON (t.phase, t.topology, t.trial, t.id) = (e.phase, e.topology, e.trial, e.id)
WHERE t.phase = ? AND t.topology = ? AND t.trial = ? AND t.step = ? AND t.slot_us > 0
QUALIFY row_number() OVER (PARTITION BY t.id ORDER BY e.begun_ns DESC) = 1
ORDER BY t.sent_ns, t.scheduled_ns
"""


def compare(database: Database, step: Step, workers: int, dispatchers: int) -> list[Comparison]:
    """Hold a step against each model that it can be held against; nothing where too little is known of it."""
    episode = step.episode
    where = [episode.phase, episode.topology, episode.trial, step.played.name]
    columns: dict[str, npt.NDArray[Any]] = database.execute(_PATH, where).fetchnumpy()
    path = Path(**columns)
    executed = int(np.count_nonzero(step.transactions.completed))
    if not path.sent_ns.size or path.sent_ns.size < executed * (1 - MISSING_MAX) or path.warmup.all():
        return []
    return [_beside(path, model, waits) for model, waits in _replays(path, workers, dispatchers)]


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
        Beside(_p99(measured_ms[counted]), _p99(replayed_ms[counted])),
        int(np.count_nonzero(counted)),
    )


def _p99(ms: FloatArray) -> float:
    return float(np.quantile(ms, 0.99, method="inverted_cdf"))
