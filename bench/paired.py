"""How two sides differ, trial by trial, and whether that can be told from chance.

Invariant: the trial is the unit, and the ratio is judged on a logarithmic scale, on which twice as long and half as
long are equally far from no difference. Logarithms of ratios of capacities and percentiles are near enough to normal
for Student's t; with six pairs a permutation of signs could not go below p = 2/64, and after Holm's correction over a
handful of rows would never find anything.

Sources: Student's t for the mean of the logarithms; Welch (1947) where there are no pairs; Holm, A simple sequentially
rejective multiple test procedure (1979).
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from bench.statistics import CONFIDENCE, SEED, Estimate

PAIRS_MIN = 6
"""With fewer, no verdict."""
ALPHA = 0.05
"""Of all rows of a comparison together."""
AGAIN = 4000
"""A/A comparisons that are drawn for a noise floor."""
TRIALS_NEEDED_MAX = 1000
SPREAD_MIN = 4


class Difference(msgspec.Struct, frozen=True):
    """Of the first against the second."""

    ratio: Estimate
    """First over second: the median, and Student's interval of the mean of its logarithm, which holds 1 as long as
    ``p`` is above 0.05."""
    p: float
    """Two-sided, of no difference."""


def paired(first: Sequence[float], second: Sequence[float]) -> Difference:
    """Compare pair by pair; all positive, as many of one as of the other, at least two."""
    from scipy.stats import ttest_1samp  # 1 to 2 s to import

    ratios = np.array(first, dtype=float) / np.array(second, dtype=float)
    logs = np.log(ratios)
    return _difference(float(np.median(ratios)), logs.size, logs, lambda: ttest_1samp(logs, 0.0))


def unpaired(first: Sequence[float], second: Sequence[float]) -> Difference:
    """Compare trials that share nothing, after Welch; all positive, at least two of each."""
    from scipy.stats import ttest_ind

    one, other = np.log(np.array(first, dtype=float)), np.log(np.array(second, dtype=float))
    ratio = float(np.median(first) / np.median(second))
    alike = np.concatenate([one - one[0], other - other[0]]) + (one[0] - other[0])
    return _difference(
        ratio, min(one.size, other.size), alike, lambda: ttest_ind(one, other, equal_var=False)
    )


def holm(ps: Sequence[float]) -> list[float]:
    """Each p after Holm's correction over all of them, in their order."""
    order = sorted(range(len(ps)), key=lambda index: ps[index])
    adjusted, least = [0.0] * len(ps), 0.0
    for place, index in enumerate(order):
        least = max(least, min(ps[index] * (len(ps) - place), 1.0))
        adjusted[index] = least
    return adjusted


def noise_floor(values: Mapping[str, Mapping[int, float]], pairs: int) -> float | None:
    """The difference, as a fraction, that a comparison of a side with itself stays below in 95 of 100 cases.

    ``values``: {side: {trial: value}}, positive. What a trial's schedule does to all sides alike is taken out, since
    trials of one number share it; each side's trials are then paired with its own others, as often as ``pairs``, and
    the mean is looked at, again and again. None with fewer than two sides or three trials that all have.
    """
    trials = sorted(set.intersection(*(set(side) for side in values.values()))) if values else []
    if len(values) < 2 or len(trials) < 3 or pairs < 1:
        return None
    logs = np.log([[side[trial] for trial in trials] for side in values.values()])
    own = logs - logs.mean(axis=0)
    own *= math.sqrt(
        len(values) / (len(values) - 1)
    )  # what taking out the mean of so many sides took with it
    random = np.random.default_rng(SEED)
    return max(_again(side, pairs, random) for side in own)


def trials_needed(ratios: Sequence[float], precision: float) -> int | None:
    """How many pairs it takes until the interval of the ratio is within ``precision`` of it (0.05: 5 %) on both sides.

    From the spread of the pairs that there are. None with fewer than ``SPREAD_MIN``, whose spread is mostly luck, or
    where it is more than ``TRIALS_NEEDED_MAX``.
    """
    from scipy.stats import t

    if len(ratios) < SPREAD_MIN:
        return None
    spread = float(np.std(np.log(ratios), ddof=1))
    for n in range(2, TRIALS_NEEDED_MAX + 1):
        if t.ppf((1 + CONFIDENCE) / 2, n - 1) * spread / math.sqrt(n) <= math.log1p(precision):
            return n
    return None


def _again(side: npt.NDArray[np.float64], pairs: int, random: np.random.Generator) -> float:
    first = random.integers(0, side.size, (AGAIN, pairs))
    second = (first + random.integers(1, side.size, (AGAIN, pairs))) % side.size  # never with itself
    means = np.abs((side[first] - side[second]).mean(axis=1))
    return math.expm1(float(np.quantile(means, CONFIDENCE)))


def _difference(ratio: float, n: int, logs: npt.NDArray[np.float64], test: Callable[[], Any]) -> Difference:
    """``logs`` are all one where nothing varies: then there is nothing to test."""
    if np.ptp(logs) == 0:
        return Difference(Estimate(ratio, ratio, ratio, n), 1.0 if logs[0] == 0 else 0.0)
    found = test()
    ends = found.confidence_interval(CONFIDENCE)
    low, high = math.exp(ends.low), math.exp(ends.high)
    return Difference(Estimate(ratio, min(low, ratio), max(high, ratio), n), float(found.pvalue))
