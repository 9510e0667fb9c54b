"""A map of conditions: which topology wins the tail and which the throughput, and where the data cannot tell."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle

from bench.analysis.crossover import Verdict
from bench.analysis.findings import Findings
from bench.charts.labels import empty
from bench.charts.picture import Grid, Picture
from bench.charts.style import INK, QUIET, Style, styles
from bench.paired import PAIRS_MIN
from bench.sweep import Cell

OPEN = "#e9ecef"
"""Where the data cannot tell."""
GAP = 0.35
"""Between the columns of one service time and the next."""


class Square(NamedTuple):
    """One place."""

    row: int
    column: int
    text: str
    winner: str | None


class Group(NamedTuple):
    """The columns of one service time."""

    title: str
    columns: list[str]
    """Loads, and the capacity."""


class Data(NamedTuple):
    """The whole map."""

    rows: list[str]
    groups: list[Group]
    squares: list[Square]
    styles: Mapping[str, Style]


def pictures(findings: Findings) -> list[Picture]:
    """One, where there were pairs enough in any place."""
    place = {cell.cell.name: cell.cell.place(findings.record.scenario.sweep) for cell in findings.cells}
    verdicts = sorted(findings.crossover, key=lambda verdict: place[verdict.cell])
    judged = [verdict for verdict in verdicts if verdict.p is not None]
    if not judged:
        return []
    data = arrange(verdicts, styles([topology.name for topology in findings.topologies]))
    pairs = sorted({verdict.n for verdict in judged})
    return [
        Picture(
            "crossover",
            "When do I need a broker?",
            "Who wins in each place: the shorter p99 at that load (open loop), and the higher capacity (closed loop). A"
            " colour names a topology that differs from every other by paired trials (5 %, Holm's correction over the"
            " whole map) and by more than the noise floor of the place; the number is by how much it is better than the"
            " one that comes nearest, mean of the pairs."
            " Grey: these data cannot separate the best from another; n is the number of pairs,"
            f" {' to '.join(map(str, [pairs[0], pairs[-1]][: len(pairs)]))} where there are enough (at least"
            f" {PAIRS_MIN}). As many transactions may be outstanding at a worker in each topology; loads are fractions"
            " of the best topology's capacity under the same conditions. One front is a central queue: it ties by"
            " construction.",
            data,
            draw,
            Grid(height_in=1.7 + 0.42 * len(data.rows)),
        )
    ]


def arrange(verdicts: Sequence[Verdict], style: Mapping[str, Style]) -> Data:
    """Service times and loads side by side, all else below each other."""
    rows = list(dict.fromkeys(_row(verdict) for verdict in verdicts))
    times = sorted({_time(verdict) for verdict in verdicts})
    loads = sorted({verdict.load for verdict in verdicts if verdict.load}, key=_sorted_by)
    columns = [*loads, ""]
    titles = [f"{time:g} ms" if time else "" for time in times]
    groups = [Group(title, [load or "cap." for load in columns]) for title in titles]
    squares = [
        Square(
            rows.index(_row(verdict)),
            times.index(_time(verdict)) * len(columns) + columns.index(verdict.load),
            _text(verdict),
            verdict.winner,
        )
        for verdict in verdicts
    ]
    return Data(rows, groups, squares, style)


def draw(data: Data, axes: Axes) -> None:
    """``axes``: one."""
    if not data.squares:
        empty(axes, "nothing was compared")
        return
    per_group = len(data.groups[0].columns)
    count = per_group * len(data.groups)
    for square in data.squares:
        _draw_square(axes, square, _x(square.column, per_group), data.styles)
    axes.set_xlim(0, _x(count - 1, per_group) + 1)
    axes.set_ylim(len(data.rows), 0)
    axes.set_yticks([row + 0.5 for row in range(len(data.rows))], data.rows)
    axes.set_xticks(
        [_x(column, per_group) + 0.5 for column in range(count)],
        [column for group in data.groups for column in group.columns],
    )
    axes.set_xlabel("p99 at an offered load, and capacity (cap.)")
    axes.tick_params(length=0)
    axes.grid(visible=False)
    for spine in axes.spines.values():
        spine.set_visible(False)
    for number, group in enumerate(data.groups):
        axes.annotate(
            group.title, (_x(number * per_group, per_group) + per_group / 2, 0), xytext=(0, 5),
            textcoords="offset points", ha="center", fontsize=10, color=INK, annotation_clip=False,
        )  # fmt: skip
    _name(axes, data)


def _draw_square(axes: Axes, square: Square, x: float, style: Mapping[str, Style]) -> None:
    color = style[square.winner].color if square.winner else OPEN
    alpha = 0.22 if square.winner else 1.0
    axes.add_patch(Rectangle((x, square.row), 0.96, 0.92, facecolor=color, alpha=alpha, linewidth=0))
    middle = x + 0.48
    ink, height = (INK, 0.64) if square.winner else (QUIET, 0.46)
    if square.winner:  # above the number, for which a phone leaves no room beside it
        axes.plot(
            [middle], [square.row + 0.24], color=color, marker=style[square.winner].marker, markersize=6
        )
    axes.text(middle, square.row + height, square.text, ha="center", va="center", color=ink, fontsize=9)


def _name(axes: Axes, data: Data) -> None:
    """Who the colours are: of those that won anywhere."""
    won = [name for name in data.styles if any(square.winner == name for square in data.squares)]
    handles: list[Line2D | Patch] = [
        Line2D([], [], color=data.styles[name].color, marker=data.styles[name].marker, linestyle="none")
        for name in won
    ]
    names = [*(f"{name} wins" for name in won), "cannot be told apart"]
    figure = axes.get_figure(root=True)
    assert figure is not None
    key = figure.legend(
        [*handles, Patch(color=OPEN)], names, loc="outside lower left", ncols=len(names), frameon=False
    )
    for text, name in zip(key.get_texts(), won, strict=False):
        text.set(color=data.styles[name].color, fontweight="bold")


def _x(column: int, per_group: int) -> float:
    return column + GAP * (column // per_group)


def _row(verdict: Verdict) -> str:
    others: dict[str, Any] = {axis: value for axis, value in verdict.conditions.items() if axis != "mean_ms"}
    tie = " (ties)" if verdict.tie else ""
    return f"{Cell(**others)}{tie}" or "all"


def _time(verdict: Verdict) -> float:
    return float(verdict.conditions.get("mean_ms", 0))


def _sorted_by(load: str) -> tuple[float, str]:
    """Fractions and rates each by size; of two phases with the same one, by name."""
    return float(load.partition(" ")[0].removesuffix("/s")), load


def _text(verdict: Verdict) -> str:
    if verdict.winner and verdict.better_by:
        return f"{verdict.better_by.median * 100:.0f} %"
    return f"n {verdict.n}"
