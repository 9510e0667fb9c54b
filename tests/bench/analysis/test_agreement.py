"""The verdict on a topology beside its own model: where it lies, and what it says of what can't be judged."""

import pytest

from bench.analysis.agreement import Agreement, Figure, agreement, judge, sentence
from bench.analysis.queueing import Beside, Comparison

SAME = Beside(50.0, 50.0)


def compared(*trials, model="own", p99=SAME):
    """Mean wait in each trial, measured and replayed."""
    return [Comparison(model, Beside(*trial), p99, 1000) for trial in trials]


@pytest.mark.parametrize(
    ("measured_ms", "verdict"),
    [(10.99, "agrees"), (9.01, "agrees"), (11.01, "disagrees"), (8.99, "disagrees")],
)
def test_ten_per_cent_either_way_agree(measured_ms, verdict):
    assert judge([Beside(measured_ms, 10.0)]).verdict == verdict


def test_of_several_trials_the_median_of_the_deviations_counts():
    found = agreement(compared((10.0, 10.0), (10.5, 10.0), (30.0, 10.0)))
    assert found.mean_wait == Figure("agrees", pytest.approx(0.05))
    found = agreement(compared((10.0, 10.0), (11.5, 10.0), (30.0, 10.0)))
    assert found.mean_wait == Figure("disagrees", pytest.approx(0.15))


def test_waits_that_are_both_a_hop_are_reported_and_not_judged():
    found = agreement(compared((0.09, 0.03)))
    assert found.mean_wait == Figure("not judged", pytest.approx(2.0))
    assert (found.p99_response.verdict, found.verdict) == ("agrees", "agrees")


def test_a_wait_that_only_the_model_has_not_is_judged():
    assert agreement(compared((1.7, 0.03))).mean_wait.verdict == "disagrees"
    assert agreement(compared((0.03, 1.7))).mean_wait.verdict == "disagrees"


def test_what_the_model_never_waits_has_no_deviation_and_no_verdict():
    assert agreement(compared((1.7, 0.0))).mean_wait == Figure("not judged", None)


def test_one_figure_that_disagrees_is_enough():
    found = agreement(compared((10.0, 10.0), p99=Beside(60.0, 50.0)))
    assert (found.mean_wait.verdict, found.p99_response.verdict) == ("agrees", "disagrees")
    assert found.verdict == "disagrees"
    assert found.off == [("p99", pytest.approx(0.2))]


def test_other_models_than_the_topologys_own_are_not_judged():
    assert agreement(compared((1.0, 9.0), model="round-robin")) is None
    assert agreement([*compared((1.0, 9.0), model="round-robin"), *compared((9.0, 9.0))]).verdict == "agrees"


def point(wait, p99="agrees", deviation=-0.214):
    return Agreement("own", Figure(wait, deviation), Figure(p99, 0.01))


def test_the_sentence_counts_points_and_names_those_that_disagree():
    points = {"freelance 0.3": point("disagrees"), "freelance 0.5": point("agrees", deviation=0.02)}
    assert sentence(points) == (
        "Measured mean wait and p99 agree within 10 % with each topology's own model at 1 of 2 points;"
        " not at: freelance 0.3 (mean wait -21 %)."
    )


def test_the_sentence_says_where_all_agree_and_what_was_not_judged():
    points = {"direct 0.3": point("agrees"), "paranoid-pirate 0.3": point("not judged")}
    assert sentence(points) == (
        "Measured mean wait and p99 agree within 10 % with each topology's own model at all 2 points."
        " Of 1 of them the wait is not judged: it is under 0.1 ms."
    )


def test_without_anything_judged_there_is_no_sentence():
    assert sentence({}) == ""
    assert sentence({"direct 0.3": point("not judged", "not judged", None)}) == ""


def test_many_that_disagree_are_not_all_named():
    points = {f"direct {load}": point("disagrees") for load in range(9)}
    assert "at 0 of 9 points" in sentence(points)
    assert sentence(points).endswith("direct 5 (mean wait -21 %) and 3 more.")
