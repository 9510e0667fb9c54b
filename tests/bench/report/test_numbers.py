import pytest

from bench.report.numbers import NONE, estimate, milliseconds, number, percent
from bench.statistics import Estimate


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"), (0.01234, "0.0123"), (0.5, "0.5"), (1, "1"), (3.14159, "3.14"), (57.62, "57.6"), (737.4, "737"),
        (1234.5, "1,234"), (83588, "83,588"), (100, "100"), (20.0, "20"), (-2.5, "-2.5"), (float("nan"), NONE),
    ],
)  # fmt: skip
def test_three_digits_say_enough(value, text):
    assert number(value) == text


def test_an_estimate_has_its_interval_with_it():
    assert estimate(Estimate(737, 729, 745, 2), "/s") == "737/s (729–745)"


def test_one_trial_has_none_and_says_so():
    assert estimate(Estimate(737, 737, 737, 1), "/s") == "737/s (n = 1)"


def test_nothing_is_a_dash():
    assert estimate(None) == milliseconds(None) == percent(None) == NONE


def test_long_times_are_in_seconds():
    assert milliseconds(Estimate(2600, 2560, 2630, 2)) == "2.6 s (2.56–2.63)"
    assert milliseconds(Estimate(57.6, 54.3, 60.9, 2)) == "57.6 ms (54.3–60.9)"


def test_a_deviation_has_its_sign():
    assert percent(Estimate(0.012, -0.003, 0.02, 3)) == "+1.2 % (-0.3 % to +2.0 %)"
