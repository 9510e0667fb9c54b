"""The tail against offered load, one panel for each cell of a sweep."""

from collections.abc import Mapping, Sequence
from textwrap import fill
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator

from bench.analysis.cells import CellFindings
from bench.analysis.closed_form import Curve
from bench.analysis.findings import Findings
from bench.analysis.steady import LoadPoint
from bench.charts.closed_form import SOME, draw_theory, theory
from bench.charts.labels import empty, scale_logarithmically
from bench.charts.offered import offered
from bench.charts.picture import Grid, Picture, interval, whiskers
from bench.charts.style import QUIET, Style, styles
from bench.statistics import Estimate

COLUMNS = 3
PANELS_MAX = 9
"""Of one picture; a sweep with more cells has more pictures, all with the same scale."""
TICKS = (0.0, 0.5, 1.0)
"""Where there are more loads than a panel has room for."""
LOADS_MAX = 3
TITLE_WIDTH = 34
"""Characters that fit above a panel."""

RATIO_MIN = 4.0
"""Of the ends of the scale: with less, hardly a round number lies within."""

NO_P99 = "no p99: too few transactions,\nor too many without an answer"
TIE = "one front is a central queue:\na tie by construction"
"""Written where a single front makes a brokerless topology what the broker is."""


class Line(NamedTuple):
    """One topology's in one cell."""

    name: str
    style: Style
    points: list[LoadPoint]
    theory: Curve | None = None


class Panel(NamedTuple):
    """One cell."""

    title: str
    one_is: str
    """What load 1 is there."""
    note: str
    lines: list[Line]


class Data(NamedTuple):
    """One picture's panels."""

    panels: list[Panel]
    every_ms: list[float]
    """All that is drawn in any picture of the run: they share a scale."""


def pictures(findings: Findings) -> list[Picture]:
    """As many as the cells fill; none without a sweep."""
    style = styles([topology.name for topology in findings.topologies])
    cells = sorted(findings.cells, key=lambda each: each.cell.place(findings.record.scenario.sweep))
    panels = [panel for cell in cells if (panel := _panel(cell, style, findings)).lines]
    every_ms = [ms for panel in panels for line in panel.lines for ms in _drawn_ms(line)]
    groups = [panels[at : at + PANELS_MAX] for at in range(0, len(panels), PANELS_MAX)]
    caption = _caption(findings, panels) if groups else ""
    return [
        _picture(f"sweep-{number}" if len(groups) > 1 else "sweep", caption, Data(group, every_ms))
        for number, group in enumerate(groups, 1)
    ]


