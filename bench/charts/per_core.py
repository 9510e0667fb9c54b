"""Completed transactions for a second of processor time, as the load rises, and up to where they are fast enough."""

from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from bench.analysis.findings import Findings
from bench.analysis.per_core import Yield
from bench.charts.labels import End, empty, label_ends
from bench.charts.offered import axis_label, offered
from bench.charts.picture import Grid, Picture, interval, whiskers
from bench.charts.style import QUIET, Style, styles


class Line(NamedTuple):
    """One topology's."""

    name: str
    style: Style
    points: list[Yield]


class Data(NamedTuple):
    """The whole chart."""

    lines: list[Line]
    target_ms: float
    reference_per_s: float | None
    """What loads are fractions of; None where rates were given."""


def pictures(findings: Findings) -> list[Picture]:
    """One, where there is a target, and processor time under steady loads is known."""
    style = styles([topology.name for topology in findings.topologies])
    lines = [
        Line(topology.name, style[topology.name], topology.yields)
        for topology in findings.topologies
        if topology.yields
    ]
    target_ms = findings.record.scenario.p99_target_ms
    if not lines or target_ms is None:
        return []
    n = max(point.per_cpu_s.n for line in lines for point in line.points)
    return [
        Picture(
            "per-core",
            f"What does a core give, with p99 within {target_ms:g} ms?",
            "Transactions completed for one second of processor time of the whole deployment (fronts, brokers,"
            f" workers; not the load). Filled: p99 from the scheduled instant is within the target of {target_ms:g} ms;"
            f" hollow: it is not. Points: {interval(n)}.{_fronts(findings)}",
            Data(lines, target_ms, findings.record.reference_capacity_per_s),
            draw,
            Grid(height_in=3.4),
        )
    ]


def _fronts(findings: Findings) -> str:
    """Said where topologies have not the same number of them."""
    each = {topology.name: topology.membership.fronts for topology in findings.topologies}
    if len(set(each.values())) < 2:
        return ""
    return f" Fronts: {', '.join(f'{name} {fronts}' for name, fronts in each.items())}."


def draw(data: Data, axes: Axes) -> None:
    """``axes``: one. From 0."""
    points = [point for line in data.lines for point in line.points]
    x = sorted({offered(point) for point in points})
    axes.set_ylabel("completed per second of CPU")
    axes.set_xlabel(axis_label(points, data.reference_per_s))
    if not x:
        empty(axes, "no load was played")
        return
    for line in data.lines:
        _draw_line(axes, line, data.target_ms)
    axes.set_xlim(0, x[-1] * 1.06)
    axes.set_xticks([0, *x])
    axes.set_ylim(bottom=0)
    axes.yaxis.set_major_formatter("{x:,.0f}")
    marks = [
        Line2D([], [], color=QUIET, marker="o", linestyle="", label="p99 within the target"),
        Line2D([], [], color=QUIET, marker="o", linestyle="", markerfacecolor="white", label="p99 above it"),
    ]
    axes.legend(handles=marks, frameon=False, loc="lower right", fontsize=9)
    label_ends(
        axes,
        [
            End(offered(line.points[-1]), line.points[-1].per_cpu_s.median, line.name, line.style.color)
            for line in data.lines
        ],
    )


def _draw_line(axes: Axes, line: Line, target_ms: float) -> None:
    color, marker, dashes = line.style
    x = [offered(point) for point in line.points]
    estimates = [point.per_cpu_s for point in line.points]
    axes.plot(x, [each.median for each in estimates], color=color, linestyle=dashes, linewidth=1.4)
    whiskers(axes, x, estimates, color)
    for at, point in zip(x, line.points, strict=True):
        face = color if point.meets(target_ms) else "white"
        axes.plot(
            at, point.per_cpu_s.median, marker, color=color, markerfacecolor=face, markersize=7, zorder=5
        )
