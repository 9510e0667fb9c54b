"""What a load that waits for its answers does not see: latency by percentile, one fault, three ways to tell."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter

from bench.analysis.findings import Findings
from bench.analysis.latency import NINES
from bench.analysis.omission import READINGS, Omission, Reading
from bench.charts.labels import empty, scale_logarithmically
from bench.charts.picture import Grid, Picture, panels_of
from bench.charts.style import INK, QUIET, Style, styles
from bench.charts.tail import TICKS
from bench.charts.words import done_to, file_name

LOOKS: dict[str, tuple[Any, float]] = {
    READINGS[0]: ("-", 2.4),
    READINGS[1]: ((0, (1, 2)), 1.3),
    READINGS[2]: ((0, (5, 2)), 1.8),
}
"""Line style and width. The first has the topology's colour, the second lies on it as a rule, the third is grey."""


NEAR = 0.7
"""Figures whose logarithms differ by less would be written over each other."""


class Panel(NamedTuple):
    """One topology."""

    name: str
    style: Style
    readings: list[Reading]


Data = list[Panel]


def pictures(findings: Findings) -> list[Picture]:
    """One for each fault and load that both loads were played under."""
    style = styles([topology.name for topology in findings.topologies])
    every = [(topology.name, found) for topology in findings.topologies for found in topology.omissions]
    pictures = []
    for key, load in dict.fromkeys((found.key, found.load) for _, found in every):
        here = [(name, found) for name, found in every if (found.key, found.load) == (key, load)]
        pictures.append(_picture(here, style))
    return pictures


def _picture(here: list[tuple[str, Omission]], style: dict[str, Style]) -> Picture:
    first = here[0][1]
    data = [Panel(name, style[name], found.readings) for name, found in here]
    least = min(reading.n for panel in data for reading in panel.readings)
    known = [reading.p50_ms.n for panel in data for reading in panel.readings if reading.p50_ms]
    n = max(known, default=0)
    return Picture(
        file_name("omission", f"{first.key} {first.load}"),
        f"What does a load that waits for its answers not see when {done_to(first.key.split(' and ')[0])}?",
        f"{first.rate_per_s:,.0f}/s offered by both loads under the same fault. Open: a transaction is due when it is"
        " due; latency from the scheduled and from the sent instant. Closed: as many a second from"
        f" {first.users} users, each of whom waits for the last answer before asking again, so what would have come"
        " meanwhile is not among them and its tail looks short: coordinated omission."
        f" {f'Medians of {n} trials' if n > 1 else 'One trial'}, at least {least:,} transactions a line; a line ends"
        " where fewer than one transaction is left beyond it, or where the rest had no answer.",
        data,
        draw,
        Grid(columns=len(data), height_in=4.0, share_x=True, share_y=True),
    )


def draw(data: Data, axes: npt.NDArray[Any] | Axes) -> None:
    """``axes``: one for each topology. Latency on a logarithmic scale, the same in all."""
    panels = panels_of(axes)
    tails = [reading.tail.median for panel in data for reading in panel.readings]
    end = max((float(NINES[np.isfinite(tail)].max(initial=1.0)) for tail in tails), default=1.0)
    for one, panel in zip(panels, data, strict=True):
        _draw_panel(one, panel)
        one.set_xlim(NINES[0], end)
        one.xaxis.set_major_locator(FixedLocator(list(TICKS)))
        one.xaxis.set_major_formatter(FuncFormatter(lambda nines, _: TICKS.get(nines, "")))
        scale_logarithmically(one, tails)
    panels[0].set_ylabel("latency, ms (logarithmic)")
    handles = [
        Line2D(
            [], [], color=QUIET if name == READINGS[2] else INK, linestyle=line, linewidth=width, label=name
        )
        for name, (line, width) in LOOKS.items()
    ]
    panels[0].figure.legend(
        handles=handles,
        frameon=False,
        fontsize=9,
        ncols=len(handles),
        loc="outside lower center",
        handlelength=2.8,
    )


def _draw_panel(axes: Axes, panel: Panel) -> None:
    axes.set_title(panel.name, color=panel.style.color, fontweight="bold")
    axes.set_xlabel("percentile")
    for reading in panel.readings:
        line, width = LOOKS[reading.name]
        color = {READINGS[0]: panel.style.color, READINGS[1]: INK}.get(reading.name, QUIET)
        axes.plot(NINES, reading.tail.median, color=color, linestyle=line, linewidth=width)
    if not any(np.isfinite(reading.tail.median).any() for reading in panel.readings):
        empty(axes, "nothing was answered")
        return
    _tell_p99(axes, panel)


def _tell_p99(axes: Axes, panel: Panel) -> None:
    """The difference in a figure, at the 99th percentile."""
    opened, closed = panel.readings[0].p99_ms, panel.readings[2].p99_ms
    near = opened and closed and abs(np.log(opened.median / closed.median)) < NEAR
    for p99_ms, color in ((opened, panel.style.color), (closed, QUIET)):
        if p99_ms is None:
            continue
        below = near and p99_ms is closed
        axes.plot(2.0, p99_ms.median, "o", color=color, markersize=5)
        axes.annotate(
            f"p99 {p99_ms.median:,.0f} ms", (2.0, p99_ms.median), fontsize=8.5, color=color,
            xytext=(5, -11) if below else (-5, 6), textcoords="offset points", ha="left" if below else "right",
            bbox={"facecolor": "white", "alpha": 0.75, "linewidth": 0, "pad": 0.5},
        )  # fmt: skip
