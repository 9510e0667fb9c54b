"""What every number in a report is made of: a quantile within a trial, an estimate over trials.

The unit of replication is the trial: ``quantile`` is for the transactions of one, ``summarize`` for one
number from each of several. Never the other way round: transactions of one trial share its luck, and an
interval over them is too narrow.
"""

import warnings
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

BOOTSTRAP_N_MIN = 5
"""Below this many values no resampling can say more than the values' own extremes do."""
CONFIDENCE = 0.95
RESAMPLES = 9999
RESAMPLED_VALUES_AT_ONCE = 1_000_000
"""8 MB a batch, whatever n is."""
SEED = 0
"""The interval is a function of the values alone."""


class Estimate(msgspec.Struct, frozen=True):
    """A number over n trials, in the unit of the values: median and interval, low <= median <= high.

    With n >= 5 the interval is the 95 % confidence interval of the median; with fewer, the smallest and
    largest value (a reader must be told so).
    """

    median: float
    low: float
    high: float
    n: int


def summarize(values: Sequence[float] | npt.NDArray[np.float64]) -> Estimate | None:
    """The median over trials with its interval; None where there is no value.

    ``values``: shape (n,), one number a trial, finite. n >= 5: bias-corrected and accelerated bootstrap
    (Efron 1987, as in scipy.stats.bootstrap), seeded; where that is not defined (all values equal, say), the
    percentile bootstrap.
    """
    numbers = _numbers(values)
    if not numbers.size:
        return None
    median = float(np.median(numbers))
    if numbers.size < BOOTSTRAP_N_MIN:
        return Estimate(median, float(numbers.min()), float(numbers.max()), numbers.size)
    low, high = _interval(numbers)
    return Estimate(median, low, high, numbers.size)


def mean_interval(values: Sequence[float] | npt.NDArray[np.float64]) -> tuple[float, float]:
    """The 95 % confidence interval of the mean of independent values, nearly normal (Student): of the means of batches.

    ``values``: shape (n,), n >= 2, finite. Raises ValueError where there are fewer.
    """
    from scipy.special import stdtrit  # 0.2 s to import

    numbers = _numbers(values)
    if numbers.size < 2:
        raise ValueError(f"an interval needs at least 2 values, got {numbers.size}")
    error = float(numbers.std(ddof=1)) / numbers.size**0.5
    wide = float(stdtrit(numbers.size - 1, (1 + CONFIDENCE) / 2)) * error
    mean = float(numbers.mean())
    return mean - wide, mean + wide


def quantile(values: Sequence[float] | npt.NDArray[np.float64], q: float) -> float:
    """The smallest value that a fraction ``q`` (0 to 1) of the values does not exceed: always a real sample.

    ``values``: shape (n,), n >= 1, finite, in any order. Raises ValueError where they are not.
    """
    if not 0 <= q <= 1:
        raise ValueError(f"q must be within 0 and 1 (0.99 is the p99), got {q}")
    numbers = _numbers(values)
    if not numbers.size:
        raise ValueError("a quantile needs at least 1 value, got none")
    return float(np.quantile(numbers, q, method="inverted_cdf"))


def _interval(numbers: npt.NDArray[np.float64]) -> tuple[float, float]:
    low, high = _bootstrap(numbers, "BCa")
    if np.isnan(low) or np.isnan(high):
        low, high = _bootstrap(numbers, "percentile")
    return low, high


def _bootstrap(numbers: npt.NDArray[np.float64], method: str) -> tuple[float, float]:
    from scipy.stats import bootstrap  # 1 to 2 s to import

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # degenerate data come back as nan, which is what the caller looks at
        result: Any = bootstrap(
            (numbers,),
            np.median,
            n_resamples=RESAMPLES,
            batch=max(1, RESAMPLED_VALUES_AT_ONCE // numbers.size),
            confidence_level=CONFIDENCE,
            method=method,
            rng=np.random.default_rng(SEED),
        )
    low, high = result.confidence_interval.low, result.confidence_interval.high
    # scipy interpolates between medians, which may round to beyond the values
    least, most = numbers.min(), numbers.max()
    return float(np.clip(low, least, most)), float(np.clip(high, least, most))


def _numbers(values: Sequence[float] | npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    numbers = np.asarray(values, dtype=np.float64)
    if numbers.ndim != 1:
        raise ValueError(f"values must have shape (n,), got {numbers.shape}")
    if not np.isfinite(numbers).all():
        raise ValueError("values must be finite, got inf or nan")
    return numbers
