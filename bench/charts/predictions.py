"""Up to which load each topology keeps up while one worker is slow, with the limit that theory gives beside it."""

from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator

from bench.analysis.findings import Findings
from bench.analysis.stability import UNSERVED_MAX, AtLoad, Slowed
from bench.charts.picture import Grid, Picture
from bench.charts.style import INK, QUIET, Style, styles
from bench.charts.words import file_name

LINE_IN = 0.5


class Line(NamedTuple):
    """One topology's."""

    name: str
    style: Style
    slowed: Slowed


Data = list[Line]


def pictures(findings: Findings) -> list[Picture]:
    """One for each phase in which one worker was slow."""
    style = styles([topology.name for topology in findings.topologies])
    every = [
        Line(topology.name, style[topology.name], slowed)
        for topology in findings.topologies
        for slowed in topology.slowed
    ]
    phases = dict.fromkeys(line.slowed.phase for line in every)
    return [_picture(phase, [line for line in every if line.slowed.phase == phase]) for phase in phases]


def _picture(phase: str, lines: Data) -> Picture:
    first = lines[0].slowed
    known = [each.unserved.n for line in lines for each in line.slowed.loads if each.unserved]
    trials = max(known, default=0)
    return Picture(
        file_name("predictions", phase),
        f"Up to which load does it keep up while one of {first.workers} workers is {first.times:g} times slower?",
        f"Each mark is one load, {f'the median of {trials} trials' if trials > 1 else 'one trial'}: filled, stable;"
        f" hollow, unstable, which is {UNSERVED_MAX * 100:.0f} % of the load or more not served. The share is written"
        " above it. Upright line: the limit that theory predicts, from how the topology chooses a worker.",
        lines,
        draw,
        Grid(height_in=1.3 + LINE_IN * len(lines)),
    )


def draw(data: Data, axes: Axes) -> None:
    """``axes``: one. Load from 0, a line for each topology."""
    loads = sorted({each.load for line in data for each in line.slowed.loads})
    for place, line in enumerate(data):
        axes.axhline(place, color=line.style.color, linewidth=0.8, alpha=0.4)
        _draw_limit(axes, place, line.slowed.predicted)
        for each in line.slowed.loads:
            _draw_load(axes, place, each, line.style)
    axes.set_yticks(range(len(data)), [line.name for line in data])
    for label, line in zip(axes.get_yticklabels(), data, strict=True):
        label.set_color(line.style.color)
    axes.set_ylim(len(data) - 0.5, -0.7)
    axes.grid(False, axis="y")
    axes.set_xlim(0, max([1.0, *loads]) * 1.05)
    axes.xaxis.set_major_locator(FixedLocator(loads))
    axes.xaxis.set_major_formatter("{x:.3g}")
    axes.set_xlabel("offered load, as a fraction of the measured capacity")


def _draw_limit(axes: Axes, place: int, predicted: float | None) -> None:
    if predicted is None:
        return
    axes.plot([predicted] * 2, [place - 0.42, place + 0.42], color=INK, linewidth=1.6, zorder=3)
    axes.annotate(
        f"{predicted:.3g}", (predicted, place + 0.42), xytext=(3, 1), textcoords="offset points", color=INK,
        fontsize=8.5,
    )  # fmt: skip


def _draw_load(axes: Axes, place: int, each: AtLoad, style: Style) -> None:
    if each.unserved is None:
        return
    face = style.color if each.stable else "white"
    axes.plot(
        each.load, place, style.marker, color=style.color, markerfacecolor=face, markersize=8, zorder=5,
        clip_on=False,
    )  # fmt: skip
    axes.annotate(
        _share(each.unserved.median), (each.load, place), xytext=(0, 7), textcoords="offset points", ha="center",
        color=QUIET, fontsize=8.5, annotation_clip=False,
    )  # fmt: skip


def _share(unserved: float) -> str:
    """A number that shrank by a few while it was watched is 0, not less."""
    return f"{max(unserved * 100, 0.0):.1f} %"
