"""The axis of offered loads: fractions of the reference capacity, or rates where these were given."""

from collections.abc import Iterable
from typing import Protocol


class Offered(Protocol):
    """What was offered at one point of a line."""

    @property
    def load(self) -> float:
        """The fraction; 0 where a rate was given."""

    @property
    def rate_per_s(self) -> float:
        """The rate."""


def offered(point: Offered) -> float:
    """Where it is on the axis."""
    return point.load or point.rate_per_s


def axis_label(points: Iterable[Offered], reference_per_s: float | None) -> str:
    """What stands at the axis of these points; ``reference_per_s``: what load 1 is, None where that is not known."""
    if reference_per_s and any(point.load for point in points):
        return f"offered load (1 = {reference_per_s:,.0f}/s)"
    return "offered load, transactions/s"
