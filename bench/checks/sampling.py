"""Whether the bench itself kept time: it samples, injects faults and follows the load in one process."""

from collections.abc import Iterator

from bench.checks.check import Check, Figure, told
from bench.checks.played import Played
from bench.checks.starvation import NOT_SAMPLED


def _missing(played: Played) -> Iterator[Figure]:
    for step in played.begun:
        seen = played.watched.get(step.name)
        share = seen.missing if seen else None
        says = (
            NOT_SAMPLED
            if share is None
            else f"{told(share, 'share')} of the samples that were due are missing"
        )
        yield Figure(f"step {step.name}", share, says)


MISSING = Check(
    title="samples that are missing, of those that were due",
    why="who was held up that long saw neither depths nor processors, and came late to whatever else was due",
    judges="steps",
    unit="share",
    setting="samples_missing_share_max",
    figures=_missing,
)
