"""The chart of the limits: every load that was played, told apart by more than colour, and what theory says."""

import pytest
from matplotlib.text import Text

from bench.analysis.stability import AtLoad, Slowed
from bench.charts.predictions import Line, draw
from bench.charts.style import styles
from bench.statistics import Estimate
from tests.bench.charts.test_charts import axes_of


def share(value):
    return Estimate(value, value, value, 3)


LOADS = [AtLoad(0.15, share(-0.0004), 300), AtLoad(0.3, share(0.041), 600), AtLoad(0.8, None, 0)]


def drawn(predicted):
    figure, axes = axes_of()
    style = styles(["direct"])["direct"]
    draw([Line("direct", style, Slowed("slow", 5, 8, predicted, LOADS))], axes)
    figure.canvas.draw()
    return figure, axes


def marks(axes):
    found = {}
    for line in axes.get_lines():
        if line.get_marker() not in ("None", None):
            (x,) = line.get_xdata()
            found[x] = line.get_markerfacecolor()
    return found


@pytest.fixture(scope="module")
def with_limit():
    return drawn(0.2)


@pytest.fixture(scope="module")
def without_limit():
    return drawn(None)


def test_stable_is_filled_and_unstable_hollow_and_what_is_not_known_left_out(with_limit):
    found = marks(with_limit[1])
    assert set(found) == {0.15, 0.3}
    assert found[0.15] != "white"
    assert found[0.3] == "white"


def test_the_limit_and_the_shares_are_written(with_limit):
    figure, axes = with_limit
    said = {text.get_text() for text in figure.findobj(Text)}
    assert {"0.2", "4.1 %", "0.0 %", "direct"} <= said
    assert [line for line in axes.get_lines() if list(line.get_xdata()) == [0.2, 0.2]]


def test_without_a_prediction_there_is_no_limit(without_limit):
    _, axes = without_limit
    assert len(axes.get_lines()) == 1 + len(marks(axes))


def test_the_scale_begins_at_nothing_and_holds_every_load(with_limit):
    low, high = with_limit[1].get_xlim()
    assert low == 0
    assert high >= 1
