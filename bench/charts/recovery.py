"""The recovery timeline: what a fault did to goodput, to latency and to the fates, topology by topology."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from bench.analysis.faults import Fault
from bench.analysis.findings import Findings
from bench.analysis.recovery_summary import recovery_summary
from bench.analysis.summary import RecoverySummary
from bench.analysis.timeline import FAILURE_BIN_NS, FAILURES, Timeline
from bench.charts.labels import scale_logarithmically
from bench.charts.picture import Grid, Picture
from bench.charts.style import BAND, FATES, FAULT, INK, QUIET, Style, styles
from bench.charts.words import done_to, file_name
from bench.statistics import Estimate

COLUMNS = (
    "goodput: came back / was due",
    "latency by due instant, ms (log.)",
    "without an answer, per 0.1 s",
)
ROW_IN = 1.75


class Row(NamedTuple):
    """One topology."""

    name: str
    style: Style
    timeline: Timeline
    figures: RecoverySummary
    away_s: float
    """From the fault until the part is there again, or the fault taken back."""
    band: tuple[float, float] | None
    """Of goodput before the fault: where it has to come back to."""


class Data(NamedTuple):
    """One fault."""

    rows: list[Row]
    fates: list[str]
    """The ones to be shown, in the order in which they are stacked."""


def pictures(findings: Findings) -> list[Picture]:
    """One for each fault."""
    scenario = findings.record.scenario
    style = styles([topology.name for topology in findings.topologies])
    found = []
    for key in dict.fromkeys(fault.key for topology in findings.topologies for fault in topology.faults):
        rows = [
            _row(topology.name, style[topology.name], fault, fault.timeline)
            for topology in findings.topologies
            for fault in topology.faults
            if fault.key == key and fault.timeline
        ]
        if rows:
            found.append(_picture(key, rows, scenario.method))
    return found


def _row(name: str, style: Style, fault: Fault, timeline: Timeline) -> Row:
    figures = recovery_summary(fault)
    return Row(name, style, timeline, figures, figures.away_ms / 1e3, _band(fault))


def _picture(key: str, rows: list[Row], method: str) -> Picture:
    fates = [fate for fate in FAILURES if any(row.timeline.failures[fate].any() for row in rows)]
    role = rows[0].figures.label.rpartition("-")[2]
    n = max(row.timeline.n for row in rows)
    laid = f"{n} faults laid over each other by their instant" if n > 1 else "one fault"
    return Picture(
        file_name("recovery", key),
        f"What happens when {done_to(rows[0].figures.label)}?",
        f"{method} at load {rows[0].figures.load}, {laid}. Red band: {_band_words(rows[0], role)}."
        " Goodput: completed over due in the last 100 ms; thin lines are the extremes of the faults, the pale band is"
        " where it was before. Triangle: noticed by a peer; diamond: back in the band for a second; both medians;"
        " upright tick: the floor of each, what the settings alone imply. Latency: p99 solid, p50 dotted, by due"
        " instant in bins of 0.2 s; a gap where the percentile falls among those without an answer.",
        Data(rows, fates),
        draw,
        Grid(len(rows), len(COLUMNS), 0.9 + ROW_IN * len(rows), share_x=True, share_y="col"),
    )


def _band_words(row: Row, role: str) -> str:
    if row.figures.lasted_ms:
        return "as long as it lasted"
    return f"from the fault until the {role} is there again"


def _band(fault: Fault) -> tuple[float, float] | None:
    bands = [recovery.band for trial in fault.trials for recovery in trial if recovery.band]
    return (min(low for low, _ in bands), max(high for _, high in bands)) if bands else None


def draw(data: Data, axes: npt.NDArray[Any]) -> None:
    """``axes``: a row for each topology, and the columns of COLUMNS. Time is shared by all, heights by a column."""
    grid = np.asarray(axes, dtype=object).reshape(len(data.rows), len(COLUMNS))
    for row, (left, middle, right) in zip(data.rows, grid, strict=True):
        for panel in (left, middle, right):
            panel.axvspan(0, row.away_s, color=FAULT, linewidth=0, zorder=0)
        _draw_goodput(left, row)
        _draw_latency(middle, row)
        _draw_failures(right, row, data.fates)
    _name_lines(grid[0, 1], data.rows[0].timeline)
    for panel, title in zip(grid[0], COLUMNS, strict=True):
        panel.set_title(title, fontsize=9.5)
    for panel in grid[-1]:
        panel.set_xlabel("seconds after the fault")
    _limits(grid, data)


def _draw_goodput(axes: Axes, row: Row) -> None:
    color, timeline = row.style.color, row.timeline
    if row.band:
        axes.axhspan(*row.band, color=BAND, linewidth=0, zorder=0.5)
    axes.plot(timeline.t_s, timeline.goodput_low, color=color, linewidth=0.5, alpha=0.6)
    axes.plot(timeline.t_s, timeline.goodput_high, color=color, linewidth=0.5, alpha=0.6)
    axes.plot(timeline.t_s, timeline.goodput, color=color, linewidth=1.4)
    axes.set_ylabel(row.name, color=color, fontweight="bold")
    _mark(axes, row.figures.detected_ms, row.figures.floor_ms.detected, "^", "noticed", 0.21)
    _mark(axes, row.figures.recovered_ms, row.figures.floor_ms.recovered, "D", "back", 0.07)


def _mark(
    axes: Axes, at: Estimate | None, floor_ms: float | None, marker: str, word: str, height: float
) -> None:
    """At the foot of the panel, so that it hides nothing; ``height`` in fractions of it."""
    if at is None:
        return
    place, across = (at.median / 1e3, height), axes.get_xaxis_transform()
    left, right = axes.get_xlim()
    if floor_ms:
        axes.plot(floor_ms / 1e3, height, "|", color=INK, markersize=13, transform=across, zorder=5)
    late = place[0] > left + 0.6 * (right - left)  # the words would run out of the panel
    axes.plot(*place, marker, color=INK, markersize=5, transform=across, clip_on=False, zorder=5)
    axes.annotate(
        f"{word} {_time(at.median)}" if round(at.median) else "undisturbed",
        place,
        xycoords=across,
        xytext=(-6, 0) if late else (6, 0),
        textcoords="offset points",
        fontsize=8.5,
        va="center",
        ha="right" if late else "left",
        bbox={"facecolor": "white", "alpha": 0.75, "linewidth": 0, "pad": 0.5},
    )


def _time(ms: float) -> str:
    return f"{ms:.0f} ms" if ms < 1000 else f"{ms / 1e3:.2f} s"


def _draw_latency(axes: Axes, row: Row) -> None:
    color, timeline = row.style.color, row.timeline
    axes.plot(timeline.latency_t_s, timeline.p99_ms, color=color, linewidth=1.4, marker=".", markersize=4)
    axes.plot(timeline.latency_t_s, timeline.p50_ms, color=color, linewidth=1, linestyle=(0, (1, 1.5)))


def _name_lines(axes: Axes, timeline: Timeline) -> None:
    for name, curve in (("p99", timeline.p99_ms), ("p50", timeline.p50_ms)):
        known = np.flatnonzero(np.isfinite(curve))
        if known.size:
            place = (float(timeline.latency_t_s[known[-1]]), float(curve[known[-1]]))
            axes.annotate(name, place, xytext=(0, 5), textcoords="offset points", ha="center", fontsize=8.5)


def _draw_failures(axes: Axes, row: Row, fates: list[str]) -> None:
    below = np.zeros(row.timeline.failure_t_s.size)
    width = FAILURE_BIN_NS / 1e9
    for fate in fates:
        color, hatch = FATES[fate]
        height = row.timeline.failures[fate]
        axes.bar(row.timeline.failure_t_s, height, width, below, align="edge", color=color, hatch=hatch,
                 edgecolor="white", linewidth=0.3, label=fate if height.any() else None)  # fmt: skip
        below = below + height
    if not below.any():
        axes.text(
            0.98, 0.9, "none", transform=axes.transAxes, ha="right", va="top", color=QUIET, style="italic"
        )
    else:
        axes.legend(frameon=False, fontsize=8, loc="upper right", borderaxespad=0, handlelength=1.2)


def _limits(grid: npt.NDArray[Any], data: Data) -> None:
    begin = max(row.timeline.t_s[0] for row in data.rows if row.timeline.t_s.size)
    end = min(row.timeline.t_s[-1] for row in data.rows if row.timeline.t_s.size)
    grid[0, 0].set_xlim(begin, end)
    grid[0, 0].set_ylim(0, max(1.3, _highest([row.timeline.goodput_high for row in data.rows]) * 1.1))
    for panel in grid[:, 1]:
        scale_logarithmically(
            panel, [curve for row in data.rows for curve in (row.timeline.p50_ms, row.timeline.p99_ms)]
        )
    stacked = [np.sum([row.timeline.failures[fate] for fate in FAILURES], axis=0) for row in data.rows]
    highest = max(float(bars.max(initial=0)) for bars in stacked)
    grid[0, 2].set_ylim(0, max(highest * 1.25, 1))
    grid[0, 2].yaxis.set_major_locator(MaxNLocator(integer=True, nbins=5))


def _highest(curves: list[npt.NDArray[np.float64]]) -> float:
    return max((float(np.nanmax(curve)) for curve in curves if np.isfinite(curve).any()), default=1.0)
