"""Latency against offered load: what a transaction takes as the load rises."""

from typing import Any, NamedTuple

import numpy.typing as npt
from matplotlib.axes import Axes

from bench.analysis.closed_form import Curve
from bench.analysis.findings import Findings
from bench.analysis.steady import LoadPoint
from bench.charts.closed_form import draw_theory, explained, theory
from bench.charts.labels import End, empty, label_ends
from bench.charts.offered import axis_label, offered
from bench.charts.picture import Grid, Picture, interval, whiskers
from bench.charts.style import Style, styles
from bench.statistics import Estimate


class Line(NamedTuple):
    """One topology's."""

    name: str
    style: Style
    points: list[LoadPoint]
    theory: Curve | None = None


class Data(NamedTuple):
    """Both panels."""

    lines: list[Line]
    reference_per_s: float | None
    """What loads are fractions of; None where rates were given."""


PANELS = (
    ("p50_ms", 0.5, "p50: half of them take longer"),
    ("p99_ms", 0.99, "p99: one in a hundred takes longer"),
)
"""Figure, quantile and title."""


def pictures(findings: Findings) -> list[Picture]:
    """One, where there was an open loop that nothing was done to."""
    style = styles([topology.name for topology in findings.topologies])
    lines = [
        Line(topology.name, style[topology.name], topology.loads, theory(topology.loads, (0.5, 0.99)))
        for topology in findings.topologies
        if topology.loads
    ]
    if not lines:
        return []
    record = findings.record
    known = [point.p99_ms.n for line in lines for point in line.points if point.p99_ms]
    least = min(point.n for line in lines for point in line.points)
    return [
        Picture(
            "latency",
            "How long does a transaction take as the load rises?",
            "Time from the instant at which a transaction was due until its answer, in an open loop: arrivals do not"
            " wait for answers. One without an answer counts as slower than all others; a point is missing where the"
            f" percentile falls among those. At least {least:,} transactions a point."
            f" Points: {interval(max(known, default=0))}.{explained([(line.name, line.theory) for line in lines])}",
            Data(lines, record.reference_capacity_per_s),
            draw,
            Grid(columns=len(PANELS)),
        )
    ]


def draw(data: Data, axes: npt.NDArray[Any]) -> None:
    """``axes``: one for each of PANELS. Both scales from 0, the panels' latencies differ in scale."""
    points = [point for line in data.lines for point in line.points]
    loads = sorted({offered(point) for point in points})
    for panel, (figure, q, title) in zip(axes.flat, PANELS, strict=True):
        panel.set_title(title)
        panel.set_xlabel(axis_label(points, data.reference_per_s))
        panel.set_ylabel("latency, ms")
        drawn = [end for line in data.lines if (end := _draw_line(panel, line, figure))]
        if not drawn:
            empty(panel, "no load was played, or none was answered")
            continue
        drawn += [end for line in data.lines if (end := draw_theory(panel, line.theory, q, line.style))]
        panel.set_xlim(left=0, right=loads[-1] * 1.06)
        panel.set_xticks([0, *loads])
        panel.set_ylim(bottom=0)
        if panel is axes.flat[-1]:
            label_ends(panel, drawn)


def _draw_line(axes: Axes, line: Line, figure: str) -> End | None:
    found: list[tuple[float, Estimate]] = [
        (offered(point), estimate) for point in line.points if (estimate := getattr(point, figure))
    ]
    if not found:
        return None
    x = [at for at, _ in found]
    estimates = [estimate for _, estimate in found]
    color, marker, dashes = line.style
    axes.plot(x, [each.median for each in estimates], color=color, marker=marker, linestyle=dashes)
    whiskers(axes, x, estimates, color)
    return End(x[-1], estimates[-1].median, line.name, color)
