"""Differences between two things that were both measured over trials: a ratio, its interval, and whether it is chance.

The unit is the pair: trial i of both had the same seed and schedule, so what a schedule does to both cancels. All is
done on log ratios, whose mean is judged by Student's t: the assumption is that they are about normal, which a mean
over a trial's many transactions, or a quantile of them, is nearly. No permutation test: with six pairs it can't go
below p = 2/64, so that no row of several would ever survive ``holm``.

Invariant: swapping first and second turns the ratio over and leaves p as it was.
"""

import math
from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from bench.statistics import CONFIDENCE, Estimate

ALPHA = 0.05
"""A family of rows (all of one comparison) names a winner among equals at most this often."""

PAIRS_MIN = 6
"""Fewer pairs are not ranked: what Student's t assumes can't be seen to be wrong in so few."""

PRECISION = 0.05
"""Half-width of an interval, relative, that is told as worth having."""

TRIALS_MIN_FOR_FLOOR = 4
ROUNDING = 1e-12

Logs = npt.NDArray[np.float64]


class Finding(StrEnum):
    """Of the second against the first."""

    BETTER = "better"
    WORSE = "worse"
    NONE = "no difference that this data can show"


class Difference(NamedTuple):
    """Second over first."""

    ratio: Estimate
    """``median`` is the geometric mean of the ratios, which is the median ratio where log ratios are symmetric; the
    interval is Student's 95 %; ``n`` pairs, or, unpaired, trials on the side that has fewer."""
    p: float
    """Two-sided: how often a difference as large or larger would come by chance. Of this row alone: see ``holm``."""


def paired(first: Sequence[float], second: Sequence[float]) -> Difference | None:
    """Both of shape (n,), each value of ``second`` from the trial with the seed and schedule of that in ``first``.

    None: fewer than two pairs, or a pair with a zero on one side only, which has no ratio (zero on both is equal).
    Where every pair has the same ratio, which Student's t can't judge, p is what flipping signs gives, 2 / 2^n.
    Raises ValueError for values that are negative or not finite, and for lengths that differ.
    """
    logs = log_ratios(first, second)
    if logs is None or logs.size < 2:
        return None
    return _as_ratio(_of_pairs(logs))


def unpaired(first: Sequence[float], second: Sequence[float]) -> Difference | None:
    """Of two runs whose schedules differ: Welch's t on the logs, which takes neither side to be as noisy as the other.

    Shapes (m,) and (n,). None: fewer than two on a side, or a zero among them (all zero on both sides is equal).
    Where neither side varies, p is what exchanging trials gives, 2 / (m + n choose n). Raises ValueError as ``paired``.
    """
    one, other = _numbers(first), _numbers(second)
    n = min(one.size, other.size)
    if n < 2:
        return None
    if not one.any() and not other.any():
        return _as_ratio(_certain(0, n, 1))
    if not one.all() or not other.all():
        return None
    return _as_ratio(_of_sides(np.log(one), np.log(other)))


def subtracted(first: Sequence[float], second: Sequence[float], pairs: bool) -> Difference:
    """For values that have no ratio: second minus first, judged as ``paired`` or ``unpaired`` are, but as they stand.

    ``Difference.ratio`` is then the difference of the means with its interval, in the unit of the values. At least two
    on each side, finite, also below 0.
    """
    one, other = _vector(first), _vector(second)
    return _of_pairs(other - one) if pairs else _of_sides(one, other)


def log_ratios(first: Sequence[float], second: Sequence[float]) -> Logs | None:
    """Of each pair, shape (n,); None where one has a zero on one side only. Raises as ``paired``."""
    one, other = _numbers(first), _numbers(second)
    if one.size != other.size:
        raise ValueError(f"pairs need as many values on both sides, got {one.size} and {other.size}")
    if ((one == 0) != (other == 0)).any():
        return None
    equal = one == 0
    return np.log(np.where(equal, 1, other)) - np.log(np.where(equal, 1, one))


def holm(p: Sequence[float]) -> list[float]:
    """Each p so adjusted that all together err as seldom as one alone would (Holm 1979), in the order given.

    None is below what it was or above 1, and their order by size stays.
    """
    adjusted = [0.0] * len(p)
    largest = 0.0
    for rank, row in enumerate(sorted(range(len(p)), key=lambda row: p[row])):
        largest = max(largest, min(1.0, (len(p) - rank) * p[row]))
        adjusted[row] = largest
    return adjusted


def finding(ratio: Estimate, p_holm: float, higher_is_better: bool, noise_floor: float = 0) -> Finding:
    """What can be said of the second: nothing below ``PAIRS_MIN``, at ``ALPHA`` or above, or within the noise floor."""
    if ratio.n < PAIRS_MIN or p_holm >= ALPHA or relative(ratio) <= noise_floor:
        return Finding.NONE
    return Finding.BETTER if (ratio.median > 1) == higher_is_better else Finding.WORSE


def relative(ratio: Estimate) -> float:
    """How far apart the two are, as the larger over the smaller, minus 1."""
    return max(ratio.median, 1 / ratio.median) - 1


