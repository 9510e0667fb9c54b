"""What a check is: figures, each held to one threshold, and what is kept of them.

Invariant: a check judges or says that it could not; what it could not judge never counts as passed.

A figure is *at* something (a step, a process in a step), is the worse the larger it is, and comes with a clause that
says it in words. One above the threshold is a reason not to believe the episode.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Generic, Literal, NamedTuple, TypeVar

import msgspec

from bench.scenario import Scenario

T = TypeVar("T", contravariant=True)

Unit = Literal["ms", "share", ""]
"""Milliseconds; a fraction of something, told in percent; a number of things."""


class Figure(NamedTuple):
    """One thing that was looked at."""

    at: str
    """``step 0.5``; empty: the whole episode."""
    value: float | None
    """None: it is not known."""
    says: str
    """The figure in words, or why it is not known."""


class Check(NamedTuple, Generic[T]):
    """One check; ``T`` is what it looks at."""

    title: str
    """What its figure is."""
    why: str
    """What a measurement is worth where it fails."""
    judges: str
    """What there is one figure for."""
    unit: Unit
    setting: str
    """The field of ``bench.scenario.Validity`` that is its threshold; empty: nothing is allowed."""
    figures: Callable[[T], Iterator[Figure]]

    def limit(self, scenario: Scenario) -> float:
        """The largest figure that passes."""
        return float(getattr(scenario.validity, self.setting)) if self.setting else 0.0


class Checked(msgspec.Struct, frozen=True):
    """What a check found in one episode, or in several added up."""

    judged: int
    """Figures that were held to the threshold."""
    failed: int = 0
    worst: float | None = None
    """The largest of them; None where there was none."""
    at: str = ""
    """Where that was."""
    unknown: int = 0
    """Figures that are not known."""
    why: str = ""
    """Why the first of them is not."""

    def __add__(self, other: "Checked") -> "Checked":
        worse = max(self, other, key=lambda each: (each.worst is not None, each.worst or 0.0))
        return Checked(
            self.judged + other.judged,
            self.failed + other.failed,
            worse.worst,
            worse.at,
            self.unknown + other.unknown,
            self.why or other.why,
        )


class Verdict(NamedTuple):
    """What all checks found in one episode."""

    checked: dict[str, Checked]
    """By name."""
    reasons: dict[str, list[str]]
    """By name, for people: figure and threshold. Only checks that found one."""


def judge(checks: Mapping[str, Check[T]], scenario: Scenario, seen: T) -> Verdict:
    """Hold what was seen to every check."""
    verdict = Verdict({}, {})
    for name, check in checks.items():
        figures, limit = list(check.figures(seen)), check.limit(scenario)
        verdict.checked[name] = _checked(figures, limit)
        if texts := [_text(check, figure, limit) for figure in figures if _fails(figure, limit)]:
            verdict.reasons[name] = texts
    return verdict


def threshold(check: Check[T], scenario: Scenario) -> str:
    """The largest figure that passes, with its unit."""
    return told(check.limit(scenario), check.unit)


def told(value: float, unit: Unit) -> str:
    """A figure or threshold with its unit."""
    if unit == "share":
        return f"{_brief(value * 100)}%"
    return f"{_brief(value)} {unit}" if unit else f"{value:g}"


def _brief(value: float) -> str:
    """Three digits, and all that stand before the point."""
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _checked(figures: list[Figure], limit: float) -> Checked:
    known = [figure for figure in figures if figure.value is not None]
    unknown = [figure for figure in figures if figure.value is None]
    worst = max(known, key=lambda figure: figure.value or 0.0, default=None)
    return Checked(
        judged=len(known),
        failed=sum(_fails(figure, limit) for figure in known),
        worst=worst.value if worst else None,
        at=worst.at if worst else "",
        unknown=len(unknown),
        why=unknown[0].says if unknown else "",
    )


def _fails(figure: Figure, limit: float) -> bool:
    return figure.value is not None and not figure.value <= limit  # so that no number fails, too


def _text(check: Check[T], figure: Figure, limit: float) -> str:
    allowed = f", validity.{check.setting} is {told(limit, check.unit)}" if check.setting else ""
    return f"{figure.at}: {figure.says}{allowed}" if figure.at else f"{figure.says}{allowed}"
