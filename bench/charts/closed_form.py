"""Closed forms as thin lines under measured latencies, in the colour of the topology that they are of.

Invariant: a line is drawn where a closed form describes what the topology does, and the caption says for whom there is
none. It is smooth although few loads were played: between them, what it is fed was interpolated.
"""

from collections.abc import Sequence

from matplotlib.axes import Axes

from bench.analysis.closed_form import Curve, curve, middle
from bench.analysis.steady import LoadPoint
from bench.charts.labels import End
from bench.charts.offered import offered
from bench.charts.style import Style

_FED = (
    "fed with load and occupancy as measured, plus the mean of what else was taken (HTTP, links). How far a short trial"
    " is off is mostly luck of the draw"
)

SOME = (
    f" Thin lines without marks: the closed form for the topology of that colour, {_FED}. There is none for several"
    " dispatchers, for a credit above 1, and for services that are not exponential."
)
"""Of many panels."""


def theory(points: Sequence[LoadPoint], quantiles: Sequence[float]) -> Curve | None:
    """Through those loads for which there is a closed form."""
    known = [point for point in points if point.closed_form]
    if not known:
        return None
    form = known[0].closed_form[0].form
    x = [offered(point) for point in known]
    return curve(form, x, [middle(point.closed_form) for point in known], quantiles)


def draw_theory(axes: Axes, ideal: Curve | None, q: float, style: Style) -> End | None:
    """A thin line; of a single load, a dash."""
    if ideal is None:
        return None
    ms = ideal.by_quantile[q]
    marker = "_" if ms.size == 1 else "None"
    axes.plot(ideal.x, ms, color=style.color, linewidth=0.8, marker=marker, markersize=14, zorder=1.9)
    return End(float(ideal.x[-1]), float(ms[-1]), ideal.name, style.color)


def explained(drawn: Sequence[tuple[str, Curve | None]]) -> str:
    """The end of a caption, from each topology and its curve; nothing where none has one."""
    known = [f"{ideal.name} for {name}" for name, ideal in drawn if ideal]
    if not known:
        return ""
    without = [name for name, ideal in drawn if not ideal]
    missing = f" There is none for {' and '.join(without)}." if without else ""
    return f" Thin lines: closed forms, {' and '.join(known)}, {_FED}.{missing}"
