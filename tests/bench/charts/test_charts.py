"""Every chart draws what there is, without a warning (they are errors here), and says what it shows."""

import re
from xml.etree import ElementTree

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from bench.analysis.closed_form import Form, Load, Predicted
from bench.analysis.costs import Costs
from bench.analysis.findings import analyse
from bench.analysis.latency import NINES
from bench.analysis.omission import READINGS, omissions
from bench.analysis.recording import CODES
from bench.analysis.steady import LoadPoint, Tail
from bench.analysis.throughput import Rung
from bench.charts import cpu, fates, latency, omission, per_core, recovery, stages, tail, throughput
from bench.charts.closed_form import explained, theory
from bench.charts.picture import draw, interval, render
from bench.charts.registry import CHARTS
from bench.charts.style import RC, styles
from bench.statistics import Estimate
from tests.bench.analysis.test_omission import closed, opened
from tests.bench.recording import small_run

ONE = Estimate(10.0, 10.0, 10.0, 1)
STYLE = styles(["freelance"])["freelance"]
NAMES = ("paranoid-pirate", "freelance", "direct")


@pytest.fixture(scope="module")
def findings():
    return analyse(small_run())


@pytest.fixture(scope="module")
def drawn(findings):
    return {picture.name: (picture, draw(picture)) for picture in pictures(findings)}


@pytest.fixture(scope="module")
def figures(drawn):
    return {name: figure_of(picture) for name, (picture, _) in drawn.items()}


def pictures(findings):
    """Every picture of a run."""
    return [picture for make in CHARTS.values() for picture in make(findings)]


def figure_of(picture):
    with mpl.rc_context(RC):
        figure = render(picture)
        figure.canvas.draw()
    return figure


def said_in(figure):
    return " ".join(text.get_text() for text in figure.findobj(Text))


