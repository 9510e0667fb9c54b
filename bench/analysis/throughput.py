"""How many transactions a second a topology completes when its users never let it rest.

Invariant: a stall at the end of a step counts: the divisor is the step's measured length, not the time
between the first and the last completion. What was sent during the warm-up and done after it makes up for
what is sent before the end and done after that.
"""

from collections import defaultdict
from collections.abc import Sequence
from statistics import median
from typing import NamedTuple

from bench import ladders
from bench.analysis.recording import Step
from bench.analysis.trials import over_trials
from bench.statistics import Estimate


class Rung(NamedTuple):
    """One concurrency of the closed loop, over trials."""

    concurrency: int
    completed_per_s: Estimate


def completed_per_s(step: Step) -> float | None:
    """Completed between the end of the warm-up and the end of the step, over that time; None if it had none."""
    return step.completions / step.measured_s if step.measured_s > 0 else None


def ladder(steps: Sequence[Step]) -> list[Rung]:
    """Throughput at each concurrency that was tried, fewest users first."""
    trials = _by_trial(steps).values()
    return [
        Rung(users, estimate)
        for users in sorted({users for trial in trials for users in trial})
        if (estimate := over_trials(trial.get(users) for trial in trials))
    ]


def capacity(steps: Sequence[Step]) -> Estimate | None:
    """At the number of users that is best for all trials (``bench.ladders``); None without a closed loop."""
    return over_trials(capacities(steps).values())


def capacities(steps: Sequence[Step]) -> dict[int, float]:
    """The same by trial, to be paired with another topology's."""
    return ladders.capacities(_by_trial(steps))


def _by_trial(steps: Sequence[Step]) -> dict[int, ladders.Ladder]:
    """Of the closed steps; a trial that played a number of users several times has their median."""
    rates: dict[int, dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
    for step in steps:
        if step.closed and (rate := completed_per_s(step)) is not None:
            rates[step.trial][step.played.concurrency].append(rate)
    return {
        trial: {users: median(found) for users, found in of.items()} for trial, of in sorted(rates.items())
    }
