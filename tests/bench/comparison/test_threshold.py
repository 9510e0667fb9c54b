"""What a threshold means, and that nothing is failed which the data do not show."""

import pytest

from bench.comparison.figures import NEVER
from bench.comparison.threshold import threshold
from bench.errors import BadInput
from tests.bench.comparison.test_differences import BASE, CAPACITY, HARMED, P99, one, times


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("p99>10%", ("p99", "", "", True, 10, True)),
        ("p99@0.5:freelance > 2.5ms", ("p99", "0.5", "freelance", True, 2.5, False)),
        ("throughput_per_s@64<900/s", ("throughput_per_s", "64", "", False, 900, False)),
        ("harmed@kill-worker>0", ("harmed", "kill-worker", "", True, 0, False)),
        ("p50@320/s>1%", ("p50", "320/s", "", True, 1, True)),
    ],
)
def test_grammar(text, expected):
    assert threshold(text)[1:] == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("p98>10%", "did you mean p99?"),
        ("wrong>1", "expected one of capacity_per_s, "),
        ("p99", "--fail-on must be METRIC"),
        ("p99>ten", "got 'p99>ten'"),
        ("p99>-1%", "--fail-on must be METRIC"),
        ("p99>1/s", "p99 is in ms (or %), got '/s'"),
    ],
)
def test_what_is_not_one_is_told(text, expected):
    with pytest.raises(BadInput) as error:
        threshold(text)
    assert expected in str(error.value)
    assert "\n" not in str(error.value)


def test_it_is_crossed_where_the_whole_interval_is_beyond():
    row = one(P99, BASE, times(1.2))
    assert threshold("p99>10%").crossed(row)
    assert not threshold("p99>20%").crossed(row)
    assert not threshold("p99<10%").crossed(row)


def test_a_loss_of_capacity_is_below():
    row = one(CAPACITY, BASE, times(0.8))
    assert threshold("capacity_per_s<10%").crossed(row)
    assert not threshold("capacity_per_s>10%").crossed(row)


def test_too_few_pairs_cross_nothing_and_say_so():
    row = one(P99, BASE[:5], times(3)[:5])
    assert not threshold("p99>10%").crossed(row)
    assert threshold("p99>10%").why_unjudged(row) == "5 pairs, 6 are needed"


def test_a_number_is_held_against_b_itself():
    assert threshold("harmed>0").crossed(one(HARMED, [0.0, 0.0], [1.0, 2.0]))
    assert not threshold("harmed>0").crossed(one(HARMED, [0.0, 0.0], [0.0, 2.0]))
    assert not threshold("harmed>0").crossed(one(HARMED, [3.0, 3.0], [0.0, 0.0]))


def test_what_never_came_any_more_is_beyond_every_time():
    assert threshold("p99>900%").crossed(one(P99, BASE, [NEVER] * 8))
    assert not threshold("p99<1%").crossed(one(P99, BASE, [NEVER] * 8))


def test_what_is_not_known_crosses_nothing_and_says_so():
    row = one(P99, BASE, [None] * 8)
    assert not threshold("p99>900%").crossed(row)
    assert threshold("p99>900%").why_unjudged(row) == "it is not known in 8 trials"


def test_what_never_came_in_most_trials_of_b_is_above_every_time_whatever_a_has():
    for a in (BASE, [NEVER] * 8, [None] * 8):
        assert threshold("p99>40ms").crossed(one(P99, a, [*[NEVER] * 5, 1.0, 1.0, 1.0]))
    assert not threshold("p99>40ms").crossed(one(P99, BASE, [*[NEVER] * 3, *[1.0] * 5]))


def test_whom_it_concerns():
    row = one(P99, BASE, BASE)
    assert threshold("p99>1%").concerns(row)
    assert threshold("p99@0.5:freelance>1%").concerns(row)
    assert not threshold("p99@0.8>1%").concerns(row)
    assert not threshold("p99:direct>1%").concerns(row)
    assert not threshold("p50>1%").concerns(row)
