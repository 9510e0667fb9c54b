"""How the topologies of a run differ, two and two, in what the report ranks them by: capacity, and p99 at each load.

Invariant: pairs are trials of one number, which have the same seed and schedule, and all rows of a run are one family
in Holm's correction. Whatever speaks against a verdict is told in ``why_none``; without it there is a verdict.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

import msgspec

from bench.analysis.findings import Topology
from bench.paired import (
    ALPHA,
    PAIRS_MIN,
    Difference,
    Finding,
    finding,
    holm,
    log_ratios,
    noise_floor_of_two,
    paired,
    relative,
    trials_needed,
)
from bench.statistics import Estimate

CAPACITY = "capacity_per_s"
LATENCY = "p99_ms at {}"
"""A load."""

UNANSWERED = "a trial without a p99"
TOO_FEW = "too few pairs"
NO_RATIO = "a zero on one side only"
BY_CHANCE = "may be chance"
NOISE = "within the noise floor"


class Between(msgspec.Struct, frozen=True):
    """One row: the topology named first against the second."""

    ratio: Estimate | None
    """First over second, over pairs of trials; None with fewer than two, or where there is no ratio."""
    p: float | None
    """Of no difference, of this row alone."""
    p_holm: float | None
    """After Holm's correction over all rows of the run that have enough pairs; None where this one has not."""
    verdict: Finding
    """Of the first."""
    why_none: str
    """Why there is no verdict; empty where there is one."""
    noise_floor: float | None
    """Relative difference that each shows to itself, the larger of the two; None with fewer than four trials."""
    pairs: int
    pairs_needed: int | None
    """About, for an interval of 5 % to each side; None with fewer than two pairs."""


Differences = Mapping[str, Mapping[str, Between]]


class Row(NamedTuple):
    """What is compared, before it is."""

    first: str
    second: str
    figure: str
    one: Mapping[int, float | None]
    """By trial; None where a trial has no such figure, for it is later than any."""
    other: Mapping[int, float | None]
    higher_is_better: bool

    @property
    def trials(self) -> list[int]:
        """That both have played."""
        return sorted(self.one.keys() & self.other.keys())

    @property
    def unanswered(self) -> bool:
        """Whether a pair lacks a side: to leave it out would favour the side which it speaks against."""
        return any(self.one[trial] is None or self.other[trial] is None for trial in self.trials)

    def values(self, side: Mapping[int, float | None]) -> list[float]:
        """Of the pairs that have both."""
        known = [trial for trial in self.trials if None not in (self.one[trial], self.other[trial])]
        return [value for trial in known if (value := side[trial]) is not None]


def differences(topologies: Sequence[Topology]) -> dict[str, dict[str, Between]]:
    """{``A/B``: {figure: how A differs from B}}, for each two of them that have the figure."""
    return compared([row for one, other in combinations(topologies, 2) for row in _rows(one, other)])


def compared(rows: Sequence[Row]) -> dict[str, dict[str, Between]]:
    """All rows of one comparison, as one family."""
    apart = [paired(row.values(row.other), row.values(row.one)) for row in rows]
    judged = [index for index, each in enumerate(apart) if each and each.ratio.n >= PAIRS_MIN]
    adjusted = dict(zip(judged, holm([each.p for index in judged if (each := apart[index])]), strict=True))
    found: dict[str, dict[str, Between]] = {}
    for index, row in enumerate(rows):
        of_two = found.setdefault(f"{row.first}/{row.second}", {})
        of_two[row.figure] = _between(row, apart[index], adjusted.get(index))
    return found


def _rows(one: Topology, other: Topology) -> Iterator[Row]:
    if one.capacities_per_s and other.capacities_per_s:
        yield Row(one.name, other.name, CAPACITY, one.capacities_per_s, other.capacities_per_s, True)
    loads = {point.key: point for point in other.loads}
    for point in one.loads:
        if point.key in loads:
            figure = LATENCY.format(point.key)
            yield Row(one.name, other.name, figure, point.p99s_ms, loads[point.key].p99s_ms, False)


def _between(row: Row, apart: Difference | None, p_holm: float | None) -> Between:
    one, other = row.values(row.one), row.values(row.other)
    floor = noise_floor_of_two(one, other)
    logs = log_ratios(other, one)
    needed = None if logs is None else trials_needed(logs)
    why = _why_none(row, apart, p_holm, floor)
    return Between(
        ratio=apart.ratio if apart else None,
        p=apart.p if apart else None,
        p_holm=p_holm,
        verdict=Finding.NONE
        if why or not apart or p_holm is None
        else finding(apart.ratio, p_holm, row.higher_is_better, floor or 0),
        why_none=why,
        noise_floor=floor,
        pairs=len(one),
        pairs_needed=None if needed is None else max(PAIRS_MIN, needed),
    )


def _why_none(row: Row, apart: Difference | None, p_holm: float | None, floor: float | None) -> str:
    if row.unanswered:
        return UNANSWERED
    if len(row.trials) < PAIRS_MIN:
        return TOO_FEW
    if apart is None or p_holm is None:
        return NO_RATIO
    if p_holm >= ALPHA:
        return BY_CHANCE
    return NOISE if floor is not None and relative(apart.ratio) <= floor else ""
