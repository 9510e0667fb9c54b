"""From steps of several trials to one figure over trials.

Invariant: a trial gives one value or none, never several: what it saw more than once is averaged within it first.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from math import inf
from statistics import median
from typing import TypeVar

from bench.analysis.recording import Step
from bench.statistics import Estimate, summarize

T = TypeVar("T")


def over_trials(values: Iterable[float | None]) -> Estimate | None:
    """The estimate over trials, of which those without a value are left out; ``n`` tells how many had one."""
    return summarize([value for value in values if value is not None])


def over_trials_or_never(values: Iterable[float | None]) -> Estimate | None:
    """The same where none means *never*, which is later than any value: None if that is so in half of the trials
    or more, for then the median is never. With fewer, ``n`` tells how many have a value.
    """
    every = list(values)
    known = [value for value in every if value is not None]
    return summarize(known) if len(known) * 2 > len(every) else None


def within_trial(values: Iterable[float | None]) -> float | None:
    """The one value of a trial that has several; None where it has none."""
    known = [value for value in values if value is not None]
    return median(known) if known else None


def within_trial_or_never(values: Iterable[float | None]) -> float | None:
    """The same where None means *never*: None if that is so in half of them or more."""
    every = list(values)
    known = [value for value in every if value is not None]
    return median([*known, *[inf] * (len(every) - len(known))]) if len(known) * 2 > len(every) else None


def by_trial(steps: Sequence[Step]) -> list[list[Step]]:
    """The steps of each trial, in the order of trials."""
    found: dict[int, list[Step]] = defaultdict(list)
    for step in steps:
        found[step.trial].append(step)
    return [found[trial] for trial in sorted(found)]


def by_kind(steps: Sequence[Step]) -> dict[tuple[str, str], list[Step]]:
    """The same step of all trials together: {(phase, step): steps}, in the order in which they were played."""
    found: dict[tuple[str, str], list[Step]] = {}
    for step in steps:
        found.setdefault((step.episode.phase, step.played.name), []).append(step)
    return found


def keys(kinds: Iterable[T], short: Callable[[T], str], full: Callable[[T], str]) -> dict[T, str]:
    """A key for each: the short one for the first that wants it, the full one for the others."""
    found: dict[T, str] = {}
    for kind in kinds:
        found[kind] = full(kind) if short(kind) in found.values() else short(kind)
    return found
