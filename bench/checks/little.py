"""Little's law between two accounts that know nothing of each other: how many transactions waited, as the parts' gauges
were sampled, and for how long each waited, as its client was told.

Over a stretch of time the mean number that wait is the sum of all waits that fall into it, over its length (Little
1961), on every path, in no steady state, and with any queue. What is left between the two is how well ten samples a
second tell a mean: at most 10 % in the eight steps of a recorded run of ``quick`` that are judged. A gauge or a wait
that is wrong by half is a bug of ours, and so is then every figure that is made of it.

Only steps that nothing was done to, and in which nearly all were completed: of the others the waits are not known.
"""

from collections.abc import Iterator

import numpy as np

from bench.analysis.recording import Step, key_of
from bench.checks.check import Check, Figure, told
from bench.checks.recorded import Recorded, Sampled
from bench.ledger import EpisodeKey
from bench.parquet import Database
from bench.phases import Soak

WAITING_MIN = 2.0
"""Where fewer wait on average, a handful of samples decides."""
SAMPLES_MIN = 20
COMPLETED_MIN = 0.99


_SAMPLED = """
SELECT phase, topology, trial, step, sum(mean), min(samples)
FROM (SELECT w.phase, w.topology, w.trial, w.step, part, name, avg(value) AS mean, count(*) AS samples
      FROM samples s JOIN windows w USING (phase, topology, trial, step)
      WHERE s.role IN ('front', 'broker', 'worker') AND s.name IN ('queued', 'waiting')
        AND s.t_ns BETWEEN w.warm_ns AND w.end_ns
      GROUP BY ALL)
GROUP BY ALL
"""


def sampled(database: Database, steps: list[Step]) -> dict[tuple[EpisodeKey, str], Sampled]:
    """``{(episode, step): its queues}``; a step without any sample is left out."""
    if not steps:
        return {}
    rows = [
        (*key_of(step.episode), step.played.name, step.played.warm_ns, step.played.end_ns) for step in steps
    ]
    names = ("phase", "topology", "trial", "step", "warm_ns", "end_ns")
    columns = zip(*rows, strict=True)
    windows = {
        name: np.array(column, dtype=object if isinstance(column[0], str) else np.int64)
        for name, column in zip(names, columns, strict=True)
    }
    database.register("windows", windows)
    try:
        found = database.execute(_SAMPLED).fetchall()
    finally:
        database.unregister("windows")
    return {(EpisodeKey(*key), step): Sampled(mean, count) for *key, step, mean, count in found}


def waiting(step: Step) -> float:
    """How many waited on average in its measured part, by the waits of all of its transactions."""
    begin_ns, end_ns = step.played.warm_ns, step.played.end_ns
    came_ns = step.transactions.sent_ns
    left_ns = came_ns + step.transactions.waited_us * 1000
    within_ns = np.minimum(left_ns, end_ns) - np.maximum(came_ns, begin_ns)
    return float(np.maximum(within_ns, 0).sum() / (end_ns - begin_ns))


def _deviations(recorded: Recorded) -> Iterator[Figure]:
    for step in filter(_judged, recorded.steps):
        queues = recorded.queues.get(step.played.name)
        expected = waiting(step)
        if queues is None or queues.samples < SAMPLES_MIN or max(expected, queues.waiting) < WAITING_MIN:
            continue
        off = abs(queues.waiting - expected) / max(expected, queues.waiting)
        says = (
            f"{queues.waiting:.3g} waited on average as sampled, and {expected:.3g} by their waits,"
            f" {told(off, 'share')} less of the one than of the other"
        )
        yield Figure(f"step {step.played.name}", off, says)


def _judged(step: Step) -> bool:
    completed = step.transactions.completed
    return (
        not step.faults
        and not isinstance(step.phase, Soak)
        and step.played.end_ns > step.played.warm_ns
        and completed.size > 0
        and float(completed.mean()) >= COMPLETED_MIN
    )


LITTLE = Check(
    title="how far the queues as sampled are from the waits as told, by Little's law",
    why="one of the two accounts is wrong, and with it what is made of it",
    judges="steps without faults in which two or more wait",
    unit="share",
    setting="little_deviation_max",
    figures=_deviations,
)
