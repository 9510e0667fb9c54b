"""Faults that the load makes: nothing is done to a part, more is asked of all of them.

Invariant: the load process carries it out by its spec, so that it is in the schedule beforehand; the bench holds what
was really sent against what was asked for, and a burst that did not come about is ``NoEffect``.
"""

from collections.abc import Iterable
from itertools import pairwise
from typing import Literal

from bench.faults.fault import Fault, Lasting, NoEffect
from bench.load.spec import Burst, Retrying
from common.settings import Retries

ROSE_MIN = 0.5
"""The least share of the asked rise that counts as one: Poisson arrivals in a short burst are few, and scatter."""
TOLD_WITHIN_S = 5.0
"""How long after a burst's end the load process may take to say what it sent."""


class OnLoad(Lasting, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What every fault made by the load has: it is one burst."""

    role: Literal["load"] = "load"  # type: ignore[assignment]  # no part has this role, so no other fault takes it
    roles = ("load",)
    times: float
    """What the offered rate is multiplied by."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.which != "one":
            raise ValueError(f"which is of no use with {self.kind}, there is one load, got {self.which}")
        self.burst()

    def describe(self) -> str:
        return (
            f"{self.kind} at {self.at_s:g} s{self.again}, for {self.for_s:g} s: {self.times:g} times the rate"
        )

    def burst(self) -> Burst:
        """What the load is told."""
        return Burst(at_s=self.at_s, for_s=self.for_s, times=self.times)

    def retrying(self, budget: Retries) -> Retrying | None:
        """How its clients retry; None: they do not. ``budget`` is the deployment's."""
        return None

    def seen(self, rate_per_s: float, sent_per_s: float) -> str:
        """What the burst was, in words, where ``rate_per_s`` is the rate without it. Raises NoEffect."""
        if sent_per_s < rate_per_s * (1 + ROSE_MIN * (self.times - 1)):
            raise NoEffect(
                f"{self.kind} was to raise the load from {rate_per_s:.0f}/s to {rate_per_s * self.times:.0f}/s,"
                f" but {sent_per_s:.0f}/s were sent"
            )
        return f"{sent_per_s:.0f}/s sent instead of {rate_per_s:.0f}/s"


def bursts_of(faults: Iterable[Fault]) -> tuple[Burst, ...]:
    """The bursts among a phase's faults, in the order of time."""
    return tuple(sorted((fault.burst() for fault in on_load(faults)), key=lambda burst: burst.at_s))


def retrying_of(faults: Iterable[Fault], budget: Retries) -> Retrying | None:
    """How the clients retry, all through the step: they do not know of bursts."""
    return next((told for fault in on_load(faults) if (told := fault.retrying(budget))), None)


def on_load(faults: Iterable[Fault]) -> list[OnLoad]:
    """Those that the load makes, in the order of time."""
    single = (one for fault in faults if isinstance(fault, OnLoad) for one in fault.each())
    return sorted(single, key=lambda fault: fault.at_s)


def check(faults: Iterable[Fault]) -> None:
    """That one load can make all of them.

    Raises:
        ValueError: two bursts overlap, or several of them come with clients who retry.
    """
    made = on_load(faults)
    for before, after in pairwise(made):
        if after.at_s < before.end_s:
            raise ValueError(
                f"{after.describe()} must not begin before the burst until {before.end_s:g} s is over"
            )
    if sum(fault.retrying(Retries()) is not None for fault in made) > 1:
        raise ValueError("a phase may have one storm: its clients retry all the time")
