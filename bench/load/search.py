"""When a search for the capacity is over: more users no longer bring more throughput.

Invariant: pure, and asked after every step, so that the load process that plays and the analysis that reads what was
played come to the same conclusion.
"""

from collections.abc import Sequence

DOUBLINGS = 2
"""How many steps in a row must bring nothing: a single one may by bad luck."""


def enough(per_s: Sequence[float], gain_min: float) -> bool:
    """Whether the last two steps have brought no more than a fraction ``gain_min`` beyond the best before them.

    ``per_s``: completed per second, a number for each step so far, each with twice the users of the one before.
    """
    before, last = per_s[:-DOUBLINGS], per_s[-DOUBLINGS:]
    return bool(before) and max(last) <= max(before) * (1 + gain_min)
