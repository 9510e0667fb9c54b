"""What theory says and what was measured, side by side: in the summary, in the table and in the page."""

import pytest
from msgspec.structs import replace

from bench.analysis.findings import analyse
from bench.analysis.summary import AbsentSummary, Predictions, as_json
from bench.analysis.summing import summary_of
from bench.raw import to_parquet
from bench.report.page import page, render
from bench.report.predictions_table import absent_table
from bench.report.tables import tables
from bench.statistics import Estimate
from tests.bench.recording import make_run, small_run

CHANGES = (
    "topologies=['freelance', 'direct']",
    "trials=2",
    "phase.slow.loads=[0.15, 0.4, 0.8, 1.2]",
    "phase.slow.duration_s=4",
    "phase.slow.fault.slow.for_s=3.7",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("slow") / "run"
    make_run(folder, *CHANGES, name="slow-worker")
    to_parquet(folder)
    return folder


@pytest.fixture(scope="module")
def summary(folder):
    return summary_of(analyse(folder))


def test_the_limit_of_each_is_bracketed_and_told(summary):
    told = {
        name: each["predictions"]["slow_worker"]["slow"]
        for name, each in as_json(summary)["topologies"].items()
    }
    assert {name: each["stable_below_predicted"] for name, each in told.items()} == {
        "freelance": pytest.approx(0.9),
        "direct": 0.2,
    }
    assert (told["freelance"]["largest_stable"], told["freelance"]["smallest_unstable"]) == (0.8, 1.2)
    assert (told["direct"]["largest_stable"], told["direct"]["smallest_unstable"]) == (0.15, 0.4)
    assert [each["as_predicted"] for each in told.values()] == [True, True]
    for each in told.values():
        assert (each["times"], each["workers"]) == (5, 8)
        assert list(each["loads"]) == ["0.15", "0.4", "0.8", "1.2"]
        assert all(load["unserved"]["n"] == 2 and load["n"] > 100 for load in each["loads"].values())


def test_the_tables_say_the_same(summary):
    limits, shares = tables(summary)["predictions"]
    assert limits.rows == [
        ("freelance", "1 of 8 workers, 5 times", "0.9", "0.8", "1.2", "yes"),
        ("direct", "1 of 8 workers, 5 times", "0.2", "0.15", "0.4", "yes"),
    ]
    assert shares.header == ("load", "freelance", "direct")
    verdicts = [(load, *(cell.partition(":")[0] for cell in cells)) for load, *cells in shares.rows]
    assert verdicts == [
        ("0.15", "stable", "stable"),
        ("0.4", "stable", "unstable"),
        ("0.8", "stable", "unstable"),
        ("1.2", "unstable", "unstable"),
    ]


def test_the_page_shows_them(folder, summary):
    shown = render(page(analyse(folder), summary, {}))
    assert "Predictions beside measurement" in shown
    assert "Up to which load it keeps up while one worker is slow" in shown


def test_a_run_without_such_faults_has_none():
    summary = summary_of(analyse(small_run()))
    assert "predictions" not in {chart for chart, some in tables(summary).items() if some}
    for topology in as_json(summary)["topologies"].values():
        assert topology["predictions"] == {"slow_worker": {}, "absent_worker": {}}


def row(**changes):
    one = Estimate(1, 1, 1, 2)
    found = AbsentSummary(
        endpoints=1, fronts=2, stuck_predicted=2, stuck=Estimate(2, 2, 2, 2),
        stuck_by_front={"front-1": one, "front-2": one}, trials_as_predicted=2, completed=4, executed_there=4, n=2,
    )  # fmt: skip
    level = next(iter(summary_of(analyse(small_run())).topologies.values())).measured
    level = replace(level, predictions=Predictions({}, {"one-absent": replace(found, **changes)}))
    (only,) = absent_table(["direct"], [level]).rows
    return only


def test_who_is_stuck_stands_beside_who_should_be():
    assert row() == ("direct, one-absent", "2 x 1", "2", "2 (2–2)", "1, 1", "2 of 2 trials", "4")


def test_without_a_prediction_only_the_measurement_is_told():
    assert row(stuck_predicted=None, trials_as_predicted=None)[2:] == ("–", "2 (2–2)", "1, 1", "–", "4")
