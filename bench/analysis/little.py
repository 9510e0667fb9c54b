"""Little's law, L = lambda W, as a self-test: depths sampled over time against waits told by transaction.

The two come from different instruments: a part counts its queue ten times a second, an answer tells what its own
transaction waited. If they differ by more than chance, one is wrong, or something waits that no answer tells of.

*Sampled* is the mean depth over the measured stretch, of all parts of a place together. *Implied* is the sum of the
waits within it over its length, which is lambda W. Answers do not tell apart in which queue (the front's, the broker's,
the worker's) they waited, so these are held against the law together, as ``queued``; ``executing`` is held against the
executions.

Invariant: the tolerance is what chance explains, never a bound that was picked to pass. Depths are autocorrelated: 300
samples of a queue that takes a second to forget are worth 30. Their mean's standard error is therefore taken from means
of batches, of the difference of the two; the tolerance is that times ``SIGMAS``, and what one transaction makes, the
one that stayed longest.
"""

from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from bench.analysis.recording import FloatArray, Instants, Step
from bench.parquet import Database

BATCHES = 10
"""Of a stretch of 10 s or more each is a second or longer: the relaxation time of M/M/8 at load 0.8 is 0.2 s."""
SIGMAS = 4.0
"""With 9 degrees of freedom, t exceeds 4 by chance in 3 of 1,000."""
SAMPLES_MIN = 5 * BATCHES
"""Fewer tell nothing."""


class Law(NamedTuple):
    """One place in one step of one trial."""

    sampled: float
    """Mean depth, transactions."""
    implied: float
    """Transactions: the rate of those that came, times their mean wait."""
    tolerance: float
    """How far apart, in transactions, chance may put them."""
    n: int
    """Samples."""

    @property
    def deviation(self) -> float | None:
        """How far the sampled depth is off, as a fraction of the implied one; None where that is 0."""
        return self.sampled / self.implied - 1 if self.implied else None

    @property
    def beyond_chance(self) -> float:
        """How far the two are apart more than half of the tolerance, as a fraction of the larger: a lower bound."""
        apart = max(abs(self.sampled - self.implied) - self.tolerance / 2, 0.0)
        return apart / max(self.sampled, self.implied) if apart else 0.0

    @property
    def holds(self) -> bool:
        """Whether chance may explain it."""
        return abs(self.sampled - self.implied) <= self.tolerance


_DEPTHS = """
SELECT part, name, t_ns, value FROM samples
WHERE phase = ? AND topology = ? AND trial = ? AND t_ns >= ? AND t_ns < ?
    AND ((role IN ('front', 'broker') AND name = 'queued') OR (role = 'worker' AND name IN ('waiting', 'executing')))
ORDER BY part, name, t_ns
"""

_STAYS = """
SELECT waited_us, begun_ns, finished_ns
FROM (SELECT id, begun_ns, finished_ns FROM executions
      WHERE phase = ? AND topology = ? AND trial = ? AND begun_ns > 0 AND finished_ns > 0)
JOIN (SELECT id, waited_us FROM transactions WHERE phase = ? AND topology = ? AND trial = ?) USING (id)
"""
"""All of the episode: what began before the stretch may reach into it. Each table is narrowed down by itself: joined as
a whole, those of a sweep take ten times as long."""


def little(database: Database, step: Step) -> dict[str, Law]:
    """By place, ``queued`` and ``executing``, over the measured part of a step; without one of which no gauge told."""
    begin_ns, end_ns = step.played.warm_ns, step.played.end_ns
    episode = step.episode
    where = [episode.phase, episode.topology, episode.trial]
    rows: dict[str, npt.NDArray[Any]] = database.execute(_DEPTHS, [*where, begin_ns, end_ns]).fetchnumpy()
    stays: dict[str, npt.NDArray[Any]] = database.execute(_STAYS, where * 2).fetchnumpy()
    begun_ns = stays["begun_ns"].astype(np.int64)
    waited_ns = stays["waited_us"].astype(np.int64) * 1000
    spent = {
        "queued": (begun_ns - waited_ns, begun_ns),
        "executing": (begun_ns, stays["finished_ns"].astype(np.int64)),
    }
    found: dict[str, Law] = {}
    for place, (from_ns, to_ns) in spent.items():
        told = (rows["name"] == "executing") == (place == "executing")
        law = hold({name: rows[name][told] for name in rows}, from_ns, to_ns, begin_ns, end_ns)
        if law is not None:
            found[place] = law
    return found


def hold(
    rows: dict[str, npt.NDArray[Any]], from_ns: Instants, to_ns: Instants, begin_ns: int, end_ns: int
) -> Law | None:
    """Depths against stays. ``rows``: columns ``part``, ``name``, ``t_ns``, ``value``; ``from_ns``, ``to_ns``: shape
    (n,), when each transaction came and went. None where samples are too few to tell.
    """
    edges = np.linspace(begin_ns, end_ns, BATCHES + 1)
    sampled = np.zeros(BATCHES)
    count = 0
    for part in np.unique(rows["part"]):
        for name in np.unique(rows["name"][rows["part"] == part]):
            mine = (rows["part"] == part) & (rows["name"] == name)
            means = _batch_means(rows["t_ns"][mine], rows["value"][mine], edges)
            if means is None:
                return None
            sampled += means
            count += int(np.count_nonzero(mine))
    if count < SAMPLES_MIN:
        return None
    implied = np.array([_mean_depth(from_ns, to_ns, *pair) for pair in pairwise(edges)])
    off = sampled - implied
    error = float(off.std(ddof=1) / np.sqrt(BATCHES))
    one = float(np.abs(to_ns - from_ns).max(initial=0)) / (end_ns - begin_ns)
    return Law(float(sampled.mean()), float(implied.mean()), SIGMAS * error + one, count)


def _batch_means(t_ns: Instants, depth: FloatArray, edges: FloatArray) -> FloatArray | None:
    batch = np.clip(np.searchsorted(edges, t_ns, "right") - 1, 0, BATCHES - 1)
    counts = np.bincount(batch, minlength=BATCHES)
    if not counts.all():
        return None
    return np.asarray(np.bincount(batch, weights=depth, minlength=BATCHES) / counts, dtype=np.float64)


def _mean_depth(from_ns: Instants, to_ns: Instants, begin_ns: float, end_ns: float) -> float:
    """How many were there on average: the time that all of them spent within, over its length."""
    inside = np.minimum(to_ns, end_ns) - np.maximum(from_ns, begin_ns)
    return float(np.maximum(inside, 0).sum() / (end_ns - begin_ns))
