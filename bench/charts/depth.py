"""Where transactions waited while something was broken: the queues that are seen, and the one that nobody sees."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes

from bench.analysis.depths import PLACES, Depth
from bench.analysis.faults import Fault
from bench.analysis.findings import Findings
from bench.analysis.recovery_summary import recovery_summary
from bench.charts.picture import Grid, Picture, panels_of
from bench.charts.style import FAULT, INK, Style, styles
from bench.charts.words import done_to, file_name

PANEL_IN = 1.55

FILLS = {
    "front": ("#c9d1d9", ""),
    "broker": ("#5b2a86", ""),
    "worker": ("#93a1af", ""),
    "link": ("#f2cf7e", "///"),
}
"""Colour and hatch, by place; parts as in the chart of cost, and hatched what was computed."""

WORDS = {
    "front": "in fronts",
    "broker": "in brokers",
    "worker": "in workers, behind another",
    "link": "on links (computed)",
}


class Panel(NamedTuple):
    """One topology."""

    name: str
    style: Style
    depth: Depth
    away_s: float
    """From the fault until the part is there again, or the fault taken back."""


Data = list[Panel]


def pictures(findings: Findings) -> list[Picture]:
    """One for each fault."""
    style = styles([topology.name for topology in findings.topologies])
    every = [(topology.name, fault) for topology in findings.topologies for fault in topology.faults]
    found = []
    for key in dict.fromkeys(fault.key for _, fault in every):
        panels = [
            Panel(name, style[name], fault.depth, recovery_summary(fault).away_ms / 1e3)
            for name, fault in every
            if fault.key == key and fault.depth
        ]
        if panels:
            found.append(_picture(key, next(fault for _, fault in every if fault.key == key), panels))
    return found


def _picture(key: str, fault: Fault, panels: Data) -> Picture:
    n = max(panel.depth.n for panel in panels)
    excess = max(float(panel.depth.excess.max()) for panel in panels)
    return Picture(
        file_name("depth", key),
        f"Where do transactions wait when {done_to(fault.label)}?",
        f"Load {fault.step}, {f'mean of {n} faults' if n > 1 else 'one fault'}; bins of 0.1 s; red band: as long as it"
        " lasted, or until the part is there again. Queues of fronts, broker and workers: what they counted"
        " themselves, ten times a second. Links (sockets, pipes, kernel buffers, HTTP, answers on their way) have no"
        " gauge: computed from the ledger as sent and not answered, less executing, less the queues; not below 0, and"
        f" the samples exceeded the ledger by at most {excess:.1f}. What a worker executes is work and not shown.",
        panels,
        draw,
        Grid(len(panels), height_in=1.1 + PANEL_IN * len(panels), share_x=True, share_y=True),
    )


def draw(data: Data, axes: npt.NDArray[Any] | Axes) -> None:
    """``axes``: one for each topology, with shared axes; numbers from 0."""
    panels = panels_of(axes)
    shown = [place for place in PLACES if any(panel.depth.places[place].any() for panel in data)]
    for panel, one in zip(panels, data, strict=True):
        _draw_panel(panel, one, shown)
    panels[0].set_xlim(
        max(float(one.depth.t_s[0]) for one in data), min(float(one.depth.t_s[-1]) for one in data)
    )
    panels[0].set_ylim(0, max(max(float(_total(one.depth).max()) for one in data) * 1.12, 1))
    handles, words = panels[0].get_legend_handles_labels()
    panels[0].legend(
        handles[::-1], words[::-1], frameon=False, ncols=len(shown), loc="lower right", bbox_to_anchor=(1, 1),
        fontsize=9, handlelength=1.4, columnspacing=1.2, borderaxespad=0.2,
    )  # fmt: skip
    panels[-1].set_xlabel("seconds after the fault")
    panels[len(panels) // 2].set_ylabel("transactions waiting")


def _draw_panel(axes: Axes, panel: Panel, shown: list[str]) -> None:
    depth = panel.depth
    axes.set_title(panel.name, color=panel.style.color, fontweight="bold")
    axes.axvspan(0, panel.away_s, color=FAULT, linewidth=0, zorder=0)
    below = np.zeros(depth.t_s.size)
    for place in shown:
        color, hatch = FILLS[place]
        above = below + depth.places[place]
        axes.fill_between(
            depth.t_s, below, above, facecolor=color, hatch=hatch, edgecolor="white", linewidth=0,
            label=WORDS[place], step="mid",
        )  # fmt: skip
        below = above
    axes.plot(depth.t_s, below, color=INK, linewidth=0.6, drawstyle="steps-mid")
    _name_the_highest(axes, depth)


def _name_the_highest(axes: Axes, depth: Depth) -> None:
    total = _total(depth)
    top = int(np.argmax(total))
    left = depth.t_s[top] > np.mean(depth.t_s)
    axes.annotate(
        f"peak {total[top]:,.0f}" if total[top] >= 10 else f"peak {total[top]:.1f}",
        (float(depth.t_s[top]), float(total[top])),
        xytext=(-8 if left else 8, 3), textcoords="offset points", fontsize=8.5, color=INK,
        ha="right" if left else "left",
    )  # fmt: skip


def _total(depth: Depth) -> npt.NDArray[np.float64]:
    total: npt.NDArray[np.float64] = np.sum([depth.places[place] for place in PLACES], axis=0)
    return total
