"""What a transaction costs beside processor time: context switches, bytes on the wire and memory held."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from bench.analysis.costs import Costs
from bench.analysis.findings import Findings
from bench.charts.labels import name_rows
from bench.charts.picture import Grid, Picture, panels_of
from bench.charts.style import INK, ROLES, Style, styles

LINKS: Mapping[str, tuple[str, str]] = {
    "front-worker": ("#c9d1d9", "///"),
    "front-broker": ("#c9d1d9", ""),
    "broker-worker": ("#93a1af", ""),
}
"""Colour and hatch, in the order in which they are stacked."""


class Bar(NamedTuple):
    """One topology."""

    name: str
    style: Style
    parts: dict[str, float]


class Panel(NamedTuple):
    """One cost."""

    title: str
    unit: str
    bars: list[Bar]


Data = list[Panel]


def pictures(findings: Findings) -> list[Picture]:
    """One, where something of it is known."""
    style = styles([topology.name for topology in findings.topologies])
    every = [(topology.name, topology.costs) for topology in findings.topologies if any(topology.costs)]
    panels = [
        _panel("context switches", "for one transaction", every, style, _switches),
        _panel(
            "bytes between parts",
            "bytes for one transaction",
            every,
            style,
            lambda cost: dict(cost.wire_bytes),
        ),
        _panel("memory held", "MiB, all processes", every, style, _memory),
    ]
    data = [panel for panel in panels if any(bar.parts for bar in panel.bars)]
    if not data:
        return []
    n = max(
        [each.n for _, cost in every for each in (*cost.switches_voluntary.values(), *cost.rss_mib.values())]
        or [0]
    )
    steady = any(topology.loads for topology in findings.topologies)
    return [
        Picture(
            "cost",
            "What else does a transaction cost?",
            f"{'Over all loads without faults' if steady else 'Over all closed loops'}, as processor time;"
            f" {f'medians of {n} trials, intervals in the table' if n > 1 else 'one trial'}. Context switches of all"
            " threads, voluntary and not, over completed transactions. Bytes: what ZeroMQ puts on each link for one"
            " transaction there and back, derived by playing one on the topology's machines, with ZMTP's framing and"
            " without beats, TCP and HTTP. Memory: resident, pages that processes share counted in each.",
            data,
            draw,
            Grid(columns=len(data), height_in=1.7 + 0.42 * len(every), share_y=True),
        )
    ]  # fmt: skip


def _panel(
    title: str, unit: str, every: Sequence[tuple[str, Costs]], style: Mapping[str, Style], parts: Any
) -> Panel:
    return Panel(title, unit, [Bar(name, style[name], parts(cost)) for name, cost in every])


def _switches(cost: Costs) -> dict[str, float]:
    return {
        role: each.median
        + (cost.switches_involuntary[role].median if role in cost.switches_involuntary else 0)
        for role, each in cost.switches_voluntary.items()
    }


def _memory(cost: Costs) -> dict[str, float]:
    return {role: each.median for role, each in cost.rss_mib.items()}


def draw(data: Data, axes: npt.NDArray[Any] | Axes) -> None:
    """``axes``: one for each cost, with the topologies in common. From 0."""
    panels = panels_of(axes)
    for panel, cost in zip(panels, data, strict=True):
        _draw_panel(panel, cost)
    name_rows(panels[0], [(bar.name, bar.style.color) for bar in data[0].bars])


def _draw_panel(axes: Axes, panel: Panel) -> None:
    axes.set_title(panel.title)
    axes.set_xlabel(panel.unit)
    axes.grid(False, axis="y")
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.locator_params(axis="x", nbins=4)
    widest = max(sum(bar.parts.values()) for bar in panel.bars)
    axes.set_xlim(0, widest * 1.25)
    looks = {**ROLES, **LINKS}
    for place, bar in enumerate(panel.bars):
        left = 0.0
        for part in (part for part in looks if part in bar.parts):
            color, hatch = looks[part]
            width = bar.parts[part]
            axes.barh(place, width, 0.55, left, color=color, hatch=hatch, edgecolor="white", linewidth=0.5)
            left += width
        if bar.parts:
            text = f"{left:,.0f}" if left >= 10 else f"{left:.1f}"
            axes.annotate(text, (left, place), xytext=(4, 0), textcoords="offset points", va="center",
                          fontweight="bold", fontsize=9, color=INK)  # fmt: skip
    shown = [part for part in looks if any(part in bar.parts for bar in panel.bars)]
    patches = [
        Patch(facecolor=color, hatch=hatch, edgecolor="white", label=part)
        for part, (color, hatch) in looks.items()
        if part in shown
    ]
    axes.legend(
        handles=patches, frameon=False, fontsize=8.5, ncols=1 if len(shown) < 3 else 3, loc="upper center",
        bbox_to_anchor=(0.5, -0.32), handlelength=1.2, columnspacing=0.9, handletextpad=0.4, borderaxespad=0,
    )  # fmt: skip
