import pytest

from bench.analysis.trials import keys, over_trials, over_trials_or_never, within_trial


def test_a_trial_without_a_value_is_left_out_and_n_tells():
    found = over_trials([1.0, None, 3.0])
    assert found is not None
    assert (found.median, found.n) == (2, 2)


def test_never_in_half_of_the_trials_is_no_median():
    assert over_trials_or_never([1.0, None]) is None
    assert over_trials_or_never([None, None]) is None
    found = over_trials_or_never([1.0, 2.0, None])
    assert found is not None
    assert found.n == 2


def test_several_values_of_a_trial_become_one():
    assert within_trial([1.0, None, 5.0, 3.0]) == 3
    assert within_trial([None]) is None


@pytest.mark.parametrize("values", [[], [None]])
def test_no_values_no_estimate(values):
    assert over_trials(values) is None
    assert over_trials_or_never(values) is None


def test_the_first_that_wants_a_short_key_has_it():
    found = keys([("latency", "0.5"), ("spike", "0.5"), ("spike", "0.8")], lambda kind: kind[1], "/".join)
    assert list(found.values()) == ["0.5", "spike/0.5", "0.8"]