def _picture(name: str, caption: str, data: Data) -> Picture:
    columns = max(2, min(COLUMNS, len(data.panels)))
    rows = -(-len(data.panels) // columns)
    return Picture(
        name,
        "How does the tail grow with the load, under each of the conditions?",
        caption,
        data,
        draw,
        Grid(rows, columns, 1.1 + 2.1 * rows, share_x=True, share_y=True),
    )


def _panel(cell: CellFindings, style: Mapping[str, Style], findings: Findings) -> Panel:
    fronts = findings.record.scenario.of(cell.cell).deployment.fronts
    return Panel(
        title=fill(str(cell.cell), TITLE_WIDTH),
        one_is=f"load 1 is {cell.reference_per_s:,.0f}/s" if cell.reference_per_s else "",
        note=TIE if fronts == 1 else "",
        lines=[
            Line(each.topology, style[each.topology], each.loads, theory(each.loads, (0.99,)))
            for each in cell.topologies
            if each.loads
        ],
    )


def _caption(findings: Findings, panels: Sequence[Panel]) -> str:
    """Of all pictures."""
    points = [point for cell in findings.cells for each in cell.topologies for point in each.loads]
    trials = max((point.p99_ms.n for point in points if point.p99_ms), default=0)
    least = min((point.n for point in points), default=0)
    capped = [
        f"{each.topology} in {cell.cell.name}"
        for cell in findings.cells
        for each in cell.topologies
        if each.ended_by_max
    ]
    more = (
        f" The most users that it may have ended the search for the capacity of {', '.join(capped)}:"
        " load 1 may be less than it can carry."
        if capped
        else ""
    )
    drawn = SOME if any(line.theory for panel in panels for line in panel.lines) else ""
    return (
        "99 of 100 transactions are answered within so many milliseconds of the instant at which they were due (open"
        " loop), against the offered load as a fraction of the best topology's capacity under the same conditions. As"
        " many transactions may be outstanding at a worker in each topology: the credit is each front's, a broker has"
        " that of all fronts together. A point is missing where the percentile falls among transactions without an"
        f" answer. At least {least:,} transactions a point. Points: {interval(trials)}.{drawn}{more}"
    )


def draw(data: Data, axes: npt.NDArray[Any]) -> None:
    """``axes``: one for each panel, row by row, and up to two that stay empty. A logarithmic scale, shared; names once
    for all, as a panel has no room beside it.
    """
    flat: Sequence[Axes] = list(axes.flat)
    for place, panel in zip(flat, data.panels, strict=False):
        _draw_panel(place, panel, data)
    for place in flat[len(data.panels) :]:
        place.set_axis_off()
    _name_lines(flat[0], data)
    lowest = {_column(place): place for place in flat[: len(data.panels)]}
    for place in lowest.values():  # what stands above an empty place tells the scale
        place.set_xlabel("offered load")
        place.tick_params(labelbottom=True)


def _name_lines(axes: Axes, data: Data) -> None:
    lines = {line.name: line for panel in data.panels for line in panel.lines}
    handles = [_key(axes, line.style) for line in lines.values()]
    figure = axes.get_figure(root=True)
    assert figure is not None
    key = figure.legend(
        handles, list(lines), loc="outside lower left", ncols=len(lines), frameon=False, handlelength=3.2
    )
    for text, line in zip(key.get_texts(), lines.values(), strict=True):
        text.set(color=line.style.color, fontweight="bold")


def _key(axes: Axes, style: Style) -> Line2D:
    color, marker, dashes = style
    [line] = axes.plot([], [], color=color, marker=marker, linestyle=dashes, markersize=5)
    return line


def _column(axes: Axes) -> int:
    spec = axes.get_subplotspec()
    assert spec is not None
    return spec.colspan.start


def _draw_panel(axes: Axes, panel: Panel, data: Data) -> None:
    axes.set_title(panel.title, fontsize=9)
    if _column(axes) == 0:
        axes.set_ylabel("p99, ms (logarithmic)")
    if not data.every_ms:
        empty(axes, "nothing was answered")
        return
    scale_logarithmically(axes, [np.array(_ends(data.every_ms))])
    loads = [offered(point) for line in panel.lines for point in line.points]
    axes.set_xlim(0, max(loads) * 1.06)
    if max(loads) <= 2:
        few = sorted({0.0, *loads})
        axes.xaxis.set_major_locator(FixedLocator(few if len(few) <= LOADS_MAX + 1 else TICKS))
        axes.axvline(1, color=QUIET, linewidth=0.9, linestyle=(0, (2, 2)))
    for line in panel.lines:
        _draw_line(axes, line)
        draw_theory(axes, line.theory, 0.99, line.style)
    nothing = "" if any(map(_known, panel.lines)) else NO_P99
    said = [words for words in (panel.one_is, panel.note, nothing) if words]
    axes.annotate(
        "\n".join(said), (0, 1), xycoords="axes fraction", xytext=(5, -4), textcoords="offset points",
        va="top", fontsize=8, color=QUIET,
    )  # fmt: skip


def _ends(every_ms: Sequence[float]) -> tuple[float, float]:
    """Of what is drawn, or further apart."""
    low, high = min(every_ms), max(every_ms)
    wider = max(RATIO_MIN * low / high, 1.0) ** 0.5
    return low / wider, high * wider


def _draw_line(axes: Axes, line: Line) -> None:
    known = _known(line)
    color, marker, dashes = line.style
    x, estimates = [at for at, _ in known], [estimate for _, estimate in known]
    medians = [estimate.median for estimate in estimates]
    axes.plot(x, medians, color=color, marker=marker, linestyle=dashes, markersize=4, linewidth=1.4)
    whiskers(axes, x, estimates, color)


def _known(line: Line) -> list[tuple[float, Estimate]]:
    return [(offered(point), point.p99_ms) for point in line.points if point.p99_ms]


def _drawn_ms(line: Line) -> list[float]:
    ideal = line.theory.by_quantile[0.99].tolist() if line.theory else []
    return [ms for _, estimate in _known(line) for ms in (estimate.low, estimate.high)] + ideal
