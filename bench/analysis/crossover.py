"""Which topology wins where: in each cell of a sweep and at each load, the shorter tail and the higher throughput.

Invariant: nobody wins whom the data cannot tell from another. Trials are paired, for those of one number share their
arrivals and service times; a winner differs from *each* of the others, after Holm's correction over all that is
compared in the run, and by more than the two differ from themselves in that very place. A trial without a percentile
is slower than any that has one: its topology cannot win there.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from statistics import median
from typing import Literal, NamedTuple

import msgspec

from bench.analysis.cells import CellFindings, InCell
from bench.analysis.steady import fraction
from bench.paired import (
    ALPHA,
    PAIRS_MIN,
    Difference,
    Finding,
    finding,
    holm,
    noise_floor_of_two,
    paired,
)
from bench.scenario import Scenario
from bench.statistics import Estimate

Figure = Literal["p99", "throughput"]


class Verdict(msgspec.Struct, frozen=True):
    """One place of the map."""

    cell: str
    conditions: dict[str, float | str]
    load: str
    """Empty for throughput, which is the closed loop's."""
    figure: Figure
    winner: str | None
    """None: the data cannot tell the best from another."""
    best: str
    """Whose median is the best one, won or not."""
    against: str
    """Of the others, whom it is hardest to tell from the best."""
    better_by: Estimate | None
    """Of the best against that one, over pairs: so much less latency or more throughput, as a fraction."""
    p: float | None
    """After Holm's correction; None with too few pairs."""
    n: int
    """Pairs."""
    tie: bool
    """A single front makes a brokerless topology the central queue that a broker is: no difference is expected."""
    noise_floor: float | None = None
    """Relative difference that the best and ``against`` show to themselves here, the larger of the two; None with too
    few pairs."""


class _Place(NamedTuple):
    """What is compared in one place."""

    cell: CellFindings
    load: str
    figure: Figure
    tie: bool
    values: Mapping[str, Mapping[int, float]]
    """{topology: {trial: figure}}."""
    incomplete: frozenset[str]
    """Topologies with a trial that has no figure."""

    @property
    def best(self) -> str:
        """Whose median is the best."""
        sign = 1 if self.figure == "p99" else -1
        return min(
            self.values, key=lambda name: (name in self.incomplete, sign * median(self.values[name].values()))
        )


class _Pairing(NamedTuple):
    """The best of a place against one other."""

    other: str
    n: int
    difference: Difference | None = None
    """Of the best over the other; None with too few pairs."""
    noise_floor: float | None = None


class _Judged(NamedTuple):
    """The same, with its p after Holm's correction, and whether the best is better."""

    pairing: _Pairing
    p: float | None
    told: bool


def crossover(cells: Sequence[CellFindings], scenario: Scenario) -> list[Verdict]:
    """For every cell, each load in its order, then the throughput; where there is nobody to compare with, nothing."""
    places = [place for cell in cells for place in _places(cell, scenario) if len(place.values) > 1]
    pairings = [_pairings(place) for place in places]
    known = [each.difference.p for each in chain.from_iterable(pairings) if each.difference]
    adjusted = iter(holm(known))
    return [
        _verdict(place, [(each, next(adjusted) if each.difference else None) for each in of_place])
        for place, of_place in zip(places, pairings, strict=True)
    ]


def _places(cell: CellFindings, scenario: Scenario) -> Iterator[_Place]:
    tie = scenario.of(cell.cell).deployment.fronts == 1
    loads = dict.fromkeys(load for topology in cell.topologies for load in topology.p99_ms)
    for load in loads:
        values = {each.topology: at for each in cell.topologies if (at := each.p99_ms.get(load))}
        yield _Place(cell, load, "p99", tie, values, _incomplete(cell.topologies, values))
    rates = {each.topology: each.capacities_per_s for each in cell.topologies if each.capacities_per_s}
    yield _Place(cell, "", "throughput", tie, rates, _incomplete(cell.topologies, rates))


def _incomplete(topologies: Sequence[InCell], values: Mapping[str, Mapping[int, float]]) -> frozenset[str]:
    return frozenset(
        each.topology
        for each in topologies
        if each.topology in values and len(values[each.topology]) < each.trials
    )


def _pairings(place: _Place) -> list[_Pairing]:
    best = place.best
    return [
        _pairing(place.values[best], place.values[other], other) for other in place.values if other != best
    ]


def _pairing(best: Mapping[int, float], other: Mapping[int, float], name: str) -> _Pairing:
    trials = sorted(best.keys() & other.keys())
    if len(trials) < PAIRS_MIN:
        return _Pairing(name, len(trials))
    theirs, own = [other[trial] for trial in trials], [best[trial] for trial in trials]
    return _Pairing(name, len(trials), paired(theirs, own), noise_floor_of_two(theirs, own))


def _judged(pairing: _Pairing, p: float | None, figure: Figure) -> _Judged:
    if pairing.difference is None or p is None:
        return _Judged(pairing, p, told=False)
    found = finding(pairing.difference.ratio, p, figure == "throughput", pairing.noise_floor or 0)
    return _Judged(pairing, p, found is Finding.BETTER)