def axes_of(rows=1, columns=1):
    figure = Figure(layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.subplots(rows, columns)


def texts(svg):
    return " ".join(
        "".join(element.itertext()) for element in ElementTree.fromstring(svg).iter() if element.text
    )


def test_a_run_of_the_main_job_has_all_its_charts(drawn):
    assert list(drawn) == [
        "throughput", "latency", "latency-by-percentile", "recovery-kill-worker", "recovery-kill-broker",
        "stages-kill-worker", "stages-kill-broker", "depth-kill-worker", "depth-kill-broker", "fates", "cpu", "per-core",
        "cost",
    ]  # fmt: skip


def test_each_chart_asks_a_question_and_its_caption_says_of_how_many(drawn):
    for picture, _ in drawn.values():
        assert picture.question.endswith("?")
        assert re.search(r"\d+ (trials|faults)|one (trial|fault)", picture.caption)


def test_each_chart_names_every_topology_that_it_shows(drawn):
    for name, (_, files) in drawn.items():
        shown = [topology for topology in NAMES if topology in texts(files.svg)]
        assert shown == (["paranoid-pirate"] if "kill-broker" in name else list(NAMES))


def test_the_same_data_give_the_same_file(drawn):
    picture, files = drawn["throughput"]
    assert draw(picture).svg == files.svg


def test_every_axis_has_a_label_with_its_unit(figures):
    for figure in figures.values():
        assert all(axes.get_xlabel() for axes in figure.axes if axes.get_subplotspec().is_last_row())
        first = [axes for axes in figure.axes if axes.get_subplotspec().is_first_col()]
        assert all(axes.get_ylabel() or axes.get_yticklabels()[0].get_text() for axes in first)


def test_no_linear_axis_is_cut(figures):
    for name in ("throughput", "latency", "per-core"):
        assert all(axes.get_ylim()[0] == 0 for axes in figures[name].axes)
    for name in ("fates", "cpu", "cost"):
        assert all(axes.get_xlim()[0] == 0 for axes in figures[name].axes)


def test_a_logarithmic_axis_says_so(figures):
    for figure in figures.values():
        for axes in figure.axes:
            shared = [
                axes,
                *(other for other in figure.axes if other.get_shared_y_axes().joined(axes, other)),
            ]
            said = " ".join(other.get_title(loc="left") + other.get_ylabel() for other in shared)
            assert axes.get_yscale() == "linear" or "log" in said


def test_a_topology_keeps_its_color_in_every_chart(drawn):
    for name, style in styles(list(NAMES)).items():
        for chart, (_, files) in drawn.items():
            assert style.color in files.svg or ("kill-broker" in chart and name != "paranoid-pirate")


def test_topologies_share_axes_in_the_recovery_timeline(figures):
    figure = figures["recovery-kill-worker"]
    assert len(figure.axes) == 9
    for column in range(3):
        panels = figure.axes[column::3]
        assert len({panel.get_xlim() for panel in panels}) == 1
        assert len({panel.get_ylim() for panel in panels}) == 1


def test_noticed_and_recovered_are_marked(drawn):
    said = texts(drawn["recovery-kill-broker"][1].svg)
    assert "noticed 3 ms" in said
    assert re.search(r"back \d\.\d\d s", said)


def test_a_run_without_anything_has_no_charts(findings):
    nothing = findings._replace(topologies=[])
    assert pictures(nothing) == []


def test_charts_draw_with_a_topology_missing(findings):
    fewer = findings._replace(topologies=[each for each in findings.topologies if each.name != "direct"])
    for picture in pictures(fewer):
        assert "direct" not in said_in(figure_of(picture))


def test_charts_draw_where_a_topology_has_no_valid_trial(findings):
    first, *others = findings.topologies
    cost = first.cpu_us._replace(together=None)
    empty = first._replace(
        ladder=[],
        loads=[],
        faults=[],
        capacity_per_s=None,
        cpu_us=cost,
        yields=[],
        costs=Costs({}, {}, {}, {}, None),
    )
    for picture in pictures(findings._replace(topologies=[empty, *others])):
        assert "paranoid-pirate" not in said_in(figure_of(picture))


def test_goodput_per_core_says_where_fronts_are_more(findings):
    first, second, *_ = findings.topologies
    more = second._replace(membership=second.membership._replace(fronts=3))
    (picture,) = per_core.pictures(findings._replace(topologies=[first, more]))
    assert picture.caption.endswith("Fronts: paranoid-pirate 2, freelance 3.")
    (picture,) = per_core.pictures(findings)
    assert "Fronts:" not in picture.caption


def test_goodput_per_core_is_hollow_above_the_target(findings):
    data = next(iter(per_core.pictures(findings))).data
    for target_ms, hollow in ((1e9, 0), (1e-9, sum(len(line.points) for line in data.lines))):
        figure, axes = axes_of()
        per_core.draw(data._replace(target_ms=target_ms), axes)
        faces = [
            line.get_markerfacecolor() for line in axes.get_lines() if line.get_marker() not in ("None", None)
        ]
        assert faces.count("white") == hollow


def test_coordinated_omission_is_drawn_in_three_lines_and_its_p99_told(findings):
    first = findings.topologies[1]._replace(omissions=omissions([opened(), closed()]))
    (picture,) = omission.pictures(findings._replace(topologies=[first]))
    figure = figure_of(picture)
    (axes,) = figure.axes
    assert len(axes.get_lines()) == 3 + 2
    said = said_in(figure)
    assert all(reading in said for reading in READINGS)
    assert "p99 958 ms" in said
    assert "p99 10 ms" in said
    assert "400/s" in picture.caption
    assert "8 users" in picture.caption


def test_coordinated_omission_is_drawn_where_nothing_was_answered(findings):
    nothing = [
        each._replace(
            transactions=each.transactions._replace(
                fate=np.full_like(each.transactions.fate, CODES["unknown"])
            )
        )
        for each in (opened(), closed())
    ]
    first = findings.topologies[1]._replace(omissions=omissions(nothing))
    (picture,) = omission.pictures(findings._replace(topologies=[first]))
    assert "nothing was answered" in said_in(figure_of(picture))


def test_throughput_draws_a_single_point_and_none():
    figure, axes = axes_of()
    throughput.draw(throughput.Data([throughput.Line("freelance", STYLE, [Rung(8, ONE)])], None), axes)
    figure.canvas.draw()
    figure, axes = axes_of()
    throughput.draw(throughput.Data([], None), axes)
    figure.canvas.draw()


def point(p50=ONE, p99=ONE, curve=10.0, load=0.5):
    tails = Tail(*(np.full(NINES.size, curve) for _ in range(3)))
    return LoadPoint("0.5", load, 400.0, p50, p99, None, 100, tails, [])


def test_latency_draws_a_single_point_and_leaves_out_what_is_not_known():
    for one in (point(), point(load=0.0), point(p99=None), point(p50=None, p99=None)):
        figure, axes = axes_of(1, 2)
        latency.draw(latency.Data([latency.Line("freelance", STYLE, [one])], 800.0), axes)
        figure.canvas.draw()


def test_the_tail_draws_one_load_and_one_of_which_nothing_was_answered():
    for curve in (10.0, np.nan):
        figure, axes = axes_of()
        tail.draw([tail.Panel("load 0.5", [tail.Line("freelance", STYLE, point(curve=curve).tail)])], axes)
        figure.canvas.draw()
    figure, axes = axes_of(1, 2)
    tail.draw([tail.Panel("load 0.5", []), tail.Panel("load 0.8", [])], axes)
    figure.canvas.draw()


def test_fates_draw_bars_of_nothing_and_of_very_different_length():
    bars = [
        fates.Bar("freelance", STYLE, {"unknown": 0.0, "late": 0.0}, 100),
        fates.Bar("direct", STYLE, {"unknown": 5000.0, "rejected": 0.25}, 6000),
    ]
    for some in (bars, bars[:1]):
        figure, axes = axes_of()
        fates.draw([fates.Panel("kill-worker", some)], axes)
        figure.canvas.draw()
    words = [text.get_text() for text in axes.texts]
    assert words == ["none without an answer, none late (of 100)"]


def test_cpu_draws_one_bar_and_none():
    for data in ([cpu.Bar("freelance", STYLE, {"worker": ONE}, ONE)], []):
        figure, axes = axes_of()
        cpu.draw(data, axes)
        figure.canvas.draw()


def test_the_recovery_timeline_draws_a_gap(findings):
    (picture,) = recovery.pictures(findings)[:1]
    rows = [
        row._replace(
            timeline=row.timeline._replace(p99_ms=np.full_like(row.timeline.p99_ms, np.nan)), band=None
        )
        for row in picture.data.rows
    ]
    figure_of(picture._replace(data=picture.data._replace(rows=rows)))


def test_stages_stand_on_one_axis_from_0_with_the_same_lines_for_all(figures):
    panels = figures["stages-kill-worker"].axes
    assert len(panels) == 3
    assert len({panel.get_xlim() for panel in panels}) == 1
    assert panels[0].get_xlim()[0] == 0
    lines = [[label.get_text() for label in panel.get_yticklabels()] for panel in panels]
    assert lines[0] == lines[1] == lines[2]
    assert "noticed" in lines[0]
    assert "fault taken back" not in lines[0]  # a kill is not
    assert "log" in panels[-1].get_xlabel()


def test_stages_say_what_did_not_happen_and_what_was_not_disturbed(figures):
    said = said_in(figures["stages-kill-worker"])
    for words in ("by nobody", "no failure", "undisturbed"):
        assert words in said


def test_stages_show_their_floors(figures):
    (panel,) = figures["stages-kill-broker"].axes
    upright = [line.get_xdata()[0] for line in panel.lines if len(set(line.get_ydata())) == 2]
    assert upright == pytest.approx([0, 1200, 1200])  # noticed, first success, goodput back


def test_the_red_band_ends_when_the_part_is_there_again(findings):
    (killed, broker) = recovery.pictures(findings)
    assert {round(row.away_s, 3) for row in (*killed.data.rows, *broker.data.rows)} == {1.2}


def test_stages_draw_nothing_known_and_floors_alone():
    lines = [
        stages.Stage("noticed", None, None, "by nobody"),
        stages.Stage("goodput back", None, 150.0, "not known"),
    ]
    figure, axes = axes_of()
    stages.draw([stages.Strip("freelance", STYLE, lines)], axes)
    figure.canvas.draw()
    assert "not known" in said_in(figure)


def test_the_interval_is_named_for_what_it_is():
    assert "confidence" in interval(5)
    assert "smallest and the largest" in interval(4)
    assert "no interval" in interval(1)


def test_the_registry_names_every_chart():
    assert list(CHARTS) == [
        "crossover", "sweep", "throughput", "latency", "tail", "predictions", "omission", "recovery", "stages", "depth",
        "fates", "cpu", "per-core", "cost",
    ]  # fmt: skip


# --- closed forms under the latencies


def predicted(load, in_turn=False, exponential=True):
    form = Form(8, in_turn, exponential)
    at = Load(load, 20.0, 1.0, 1.0, 1.0)
    return [Predicted(form, at, 5.0, form.mean_wait(at), 60.0, form.response(0.99, at), (), 100)]


def thin_lines(panel):
    return [line for line in panel.get_lines() if line.get_linewidth() < 1]


def test_a_closed_form_is_a_thin_line_in_its_topologys_color_with_its_name():
    loads = [point(load=load)._replace(closed_form=predicted(load)) for load in (0.3, 0.8)]
    line = latency.Line("freelance", STYLE, loads, theory(loads, (0.5, 0.99)))
    figure, axes = axes_of(1, 2)
    latency.draw(latency.Data([line], 800.0), axes)
    for panel in axes:
        [thin] = thin_lines(panel)
        assert thin.get_color() == STYLE.color
        assert (thin.get_xdata()[0], thin.get_xdata()[-1]) == (0.3, 0.8)
    assert "M/M/8" in said_in(figure)
    assert thin.get_ydata()[-1] == pytest.approx(predicted(0.8)[0].p99_predicted_ms)


def test_where_there_is_no_closed_form_none_is_drawn_and_the_caption_says_for_whom():
    loads = [point(load=load)._replace(closed_form=predicted(load)) for load in (0.3, 0.8)]
    ideal = theory(loads, (0.99,))
    assert theory([point(load=0.3)], (0.99,)) is None
    assert theory([point(load=0.3)._replace(closed_form=predicted(0.3, exponential=False))], (0.99,)) is None
    said = explained([("paranoid-pirate", ideal), ("freelance", None)])
    assert "M/M/8 for paranoid-pirate" in said
    assert said.endswith(" There is none for freelance.")
    assert explained([("freelance", None)]) == ""
