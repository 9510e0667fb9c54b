"""What is written at lines and axes: names instead of a legend to be looked up, and numbers instead of powers of ten.

Invariant: names never overlap each other, however close the lines end.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, NullLocator

_OUT = 1.03
"""Where labels begin, as a fraction of the axes' width."""


class End(NamedTuple):
    """Where a line ends, in data units, and what is written there."""

    x: float
    y: float
    text: str
    color: str


def label_ends(axes: Axes, ends: Sequence[End], gap: float = 0.075) -> None:
    """Write the names right of the axes, each led to from its line's end. The limits must be final.

    ``gap`` is the least distance of two labels, as a fraction of the axes' height.
    """
    to_axes = axes.transData + axes.transAxes.inverted()
    heights = [float(to_axes.transform((end.x, end.y))[1]) for end in ends]
    for end, height in zip(ends, spread(heights, gap, 0.03, 0.97), strict=True):
        axes.annotate(
            end.text,
            xy=(end.x, end.y),
            xytext=(_OUT, height),
            textcoords="axes fraction",
            color=end.color,
            fontweight="bold",
            va="center",
            ha="left",
            annotation_clip=False,
            arrowprops={
                "arrowstyle": "-",
                "color": end.color,
                "linewidth": 0.7,
                "shrinkA": 2,
                "shrinkB": 4,
                "relpos": (0, 0.5),
            },
        )


def spread(positions: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Move positions apart, as little as needed, until they are ``gap`` apart and within ``low`` and ``high``.

    For labels at the ends of lines: in the order given they keep their order on the axis.
    """
    if not positions:
        return []
    order = sorted(range(len(positions)), key=lambda index: positions[index])
    placed = [positions[index] for index in order]
    for index in range(1, len(placed)):
        placed[index] = max(placed[index], placed[index - 1] + gap)
    placed[-1] = min(placed[-1], high)
    for index in range(len(placed) - 2, -1, -1):
        placed[index] = min(placed[index], placed[index + 1] - gap)
    below = max(low - placed[0], 0)
    found = [0.0] * len(positions)
    for place, index in enumerate(order):
        found[index] = placed[place] + below
    return found


def scale_logarithmically(axes: Axes, curves: Sequence[npt.NDArray[np.float64]]) -> None:
    """A logarithmic scale that holds all the curves, with 1, 2, 5, 10, ... written out. The axis must be labelled
    so.
    """
    known = np.concatenate([curve[np.isfinite(curve)] for curve in curves]) if curves else np.empty(0)
    if not known.size:
        return
    low, high = float(known.min()) / 1.3, float(known.max()) * 1.3
    axes.set_yscale("log")
    axes.set_ylim(low, high)
    axes.yaxis.set_major_locator(FixedLocator(_round_numbers(low, high)))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter("{x:,g}")


def _round_numbers(low: float, high: float) -> list[float]:
    """Within the limits; over more than two decades only 1, 10, 100."""
    digits = (1, 2, 5) if high / low < 200 else (1,)
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    return [
        digit * 10.0**decade for decade in decades for digit in digits if low <= digit * 10.0**decade <= high
    ]


def name_rows(axes: Axes, rows: Sequence[tuple[str, str]]) -> None:
    """Write what stands at 0, 1, ... of an upright axis, from above, each ``(name, colour)``."""
    axes.set_yticks(range(len(rows)), [name for name, _ in rows])
    for label, (_, color) in zip(axes.get_yticklabels(), rows, strict=True):
        label.set_color(color)
        label.set_fontweight("bold")
    axes.set_ylim(len(rows) - 0.4, -0.6)


def empty(axes: Axes, why: str) -> None:
    """Say in place of a chart that there is nothing to draw, and why."""
    axes.set_axis_off()
    axes.text(0.5, 0.5, why, transform=axes.transAxes, ha="center", va="center", style="italic")
