"""When something that may have left its usual range is back in it: back means for a second.

Invariant: nothing is called back on the strength of less than a second of recording.

The usual range is what 98 of 100 moments lie in, so what is well leaves it for 2 % of the time: hardly any second is
without a break, and to ask that would measure luck. What really happens to goodput stays in it as long as its window
is, 100 ms. *Back for a second* therefore allows moments outside that add up to half a window.
"""

import numpy as np
import numpy.typing as npt

from bench.analysis.goodput import WINDOW_NS
from bench.analysis.recording import NS_PER_MS, NS_PER_S

Flags = npt.NDArray[np.bool_]

GRID_NS = NS_PER_MS
"""How finely it is looked at: a flag for each."""
BACK_NS = NS_PER_S
"""How long it must be back."""
OUTSIDE_NS_MAX = WINDOW_NS // 2
"""How much of that second it may be outside. Simulated (8 workers, load 0.5, 200 faults that did nothing): with 2 % of
the second more than one in ten seemed to take 0.35 s or longer, with 5 % fewer; outages of 50 ms or more get the same
median, and a fraction of the spread."""


def back(outside: Flags, until: int = 0) -> int | None:
    """The first place that is in the range, as is enough of the second that begins there, and of what is before place
    ``until``, where that is later; None where there is none.
    """
    good = _good(outside, until)
    if good is None:
        return None
    good &= ~outside[: good.size]
    return int(np.argmax(good)) if good.any() else None


def left_again(outside: Flags, place: int) -> bool:
    """Whether any second that begins later than ``place`` is not good enough."""
    good = _good(outside, 0)
    return good is not None and not good[place:].all()


def _good(outside: Flags, until: int) -> Flags | None:
    """Of each second that is recorded as a whole, by its begin, whether enough of it, and of what is left before
    ``until``, is in the range; None where there is no such second.
    """
    second = BACK_NS // GRID_NS
    if outside.size < second:
        return None
    sums = np.concatenate(([0], np.cumsum(outside)))
    places = np.arange(outside.size - second + 1)
    ends = np.maximum(places + second, until)
    good: Flags = sums[ends] - sums[places] <= (ends - places) * OUTSIDE_NS_MAX // BACK_NS
    return good
