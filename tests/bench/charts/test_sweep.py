"""The charts of a sweep: a panel for each cell, one scale for all, and a map that colours only what is certain."""

import math
from types import SimpleNamespace
from typing import Any

import matplotlib as mpl
import pytest
from matplotlib.patches import Rectangle
from msgspec.structs import replace

from bench.analysis.cells import CellFindings
from bench.analysis.crossover import crossover
from bench.analysis.findings import Findings
from bench.analysis.steady import LoadPoint, Tail
from bench.charts import crossover as crossover_chart
from bench.charts import sweep as sweep_chart
from bench.conditions import Conditions, Machine
from bench.report.sweep_table import crossover_table
from bench.run_record import RunRecord
from bench.statistics import Estimate
from tests.bench.analysis.test_crossover import FREELANCE, PIRATE, cells_of, scenario
from tests.bench.charts.test_charts import figure_of, said_in

NOTHING = Tail(*([math.nan],) * 3)  # type: ignore[arg-type]


def point(load, ms):
    p99 = None if ms is None else Estimate(ms, ms * 0.9, ms * 1.1, 3)
    return LoadPoint(str(load), load, load * 100, p99, p99, None, 2500, NOTHING, [])


def with_cells(here, *topologies):
    """Findings in which nothing is known but a sweep."""
    cells = cells_of(here, *topologies)
    machine = Machine("a processor that never was", 2, 8 << 30, "6.1.0", (0.1, 0.2, 0.3))
    record = RunRecord(scenario=here, command=(), conditions=Conditions("", {}, machine), plans={})
    names: Any = [SimpleNamespace(name=name) for name in here.topologies]
    return Findings(
        record=record, reasons=[], topologies=names, lives=[], checked={},
        cells=cells, crossover=crossover(cells, here),
    )  # fmt: skip


@pytest.fixture(scope="module")
def findings():
    curves = {
        "paranoid-pirate": [point(0.5, 40), point(0.8, 60), point(1.1, 900)],
        "freelance": [point(0.5, 41), point(0.8, 80), point(1.1, None)],
    }
    return with_cells(
        scenario(), *(each._replace(loads=curves[each.topology]) for each in (PIRATE, FREELANCE))
    )


@pytest.fixture(scope="module")
def panels(findings):
    """The picture, and the figure that is drawn from it: fonts are opened here."""
    [picture] = sweep_chart.pictures(findings)
    return picture, figure_of(picture)


def test_there_is_a_panel_for_each_cell_and_all_share_a_scale(findings, panels):
    picture, figure = panels
    shown = [axes for axes in figure.axes if axes.axison]
    assert len(shown) == len(findings.cells) == 6
    assert len({axes.get_ylim() for axes in shown}) == 1
    assert {axes.get_yscale() for axes in shown} == {"log"}
    said = said_in(figure)
    assert "paranoid-pirate" in said
    assert "8 fronts, 20 ms" in said
    assert "load 1 is 100/s" in said
    assert said.count("tie by construction") == 2
    assert "2,500 transactions a point" in picture.caption


def test_a_load_without_a_percentile_ends_the_line(panels):
    _, figure = panels
    drawn = [list(line.get_xdata()) for line in figure.axes[1].get_lines()]
    assert [0.5, 0.8] in drawn
    assert [0.5, 0.8, 1.1] in drawn


def test_close_figures_still_have_a_scale_and_a_panel_without_any_says_why():
    one = PIRATE._replace(loads=[point(0.5, 31)])
    none = FREELANCE._replace(loads=[point(0.5, None)])
    here = scenario("sweep.fronts=[2]", "sweep.mean_ms=[5, 20]")
    found = with_cells(here, one)
    cells = [found.cells[0], found.cells[1]._replace(topologies=[none])]
    [picture] = sweep_chart.pictures(found._replace(cells=cells))
    figure = figure_of(picture)
    low, high = figure.axes[0].get_ylim()
    assert len([tick for tick in figure.axes[0].get_yticks() if low <= tick <= high]) >= 2
    assert "no p99" not in said_in(figure.axes[0])
    assert "no p99" in said_in(figure.axes[1])


def test_more_cells_than_a_picture_holds_are_several_of_one_scale():
    here = scenario("sweep.workers=[4, 8]")
    curves = [point(0.5, 40), point(0.8, 60)]
    several = sweep_chart.pictures(with_cells(here, PIRATE._replace(loads=curves)))
    assert [picture.name for picture in several] == ["sweep-1", "sweep-2"]
    assert [len(picture.data.panels) for picture in several] == [9, 3]
    assert len({figure_of(picture).axes[0].get_ylim() for picture in several}) == 1


def test_a_search_that_its_maximum_ended_is_told(findings):
    capped = [
        CellFindings(each.cell, 100, [one._replace(ended_by_max=1) for one in each.topologies])
        for each in findings.cells
    ]
    [picture] = sweep_chart.pictures(findings._replace(cells=capped))
    assert "freelance in f8-m20: load 1 may be less than it can carry" in picture.caption


def test_a_run_without_a_sweep_has_neither_chart(findings):
    assert sweep_chart.pictures(findings._replace(cells=())) == []
    assert crossover_chart.pictures(findings._replace(cells=(), crossover=())) == []


def test_the_map_colours_winners_and_leaves_the_rest_grey_with_its_n(findings):
    [picture] = crossover_chart.pictures(findings)
    figure = figure_of(picture)
    [axes] = figure.axes
    squares = [patch for patch in axes.patches if isinstance(patch, Rectangle)]
    assert len(squares) == len(findings.crossover) == 18
    grey = mpl.colors.to_hex(crossover_chart.OPEN)
    coloured = [patch for patch in squares if mpl.colors.to_hex(patch.get_facecolor()) != grey]
    assert len(coloured) == sum(each.winner is not None for each in findings.crossover) == 12
    texts = [text.get_text() for text in axes.texts]
    assert texts.count("n 6") == 6
    assert {"5 ms", "20 ms"} <= set(texts)
    assert [label.get_text() for label in axes.get_xticklabels()] == ["0.5", "0.8", "cap."] * 2
    assert [label.get_text() for label in axes.get_yticklabels()] == [
        "1 front (ties)",
        "2 fronts",
        "8 fronts",
    ]
    said = said_in(figure)
    assert "paranoid-pirate wins" in said
    assert "freelance wins" in said


def test_a_load_that_two_phases_play_has_a_column_for_each_beside_the_other(findings):
    again = [replace(each, load="0.5 (again)") for each in findings.crossover if each.load == "0.8"]
    [picture] = crossover_chart.pictures(findings._replace(crossover=[*findings.crossover, *again]))
    assert picture.data.groups[0].columns == ["0.5", "0.5 (again)", "0.8", "cap."]


def test_no_map_is_drawn_from_too_few_pairs(findings):
    few = [replace(each, p=None) for each in findings.crossover]
    assert crossover_chart.pictures(findings._replace(crossover=few)) == []


def test_the_table_names_the_winner_and_how_sure_it_is(findings):
    table = crossover_table(findings.crossover)
    row = next(row for row in table.rows if row[:2] == ("f8-m5", "p99 at load 0.8"))
    assert row[2:4] == ("paranoid-pirate", "paranoid-pirate")
    assert row[6] == "below 0.001"
    tied = next(row for row in table.rows if row[:2] == ("f1-m5", "p99 at load 0.5"))
    assert tied[2] == "tie by construction"