def trials_needed(logs: Sequence[float] | Logs, precision: float = PRECISION) -> int | None:
    """Trials after which the interval is about as wished: from one side's middle to its end at most ``precision``.

    ``logs``: log ratios of the pairs, or logs of one topology's values, shape (n,). As good as the spread of these is
    known, which of six trials is to a factor of about two. None where there are fewer than two. Raises ValueError for
    a precision that is not above 0.
    """
    if precision <= 0:
        raise ValueError(f"precision must be above 0 (0.05 is 5 %), got {precision}")
    if len(logs) < 2:
        return None
    from scipy.special import ndtri, stdtrit

    scaled = float(np.std(logs, ddof=1)) / math.log1p(precision)
    quantile_at = (1 + CONFIDENCE) / 2
    # Student's quantile is above the normal's and falls towards it: the answer is a few trials further.
    n = max(2, math.ceil((float(ndtri(quantile_at)) * scaled) ** 2))
    while float(stdtrit(n - 1, quantile_at)) * scaled > math.sqrt(n):
        n += 1
    return n


def noise_floor(values: Sequence[float]) -> float | None:
    """Relative difference that one topology shows to itself, in 95 % of comparisons of as many pairs as it has trials.

    ``values``: shape (n,), one number a trial. Its trials are set against each other, half of them as the first, half
    as the second: over all ways to do so the mean square of the difference of their means is 4 s^2 / n, s being the
    standard deviation of the logs. A comparison of n pairs has twice as many trials, and half of that. From n trials s
    is known only so well, which Student's t allows for; without it one comparison in eight, and not in twenty, of six
    pairs would be beyond its own floor. It holds what schedules do as well, which a real pair has in common: it may be
    too large, so that a winner is missed, and is not too small. None: fewer than four trials, or a zero among them.
    """
    numbers = _numbers(values)
    if numbers.size < TRIALS_MIN_FOR_FLOOR or not numbers.all():
        return None
    from scipy.special import stdtrit

    quantile_at = float(stdtrit(numbers.size - 1, (1 + CONFIDENCE) / 2))
    return math.expm1(quantile_at * float(np.std(np.log(numbers), ddof=1)) * math.sqrt(2 / numbers.size))


def noise_floor_of_two(one: Sequence[float], other: Sequence[float]) -> float | None:
    """The larger of the two, below which neither can be told from the other; None where one has none."""
    floors = noise_floor(one), noise_floor(other)
    return None if floors[0] is None or floors[1] is None else max(floors[0], floors[1])


def _of_pairs(apart: Logs) -> Difference:
    """Their mean; ``apart``: shape (n,), n >= 2."""
    mean = float(apart.mean())
    if _constant(apart):
        return _certain(mean, apart.size, 2 / 2**apart.size)
    return _students(mean, float(apart.std(ddof=1)) / math.sqrt(apart.size), apart.size - 1, apart.size)


def _of_sides(one: Logs, other: Logs) -> Difference:
    """The difference of their means; at least two each. Degrees of freedom as of Welch and Satterthwaite (1946)."""
    n, mean = min(one.size, other.size), float(other.mean() - one.mean())
    if _constant(one) and _constant(other):
        return _certain(mean, n, 2 / math.comb(one.size + other.size, one.size))
    of_one, of_other = float(one.var(ddof=1)) / one.size, float(other.var(ddof=1)) / other.size
    both = of_one + of_other
    freedom = both**2 / (of_one**2 / (one.size - 1) + of_other**2 / (other.size - 1))
    return _students(mean, math.sqrt(both), freedom, n)


def _students(mean: float, error: float, freedom: float, n: int) -> Difference:
    """What a mean with that standard error is worth by Student's t; ``error`` is above 0."""
    # scipy.stats takes 1 to 2 s to import, ten times as long a test, and warns of a side that does not vary.
    from scipy.special import stdtr, stdtrit

    half = float(stdtrit(freedom, (1 + CONFIDENCE) / 2)) * error
    p = 2 * float(stdtr(freedom, -abs(mean) / error))
    return Difference(Estimate(mean, mean - half, mean + half, n), p)


def _certain(mean: float, n: int, p: float) -> Difference:
    """Where nothing varies: Student's t can't judge it."""
    return Difference(Estimate(mean, mean, mean, n), 1.0 if abs(mean) <= ROUNDING else p)


def _as_ratio(logs: Difference) -> Difference:
    median, low, high, n = msgspec.structs.astuple(logs.ratio)
    return Difference(Estimate(math.exp(median), math.exp(low), math.exp(high), n), logs.p)


def _constant(logs: Logs) -> bool:
    """But for rounding."""
    return bool(np.ptp(logs) <= ROUNDING * max(1.0, float(np.abs(logs).max())))


def _numbers(values: Sequence[float]) -> Logs:
    """What a ratio can be made of."""
    numbers = _vector(values)
    if not np.isfinite(numbers).all() or (numbers < 0).any():
        raise ValueError("values to be compared must be finite and not below 0")
    return numbers


def _vector(values: Sequence[float]) -> Logs:
    numbers = np.asarray(values, dtype=np.float64)
    if numbers.ndim != 1:
        raise ValueError(f"values must have shape (n,), got {numbers.shape}")
    return numbers
