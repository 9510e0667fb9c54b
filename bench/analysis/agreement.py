"""Whether each topology agrees with the queueing model that is its own, at each load: a verdict for two figures.

Invariant: only what the replay of the same path says of the topology's own model is judged. The other models of
``bench.analysis.queueing`` are what it would be if it were built otherwise: they are shown and never judged.
"""

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Literal

import msgspec

from bench.analysis.queueing import OWN, Beside, Comparison

LIMIT = 0.1
"""How far the measurement may be off, as a fraction of the replay: the median over trials of the deviation."""

JUDGED_MS_MIN = 0.1
"""Where measured and replayed wait are both shorter, they are what one hop takes: how far off says nothing of
queueing."""

NAMED_MAX = 6
"""Points that the sentence names; the table has them all."""

Verdict = Literal["agrees", "disagrees", "not judged"]


class Figure(msgspec.Struct, frozen=True):
    """One figure of one load."""

    verdict: Verdict
    deviation: float | None
    """As a fraction of the replay; None where it is not known."""


class Agreement(msgspec.Struct, frozen=True):
    """One load of one topology with its own model, over trials."""

    model: str
    mean_wait: Figure
    p99_response: Figure

    @property
    def verdict(self) -> Verdict:
        """Of both figures: one that disagrees speaks for both, one that is not judged for neither."""
        found = {self.mean_wait.verdict, self.p99_response.verdict}
        return next((each for each in _STRONGEST if each in found), "not judged")

    @property
    def off(self) -> list[tuple[str, float]]:
        """Which figures disagree, and by how much."""
        named = (("mean wait", self.mean_wait), ("p99", self.p99_response))
        return [
            (name, figure.deviation)
            for name, figure in named
            if figure.verdict == "disagrees" and figure.deviation is not None
        ]


_STRONGEST: tuple[Verdict, ...] = ("disagrees", "agrees")


def agreement(trials: Sequence[Comparison]) -> Agreement | None:
    """Of one load, from every trial's comparison with every model; None where none is with the topology's own."""
    own = [each for each in trials if each.model == OWN]
    if not own:
        return None
    waits = [each.mean_wait for each in own]
    return Agreement(OWN, judge(waits, JUDGED_MS_MIN), judge([each.p99_response for each in own]))


def judge(trials: Sequence[Beside], least_ms: float = 0.0) -> Figure:
    """One figure; not judged where it is shorter than ``least_ms``, measured and replayed, by their medians."""
    known = [each.deviation for each in trials if each.deviation is not None]
    off = median(known) if known else None
    largest_ms = max(median(each.measured_ms for each in trials), median(each.replayed_ms for each in trials))
    if off is None or largest_ms < least_ms:
        return Figure("not judged", off)
    return Figure("agrees" if abs(off) <= LIMIT else "disagrees", off)


def sentence(points: Mapping[str, Agreement]) -> str:
    """How many of the points agree, and which don't; ``points`` by name, ``freelance 0.3``; empty without any that is
    judged.
    """
    judged = {name: point for name, point in points.items() if point.verdict != "not judged"}
    if not judged:
        return ""
    not_at = [f"{name} ({_off(point)})" for name, point in judged.items() if point.verdict == "disagrees"]
    agreeing = len(judged) - len(not_at)
    where = f"at {agreeing} of {len(judged)} points" if not_at else f"at all {len(judged)} points"
    except_at = f"; not at: {_named(not_at)}" if not_at else ""
    short = sum(point.mean_wait.verdict == "not judged" for point in judged.values())
    unjudged = (
        f" Of {short} of them the wait is not judged: it is under {JUDGED_MS_MIN:g} ms." if short else ""
    )
    return (
        f"Measured mean wait and p99 agree within {LIMIT * 100:g} % with each topology's own model"
        f" {where}{except_at}.{unjudged}"
    )


def _named(not_at: Sequence[str]) -> str:
    more = len(not_at) - NAMED_MAX
    return ", ".join(not_at[:NAMED_MAX]) + (f" and {more} more" if more > 0 else "")


def _off(point: Agreement) -> str:
    return ", ".join(f"{name} {deviation * 100:+.0f} %" for name, deviation in point.off)
