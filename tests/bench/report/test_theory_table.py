"""The tables of queueing theory: the verdict is a word and a sign, and stands with the topology's own model alone."""

import pytest
from msgspec.structs import replace

from bench.analysis.agreement import Agreement, Figure
from bench.analysis.findings import analyse
from bench.analysis.summary import ClosedForm, Interval, PredictedFigure
from bench.analysis.summing import summary_of
from bench.report.answer import agreed
from bench.report.theory_table import off_by, theory_tables, verdict_of
from bench.statistics import Estimate
from tests.bench.recording import small_run


@pytest.fixture(scope="module")
def summary():
    return summary_of(analyse(small_run()))


def one(value):
    return Estimate(value, value, value, 1)


def with_direct(summary, **changes):
    """The summary with other figures of direct."""
    direct = summary.topologies["direct"]
    changed = replace(direct, measured=replace(direct.measured, **changes))
    return replace(summary, topologies=summary.topologies | {"direct": changed})


def test_only_the_topologys_own_model_has_a_verdict(summary):
    table = theory_tables(summary)[0]
    at = table.header.index("verdict")
    judged = {row[1] for row in table.rows if row[at]}
    assert judged == {"own"}
    assert {row[1] for row in table.rows} > judged


def test_a_verdict_has_a_sign_and_says_of_what():
    off = Figure("disagrees", -0.21)
    assert verdict_of(Agreement("own", off, Figure("agrees", 0.0))).split() == [
        "✗",
        "disagrees:",
        "mean",
        "wait",
    ]
    assert verdict_of(Agreement("own", Figure("agrees", 0.0), Figure("agrees", 0.0))).split() == [
        "✓",
        "agrees",
    ]


def test_many_times_as_much_is_told_as_a_factor():
    assert [off_by(each) for each in (None, -0.214, 4.6, 551.0)] == ["–", "-21.4%", "+460.0%", "× 552"]


def test_the_answer_counts_the_points_of_all_topologies(summary):
    off = Agreement("own", Figure("disagrees", 0.3), Figure("agrees", 0.0))
    said = agreed(with_direct(summary, agreement={"0.8": off}))
    assert "not at: " in said
    assert "direct 0.8 (mean wait +30 %)" in said
    assert "with each topology's own model at" in said


@pytest.mark.parametrize(
    ("inside", "said"), [(True, "✓ predicted is inside"), (False, "✗ predicted is outside")]
)
def test_a_closed_form_stands_beside_the_interval_of_the_measured(summary, inside, said):
    figure = PredictedFigure(one(9.0), one(8.0), one(0.125))
    found = ClosedForm(
        "E8/M/1", one(0.8), one(20.0), one(1.0), figure, None, Interval(8.1, 9.9, 20), inside, 100
    )
    table = theory_tables(with_direct(summary, closed_form={"320/s": found}))[1]
    [row] = [row for row in table.rows if row[0] == "direct, 320/s"]
    assert row[1:] == ("E8/M/1", "0.8, 20 ms", "9 ms", "8 ms", "+12.5%", f"8.1–9.9 ms, {said}", "–", "–", "–")
