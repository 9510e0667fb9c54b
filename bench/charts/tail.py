"""Latency by percentile: how slow the slowest are, at each load."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter

from bench.analysis.findings import Findings, Topology
from bench.analysis.latency import NINES
from bench.analysis.steady import Tail
from bench.charts.labels import End, empty, label_ends, scale_logarithmically
from bench.charts.picture import Grid, Picture, panels_of
from bench.charts.style import Style, styles

TICKS = {0.30103: "50", 1.0: "90", 2.0: "99", 3.0: "99.9", 4.0: "99.99"}
"""Nines, and the percentile that they are."""
PANELS_MAX = 4
"""More loads than this are not shown: the lowest ones are left out."""


class Line(NamedTuple):
    """One topology at one load."""

    name: str
    style: Style
    tail: Tail


class Panel(NamedTuple):
    """One load."""

    title: str
    lines: list[Line]


Data = list[Panel]


def pictures(findings: Findings) -> list[Picture]:
    """One, where there was an open loop that nothing was done to."""
    loads = {point.key: point for topology in findings.topologies for point in topology.loads}
    shown = sorted(loads.values(), key=lambda point: point.rate_per_s)[-PANELS_MAX:]
    if not shown:
        return []
    style = styles([topology.name for topology in findings.topologies])
    data = [
        Panel(
            f"load {point.key}" if point.load else f"{point.rate_per_s:,.0f}/s offered",
            _lines(findings.topologies, point.key, style),
        )
        for point in shown
    ]
    n = max(topology.trials for topology in findings.topologies)
    trials = f"the median of {n} trials, the band their extremes" if n > 1 else "one trial"
    return [
        Picture(
            "latency-by-percentile",
            "How slow are the slowest?",
            "So many per cent of the transactions were answered at least this fast, counted from when they were due. To"
            " the right, each step leaves ten times fewer that are slower."
            f" Lines: {trials}. A line ends where fewer than one transaction is left beyond it, or where the rest had"
            " no answer.",
            data,
            draw,
            Grid(columns=len(data), share_y=True, share_x=True),
        )
    ]


def _lines(topologies: list[Topology], key: str, style: dict[str, Style]) -> list[Line]:
    return [
        Line(topology.name, style[topology.name], point.tail)
        for topology in topologies
        for point in topology.loads
        if point.key == key
    ]


def draw(data: Data, axes: npt.NDArray[Any] | Axes) -> None:
    """``axes``: one for each load. Latency on a logarithmic scale, the same in all."""
    panels = panels_of(axes)
    for panel, load in zip(panels, data, strict=True):
        _draw_panel(panel, load)
    panels[0].set_ylabel("latency, ms (logarithmic)")
    _scale(panels, data)
    label_ends(panels[-1], [end for line in data[-1].lines if (end := _end(line))])


def _draw_panel(axes: Axes, load: Panel) -> None:
    axes.set_title(load.title)
    axes.set_xlabel("percentile")
    for line in load.lines:
        color, _, dashes = line.style
        axes.fill_between(NINES, line.tail.low, line.tail.high, color=color, alpha=0.15, linewidth=0)
        axes.plot(NINES, line.tail.median, color=color, linestyle=dashes)
    if not any(np.isfinite(line.tail.median).any() for line in load.lines):
        empty(axes, "nothing was answered")


def _scale(panels: list[Axes], data: Data) -> None:
    tails = [line.tail for load in data for line in load.lines]
    ends = [float(NINES[np.isfinite(each.median)].max(initial=1.0)) for each in tails]
    for axes in panels:
        axes.set_xlim(NINES[0], max(ends, default=1.0))
        axes.xaxis.set_major_locator(FixedLocator(list(TICKS)))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda nines, _: TICKS.get(nines, "")))
        scale_logarithmically(axes, [curve for each in tails for curve in each])


def _end(line: Line) -> End | None:
    known = np.flatnonzero(np.isfinite(line.tail.median))
    if not known.size:
        return None
    return End(float(NINES[known[-1]]), float(line.tail.median[known[-1]]), line.name, line.style.color)
