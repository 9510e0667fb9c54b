"""What became of the transactions that a fault touched: how many got no answer, and of which kind."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from bench.analysis.findings import Findings
from bench.charts.labels import name_rows
from bench.charts.picture import Grid, Picture, panels_of
from bench.charts.style import FATES, QUIET, Style, styles

LATE = ("#b8c4d0", "")
"""Colour and hatch of what was completed, but later than anything before the fault."""


class Bar(NamedTuple):
    """One topology after one fault; numbers are means per fault."""

    name: str
    style: Style
    counts: dict[str, float]
    """By fate, and ``late``."""
    touched: float


class Panel(NamedTuple):
    """One fault."""

    title: str
    bars: list[Bar]


Data = list[Panel]


def pictures(findings: Findings) -> list[Picture]:
    """One, where there were faults."""
    style = styles([topology.name for topology in findings.topologies])
    panels: dict[str, Panel] = {}
    n = 0
    for topology in findings.topologies:
        for fault in topology.faults:
            every = [recovery for trial in fault.trials for recovery in trial]
            n = max(n, len(every))
            counts = {fate: float(np.mean([getattr(each.harmed, fate) for each in every])) for fate in FATES}
            late = float(np.mean([each.delayed or 0 for each in every]))
            bar = Bar(
                topology.name,
                style[topology.name],
                {**counts, "late": late},
                float(np.mean([each.touched for each in every])),
            )
            panels.setdefault(fault.key, Panel(fault.key, [])).bars.append(bar)
    if not panels:
        return []
    method = findings.record.scenario.method
    data = list(panels.values())
    rows = sum(len(panel.bars) for panel in data)
    return [
        Picture(
            "fates",
            "What became of the transactions that the fault touched?",
            f"{method} transactions under way when the fault came, or due until the end of the recording: those"
            " without an answer by fate, and those that were completed later than anything before the fault (late)."
            " Rejected and refused are certain not to have happened; unknown and broken may have. Numbers per fault,"
            f" {'mean of ' + str(n) + ' faults' if n > 1 else 'one fault'}. All others were completed as if nothing"
            " had happened.",
            data,
            draw,
            Grid(
                rows=len(data),
                height_in=0.9 + 0.4 * rows + 0.55 * len(data),
                heights=tuple(len(panel.bars) + 0.3 for panel in data),
            ),
        )
    ]


def draw(data: Data, axes: npt.NDArray[Any] | Axes) -> None:
    """``axes``: one for each fault. Numbers from 0, each panel its own scale; a bar's parts are written beside it."""
    panels = panels_of(axes)
    for panel, fault in zip(panels, data, strict=True):
        _draw_panel(panel, fault)
    panels[-1].set_xlabel("transactions per fault")


def _draw_panel(axes: Axes, fault: Panel) -> None:
    axes.set_title(fault.title)
    axes.grid(False, axis="y")
    longest = max((sum(bar.counts.values()) for bar in fault.bars), default=0.0)
    axes.set_xlim(0, max(longest * 1.9, 1))  # room for the words beside the bar
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
    axes.xaxis.set_major_formatter("{x:,.0f}")
    for place, bar in enumerate(fault.bars):
        _draw_bar(axes, place, bar)
    name_rows(axes, [(bar.name, bar.style.color) for bar in fault.bars])


def _draw_bar(axes: Axes, place: int, bar: Bar) -> None:
    left = 0.0
    for fate, count in bar.counts.items():
        color, hatch = FATES.get(fate, LATE)
        axes.barh(place, count, 0.6, left, color=color, hatch=hatch, edgecolor="white", linewidth=0.5)
        left += count
    axes.annotate(
        _words(bar),
        (left, place),
        xytext=(5, 0),
        textcoords="offset points",
        va="center",
        fontsize=9,
        color=QUIET,
    )


def _words(bar: Bar) -> str:
    parts = [f"{_number(count)} {fate}" for fate, count in bar.counts.items() if count]
    return f"{', '.join(parts) or 'none without an answer, none late'} (of {bar.touched:,.0f})"


def _number(mean: float) -> str:
    """Two digits, or all of a whole number."""
    return f"{mean:,.0f}" if mean >= 10 or mean == int(mean) else f"{mean:.2g}"
