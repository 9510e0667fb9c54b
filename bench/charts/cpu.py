"""Processor time for one transaction, by role: what the part in the middle costs, and what it saves elsewhere."""

from typing import NamedTuple

from matplotlib.axes import Axes

from bench.analysis.findings import Findings
from bench.charts.labels import empty, name_rows
from bench.charts.picture import Grid, Picture, interval
from bench.charts.style import INK, ROLES, Style, styles
from bench.statistics import Estimate

WRITTEN_SHARE_MIN = 0.07
"""Of the axis: a narrower piece has no room for its number."""


class Bar(NamedTuple):
    """One topology, in microseconds."""

    name: str
    style: Style
    by_role: dict[str, Estimate]
    together: Estimate


Data = list[Bar]


def pictures(findings: Findings) -> list[Picture]:
    """One, where processor time is known."""
    style = styles([topology.name for topology in findings.topologies])
    data = [
        Bar(topology.name, style[topology.name], topology.cpu_us.by_role, topology.cpu_us.together)
        for topology in findings.topologies
        if topology.cpu_us.together
    ]
    if not data:
        return []
    n = max(bar.together.n for bar in data)
    steady = any(topology.loads for topology in findings.topologies)
    return [
        Picture(
            "cpu",
            "What does a transaction cost in processor time?",
            "User and system time of all processes of a role over completed transactions,"
            f" {'over all loads without faults' if steady else 'over all closed loops'}. What a role burns while it"
            f" idles is in it, the load generator is not. Bars and whiskers: {interval(n)}.",
            data,
            draw,
            Grid(height_in=1.5 + 0.5 * len(data)),
        )
    ]


def draw(data: Data, axes: Axes) -> None:
    """``axes``: one. Microseconds from 0."""
    axes.set_xlabel("microseconds of processor time for one completed transaction")
    if not data:
        empty(axes, "processor time was not sampled")
        return
    axes.grid(False, axis="y")
    name_rows(axes, [(bar.name, bar.style.color) for bar in data])
    widest = max(max(bar.together.high, sum(part.median for part in bar.by_role.values())) for bar in data)
    axes.set_xlim(0, widest * 1.18)
    axes.xaxis.set_major_formatter("{x:,.0f}")
    for place, bar in enumerate(data):
        _draw_bar(axes, place, bar, widest)
    roles = [role for role in ROLES if any(role in bar.by_role for bar in data)]
    handles = [axes.barh(0, 0, color=ROLES[role][0], hatch=ROLES[role][1], label=role) for role in roles]
    axes.legend(
        handles,
        roles,
        frameon=False,
        ncols=len(roles),
        loc="lower right",
        bbox_to_anchor=(1, 1),
        fontsize=9.5,
    )


def _draw_bar(axes: Axes, place: int, bar: Bar, widest: float) -> None:
    left = 0.0
    for role, (color, hatch) in ROLES.items():
        if role not in bar.by_role:
            continue
        width = bar.by_role[role].median
        axes.barh(place, width, 0.6, left, color=color, hatch=hatch, edgecolor="white", linewidth=0.5)
        if width > widest * WRITTEN_SHARE_MIN:
            ink = "white" if role == "broker" else INK
            axes.text(
                left + width / 2, place, f"{width:,.0f}", ha="center", va="center", color=ink, fontsize=9
            )
        left += width
    if bar.together.n > 1:
        _draw_whisker(axes, place, left, bar.together)
    axes.annotate(
        f"{bar.together.median:,.0f}", (max(left, bar.together.high), place), xytext=(6, 0),
        textcoords="offset points", va="center", fontweight="bold",
    )  # fmt: skip


def _draw_whisker(axes: Axes, place: int, left: float, together: Estimate) -> None:
    low, high = max(left - together.low, 0), max(together.high - left, 0)
    axes.errorbar(left, place, xerr=[[low], [high]], color=INK, capsize=3, elinewidth=1)