def _verdict(place: _Place, pairings: Sequence[tuple[_Pairing, float | None]]) -> Verdict:
    judged = [_judged(pairing, p, place.figure) for pairing, p in pairings]
    hardest, p, _ = max(judged, key=lambda each: (each.p is None, not each.told, each.p or 0))
    won = place.best not in place.incomplete and all(each.told for each in judged)
    return Verdict(
        cell=place.cell.cell.name,
        conditions=place.cell.cell.conditions,
        load=place.load,
        figure=place.figure,
        winner=place.best if won else None,
        best=place.best,
        against=hardest.other,
        better_by=_better_by(hardest.difference, place.figure),
        p=p,
        n=hardest.n,
        tie=place.tie,
        noise_floor=hardest.noise_floor,
    )


def _better_by(difference: Difference | None, figure: Figure) -> Estimate | None:
    if difference is None:
        return None
    ratio = difference.ratio
    if figure == "throughput":
        return Estimate(ratio.median - 1, ratio.low - 1, ratio.high - 1, ratio.n)
    return Estimate(1 - ratio.median, 1 - ratio.high, 1 - ratio.low, ratio.n)


# --- in a sentence ---------------------------------------------------------------------------------------


_SAID: Mapping[Figure, tuple[str, str]] = {
    "p99": ("By p99, of", "has the shorter tail"),
    "throughput": ("By throughput, of", "carries more"),
}
_AXES = {
    "load": "load {}",
    "mean_ms": "{} ms",
    "workers": "{} workers",
    "fronts": "{} fronts",
    "brokers": "{} brokers",
    "credit": "credit {}",
    "outstanding": "{} outstanding",
}
"""How a value, or a range of them, is said."""


def sentence(verdicts: Sequence[Verdict]) -> str:
    """The answer to "when do I need a broker?", as far as the map has one; empty where there is no map.

    Where a single front makes it a tie by construction, nothing is counted.
    """
    headline = [verdict for verdict in verdicts if not verdict.tie]
    judged = [verdict for verdict in headline if verdict.p is not None]
    if not headline:
        return ""
    if not judged:
        most = max(verdict.n for verdict in headline)
        return (
            f"With at most {most} paired trial{'s'[: most != 1]} under each of the conditions no winner can be named:"
            f" at least {PAIRS_MIN} are needed (--trials {PAIRS_MIN})."
        )
    parts = (_by_figure([each for each in judged if each.figure == figure], figure) for figure in _SAID)
    least = min(each.n for each in judged)
    how = f"At least {least} paired trials under each, {ALPHA:.0%} after Holm's correction".replace("%", " %")
    above = "above the noise floor, at equal outstanding per worker"
    return " ".join(part for part in (*parts, f"{how}, {above}.") if part)


def _by_figure(verdicts: Sequence[Verdict], figure: Figure) -> str:
    if not verdicts:
        return ""
    of, wins = _SAID[figure]
    winners = sorted({each.winner for each in verdicts if each.winner})
    parts = []
    for name in winners:
        won = [each for each in verdicts if each.winner == name]
        parts.append(f"{name} {wins} in {len(won)} ({', '.join((_by(won), *_where(won, verdicts)))})")
    untold = sum(each.winner is None for each in verdicts)
    if untold:
        parts.append(f"in {untold if winners else 'none'} the data {'cannot' if winners else 'can'} tell")
    places = f"{len(verdicts)} condition{'s'[: len(verdicts) != 1]}"
    return f"{of} {places}: {'; '.join(parts)}."


def _by(won: Sequence[Verdict]) -> str:
    """``by 12 to 41 %``."""
    shares = sorted(each.better_by.median * 100 for each in won if each.better_by)
    low, high = f"{shares[0]:.0f}", f"{shares[-1]:.0f}"
    return f"by {low} %" if low == high else f"by {low} to {high} %"


def _where(won: Sequence[Verdict], verdicts: Sequence[Verdict]) -> Iterator[str]:
    """The corner of the map that holds all the wins: only axes along which it is smaller than the map."""
    for axis, form in _AXES.items():
        played = [value for each in verdicts if (value := _value(each, axis)) is not None]
        where = [value for each in won if (value := _value(each, axis)) is not None]
        if where and (span := _span(min(where), max(where), played)):
            yield f"all at {form.format(span)}"
    kinds = {str(each.conditions.get("distribution", "")) for each in won}
    if kinds < {str(each.conditions.get("distribution", "")) for each in verdicts}:
        yield f"all {' or '.join(sorted(kinds))}"


def _span(low: float, high: float, played: Sequence[float]) -> str:
    """Empty where it is all that was played."""
    if low == min(played):
        return "" if high == max(played) else f"{low:g}" if low == high else f"{high:g} or less"
    if low == high:
        return f"{low:g}"
    return f"{low:g} or more" if high == max(played) else f"{low:g} to {high:g}"


def _value(verdict: Verdict, axis: str) -> float | None:
    """Of one place; None where it has none on that axis, as the throughput has no load and a rate is no fraction."""
    if axis == "load":
        return fraction(verdict.load) if verdict.load else None
    value = verdict.conditions.get(axis)
    return None if value is None else float(value)
