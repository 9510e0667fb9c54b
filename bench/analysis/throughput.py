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
from bench.analysis.trials import by_trial, over_trials, within_trial
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
    found = []
    for concurrency in sorted({step.played.concurrency for step in steps if step.closed}):
        rung = [step for step in steps if step.closed and step.played.concurrency == concurrency]
        rates = (within_trial(map(completed_per_s, trial)) for trial in by_trial(rung))
        if estimate := over_trials(rates):
            found.append(Rung(concurrency, estimate))
    return found


def capacity(steps: Sequence[Step]) -> Estimate | None:
    """At the number of users that is best for all trials (``bench.ladders``); None without a closed loop."""
    return over_trials(capacities(steps).values())


def capacities(steps: Sequence[Step]) -> dict[int, float]:
    """The same by trial, to be paired with another topology's."""
    closed = by_trial([step for step in steps if step.closed])
    return ladders.capacities({trial[0].trial: _of_trial(trial) for trial in closed})


def _of_trial(steps: Sequence[Step]) -> ladders.Ladder:
    rates: dict[int, list[float]] = defaultdict(list)
    for step in steps:
        if (rate := completed_per_s(step)) is not None:
            rates[step.played.concurrency].append(rate)
    return {users: median(found) for users, found in rates.items()}
