"""How numbers are written for people: three digits, a unit, and the interval that belongs to them.

Invariant: an estimate is never written without its interval, unless there was only one trial, which is then said.
"""

import math

from bench.statistics import Estimate

NONE = "–"
"""Where there is no number."""


def number(value: float) -> str:
    """Three significant digits at least, thousands set apart, no zeros at the end of a fraction."""
    if value == 0 or not math.isfinite(value):
        return "0" if value == 0 else NONE
    digits = max(2 - math.floor(math.log10(abs(value))), 0)
    text = f"{round(value, digits):,.{digits}f}"
    return text.rstrip("0").rstrip(".") if digits else text


def estimate(value: Estimate | None, unit: str = "") -> str:
    """``737/s (729–745)``; of one trial ``737/s (n = 1)``."""
    if value is None:
        return NONE
    median = number(value.median) + unit
    if value.n < 2:
        return f"{median} (n = 1)"
    return f"{median} ({number(value.low)}–{number(value.high)})"


def milliseconds(value: Estimate | None) -> str:
    """With the unit that suits it."""
    if value is not None and value.median >= 1000:
        return estimate(Estimate(value.median / 1e3, value.low / 1e3, value.high / 1e3, value.n), " s")
    return estimate(value, " ms")


def percent(value: Estimate | None) -> str:
    """A fraction as per cent, with its sign."""
    if value is None:
        return NONE
    median, low, high = (f"{part * 100:+.1f} %" for part in (value.median, value.low, value.high))
    return f"{median} ({low} to {high})" if value.n > 1 else median
