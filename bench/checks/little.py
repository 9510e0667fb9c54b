"""Little's law between two accounts that know nothing of each other (``bench.analysis.little``): how many transactions
waited, as the parts' gauges were sampled, and for how long each waited, as its client was told.

The law holds on every path, in no steady state and with any queue. What is left between the two is how well ten samples
a second tell a mean, which the samples tell themselves: two standard errors of it count for nothing. In the 402 steps
of recorded runs of ``sweep`` (2 s each) and ``quick`` that can be judged at most 6 % were left; with every sample
halved, more than the limit in 90 % of the steps and in some step of every episode. A gauge or a wait that is wrong by
half is a bug of ours, and so is then every figure that is made of it.

Only steps that nothing was done to, and in which nearly all were completed: of the others the waits are not known. Nor
those with thousands of transactions a second: a gauge is read between two turns of its part's loop, and rather after a
long one, which took in many at once, than after a short one. So read, queues of a tenth of a millisecond look longer.
"""

from collections.abc import Iterable, Iterator

from bench.analysis.little import Law, little
from bench.analysis.recording import Step, key_of
from bench.checks.check import Check, Figure, told
from bench.checks.recorded import Recorded
from bench.ledger import EpisodeKey
from bench.parquet import Database
from bench.phases import Soak

WAITING_MIN = 2.0
"""Where fewer wait on average, a handful of samples decides."""
COMPLETED_MIN = 0.99
RATE_PER_S_MAX = 5000.0


def queues(database: Database, steps: Iterable[Step]) -> dict[tuple[EpisodeKey, str], Law]:
    """``{(episode, step): its queues}``, of the steps that can be judged and of which samples enough are there."""
    laws = {
        (key_of(step.episode), step.played.name): little(database, step) for step in steps if _judged(step)
    }
    return {where: found["queued"] for where, found in laws.items() if "queued" in found}


def _deviations(recorded: Recorded) -> Iterator[Figure]:
    for step, law in recorded.queues.items():
        if max(law.sampled, law.implied) < WAITING_MIN:
            continue
        says = (
            f"{law.sampled:.3g} waited on average as sampled, and {law.implied:.3g} by their waits,"
            f" {told(law.beyond_chance, 'share')} less of the one than of the other, chance allowed for"
        )
        yield Figure(f"step {step}", law.beyond_chance, says)


def _judged(step: Step) -> bool:
    completed = step.transactions.completed
    return (
        not step.faults
        and not isinstance(step.phase, Soak)
        and step.played.end_ns > step.played.warm_ns
        and completed.size > 0
        and float(completed.mean()) >= COMPLETED_MIN
        and step.completions / step.measured_s <= RATE_PER_S_MAX
    )


LITTLE = Check(
    title="how far the queues as sampled are from the waits as told, by Little's law, more than by chance",
    why="one of the two accounts is wrong, and with it what is made of it",
    judges="steps without faults in which two or more wait, up to 5,000 transactions a second",
    unit="share",
    setting="little_deviation_max",
    figures=_deviations,
)
