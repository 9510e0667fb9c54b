"""One quantity of several topologies as a clause of a sentence: who is better, by how much, or that nobody can tell.

Invariant: nobody is called better whom ``verdict`` does not find better.
"""

from collections.abc import Mapping
from typing import NamedTuple

from msgspec.structs import astuple

from bench.analysis.differences import Differences
from bench.report.numbers import number
from bench.report.verdict import Verdict, judge, listed
from bench.statistics import Estimate

NAMED_MAX = 3
"""Topologies told of one by one in one sentence; of more, the lowest and the highest."""


def ordered(known: Mapping[str, Estimate], told: dict[str, str]) -> dict[str, str]:
    """{topology: figure} as they came; of many, by rising medians."""
    if len(known) <= NAMED_MAX:
        return told
    return {name: told[name] for name in sorted(known, key=lambda name: known[name].median)}


class Words(NamedTuple):
    """What is said of a quantity."""

    was: str
    one: str
    """Of one that is better."""
    several: str


def compared(
    where: str, told: dict[str, str], words: Words, differences: Differences, figure: str
) -> tuple[str, str]:
    """One quantity by the verdict on it, and why there is none; ``where``: ``at load 0.8``; ``told``: {topology: its
    figure in words}; ``figure``: as in ``differences``.
    """
    verdict = judge(list(told), differences, figure)
    if not verdict.behind:
        # What would help, in brackets, is left to the figures behind it.
        why = verdict.why_none.partition(" (")[0].rstrip(".").replace(": ", ", ")
        return f"{where}, {_each(told, words.was)}", why[:1].lower() + why[1:]
    better = words.one if verdict.winner else words.several
    by = _by(differences, figure, verdict)
    clause = f"{where}, {_named(verdict.best)} {better} than {_named(verdict.behind)}{by}"
    return f"{clause}: {_each(told, words.was)}", ""


def _each(told: dict[str, str], was: str) -> str:
    (first, figure), *others = told.items()
    if len(told) > NAMED_MAX:
        last, most = others[-1]
        return f"{len(told)} topologies {was} {figure} ({first}) to {most} ({last})"
    return listed([f"{first} {was} {figure}", *(f"{name} {each}" for name, each in others)])


def _named(names: tuple[str, ...]) -> str:
    return listed(names) if len(names) <= NAMED_MAX else f"{len(names)} others"


def _by(differences: Differences, figure: str, verdict: Verdict) -> str:
    """The quotient of the two over paired trials, larger over smaller, with its interval."""
    if len(verdict.best) > 1 or len(verdict.behind) > 1:
        return ""
    one, other = verdict.best[0], verdict.behind[0]
    row = differences.get(f"{one}/{other}", {}).get(figure) or differences[f"{other}/{one}"][figure]
    if not row.ratio:
        return ""
    median, low, high, _ = astuple(row.ratio)
    if median < 1:
        median, low, high = 1 / median, 1 / high, 1 / low
    return f" by a factor of {number(median)} ({number(low)}–{number(high)})"
