"""How a topology, a role and a fate look in every chart, on paper and in grey as well as in colour.

Invariant: a topology has one colour, one marker and one line style, the same in every chart of a report; none of the
three is needed to tell two apart when the other two are lost. Colours come from sets that colour-blind readers can
tell apart (after Okabe and Ito 2002, and Tol 2021), dark enough to be read as text on white (4.5 : 1).
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

LineStyle = str | tuple[int, tuple[float, ...]]


class Style(NamedTuple):
    """One topology's."""

    color: str
    marker: str
    line: LineStyle


_KNOWN = {
    "paranoid-pirate": Style("#0b5fa5", "o", "-"),
    "freelance": Style("#b04700", "s", (0, (6, 2))),
    "direct": Style("#00755a", "^", (0, (4, 1.5, 1, 1.5))),
    "binary-star": Style("#6a3d9a", "D", (0, (1, 1))),
    "failover": Style("#8c6d00", "v", (0, (8, 2, 2, 2))),
    "shotgun": Style("#a3195b", "P", (0, (2, 1))),
    "two-choices": Style("#3d5a73", "X", (0, (6, 1, 1, 1, 1, 1))),
    "hedged": Style("#5b4636", "*", (0, (3, 3))),
}
_OTHERS = (
    Style("#444444", "h", (0, (5, 3))),
    Style("#7a4fbf", "<", (0, (3, 1, 1, 1))),
    Style("#9c2f2f", ">", (0, (1, 2))),
    Style("#2f6b6b", "p", (0, (7, 3))),
)

FATES: Mapping[str, tuple[str, str]] = {
    "rejected": ("#e69f00", ""),
    "refused": ("#f2cf7e", "///"),
    "unknown": ("#882255", ""),
    "broken": ("#cc6677", "\\\\\\"),
}
"""Colour and hatch. Yellow is a definite no, red leaves it open."""

ROLES: Mapping[str, tuple[str, str]] = {
    "front": ("#c9d1d9", ""),
    "worker": ("#93a1af", ""),
    "broker": ("#5b2a86", ""),
    "load": ("#f2cf7e", "///"),
}
"""Colour and hatch, in the order in which they are stacked. What only some topologies have stands out."""

INK = "#1f2328"
QUIET = "#59636e"
GRID = "#dfe3e8"
FAULT = "#f6dcd8"
BAND = "#e6edf5"

RC: dict[Any, Any] = {
    "axes.edgecolor": QUIET,
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.labelcolor": INK,
    "axes.labelsize": 10,
    "axes.linewidth": 0.8,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 10.5,
    "axes.titlecolor": INK,
    "figure.facecolor": "white",
    "font.family": ["sans-serif"],
    "font.sans-serif": ["DejaVu Sans", "Verdana", "Arial", "sans-serif"],
    "font.size": 10,
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "hatch.linewidth": 0.6,
    "lines.linewidth": 1.8,
    "lines.markersize": 6,
    "svg.fonttype": "none",  # text stays text: it can be searched, read aloud and edited for slides
    "svg.hashsalt": "brokerbench",  # the same data give the same file
    "text.color": INK,
    "xtick.color": QUIET,
    "xtick.labelcolor": INK,
    "ytick.color": QUIET,
    "ytick.labelcolor": INK,
}
"""Sizes are readable where a chart of ``WIDTH_IN`` is 900 pixels wide: 10 points are 14 pixels then."""

WIDTH_IN = 9.0

NARROW_IN = 4.6
"""For a phone, where 10 points are 11 pixels then."""


def styles(names: Sequence[str]) -> dict[str, Style]:
    """A style for each of a run's topologies; those of third parties get the ones left, in the order of names."""
    found = {name: _KNOWN[name] for name in names if name in _KNOWN}
    strangers = sorted(set(names) - set(found))
    return found | {name: _OTHERS[index % len(_OTHERS)] for index, name in enumerate(strangers)}
