"""A chart with its data, ready to be drawn, and how it becomes a file.

Invariant: ``draw(data, axes)`` does no I/O and no statistics; what it needs was prepared from the findings before. The
same data give the same file, byte for byte.
"""

import io
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from bench.charts.style import NARROW_IN, RC, WIDTH_IN
from bench.statistics import BOOTSTRAP_N_MIN, Estimate

PNG_DPI = 200

Shared = bool | Literal["row", "col"]


class Grid(NamedTuple):
    """How many panels, and how they share."""

    rows: int = 1
    columns: int = 1
    height_in: float = 3.6
    share_x: Shared = False
    share_y: Shared = False
    heights: tuple[float, ...] | None = None
    """Of the rows, relative to each other; None for all the same."""


class Picture(NamedTuple):
    """One chart of one run."""

    name: str
    """Of its files, without the ending."""
    question: str
    """Its title: what the chart answers."""
    caption: str
    """What it shows, of how many, with which interval, under which conditions."""
    data: Any
    draw: Callable[[Any, Any], None]
    """``draw(data, axes)``: ``axes`` is one Axes, or an array of them of the grid's shape where it has more."""
    grid: Grid = Grid()


class Drawn(NamedTuple):
    """A picture as the contents of its two files, and once more for the page."""

    svg: str
    png: bytes
    narrow: str
    """As SVG again, for a phone: half as wide, its panels below each other, letters as large as before."""


def draw(picture: Picture) -> Drawn:
    """Draw it once, for page and slides alike."""
    with mpl.rc_context(RC):
        figure = render(picture)
        vector = _svg(figure, {"Title": picture.question})
        figure.set_layout_engine("none")  # it is laid out; to do it again takes as long as all the rest
        return Drawn(vector, _png(figure), _svg(render_narrow(picture), {}))


def _svg(figure: Figure, metadata: Mapping[str, str]) -> str:
    """By the canvas itself: ``savefig`` draws everything once more before it draws."""
    file = io.StringIO()
    figure.dpi = FigureCanvasSVG.fixed_dpi
    canvas: Any = FigureCanvasSVG(figure)
    canvas.print_svg(file, metadata={"Date": None, **metadata})
    return file.getvalue()


def _png(figure: Figure) -> bytes:
    file = io.BytesIO()
    figure.dpi = PNG_DPI
    canvas: Any = FigureCanvasAgg(figure)
    canvas.print_png(file, metadata={"Software": None})
    return file.getvalue()


def render(picture: Picture) -> Figure:
    """As a figure. Call with the settings of ``RC``."""
    grid = picture.grid
    figure = _blank(WIDTH_IN, grid.height_in)
    axes = figure.subplots(
        grid.rows, grid.columns, sharex=grid.share_x, sharey=grid.share_y, height_ratios=grid.heights
    )
    figure.suptitle(picture.question, x=0.008, ha="left", fontsize=12.5, fontweight="bold")
    picture.draw(picture.data, axes)
    return figure


def render_narrow(picture: Picture) -> Figure:
    """As a figure for a phone, with all columns in one. The question is left to the page, which can break its lines."""
    grid = picture.grid
    figure = _blank(NARROW_IN, grid.height_in * grid.columns)
    if grid.rows * grid.columns == 1:
        picture.draw(picture.data, figure.subplots())
        return figure
    panels = np.empty((grid.rows, grid.columns), dtype=object)
    heights = [height for height in grid.heights or (1.0,) * grid.rows for _ in range(grid.columns)]
    places = figure.add_gridspec(grid.rows * grid.columns, 1, height_ratios=heights)
    for row, column in np.ndindex(panels.shape):
        panels[row, column] = figure.add_subplot(
            places[row * grid.columns + column, 0],
            sharex=_shared(panels, grid.share_x, row, column),
            sharey=_shared(panels, grid.share_y, row, column),
        )
    picture.draw(picture.data, np.squeeze(panels))
    return figure


def _shared(panels: Any, shared: Shared, row: int, column: int) -> Axes | None:
    """The panel whose axis this one has, as ``Figure.subplots`` would have it."""
    first: dict[Shared, Axes | None] = {
        False: None,
        True: panels[0, 0],
        "row": panels[row, 0],
        "col": panels[0, column],
    }
    return first[shared]


def _blank(width_in: float, height_in: float) -> Figure:
    figure = Figure(figsize=(width_in, height_in), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def panels_of(axes: npt.NDArray[Any] | Axes) -> list[Axes]:
    """The axes that a chart is given, one or an array of them, row by row."""
    return list(np.atleast_1d(np.asarray(axes, dtype=object)).flat)


def whiskers(axes: Axes, x: Sequence[float], estimates: Sequence[Estimate], color: str) -> None:
    """From low to high at each x; none where there was one trial, which has no interval."""
    for at, estimate in zip(x, estimates, strict=True):
        if estimate.n > 1:
            middle = estimate.median
            ends = [[middle - estimate.low], [estimate.high - middle]]
            axes.errorbar(at, middle, yerr=ends, color=color, capsize=3, elinewidth=1, fmt="none")


def interval(n: int) -> str:
    """What the bars or bands around a median are."""
    if n >= BOOTSTRAP_N_MIN:
        return f"median of {n} trials, with its 95 % confidence interval"
    if n > 1:
        return f"median of {n} trials, with the smallest and the largest (too few for a confidence interval)"
    return "one trial, so no interval"
