"""Recorded service times are drawn by seed and id, each as often as any other."""

from collections import Counter
from statistics import fmean

import pytest

from common.recorded import read_times
from common.services import ServiceSpec, handling, load_service


@pytest.fixture
def times(tmp_path):
    path = tmp_path / "service.csv"
    path.write_text("ms\n4\n1\n1\n2\n")
    return path


def drawn(recorded, mean_s, seed=3):
    return [recorded.service_time(mean_s, seed, b"%d" % number) for number in range(4000)]


def test_each_recorded_time_is_as_likely_as_any_other(times):
    counts = Counter(round(time_s * 1e3, 9) for time_s in drawn(read_times(times), 0.002))
    assert set(counts) == {1, 2, 4}
    assert counts[1] / 4000 == pytest.approx(0.5, abs=0.04)


def test_they_are_scaled_to_another_mean(times):
    assert fmean(drawn(read_times(times), 0.02)) == pytest.approx(0.02, rel=0.05)


def test_a_transaction_takes_as_long_wherever_it_is_done(times):
    assert drawn(read_times(times), 0.002) == drawn(read_times(times), 0.002)
    assert drawn(read_times(times), 0.002, seed=3) != drawn(read_times(times), 0.002, seed=4)


def test_the_service_sleeps_that_long(times, monkeypatch):
    slept: list[float] = []
    monkeypatch.setattr("time.sleep", slept.append)
    handle = load_service(ServiceSpec("sleep", 2, "file", 3, times=str(times)))
    handling(b"0")
    assert handle((b"x",)) == (b"x",)
    assert slept == [read_times(times).service_time(0.002, 3, b"0")]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("12\n13\n", "service.csv, line 1: expected a header with a column ms, got '12'"),
        ("ms\n12\n-1\n", "service.csv, line 3: ms: expected a number of 0 to 3600000 ms, got '-1'"),
        ("ms\n12\ninf\n", "service.csv, line 3: ms: expected a number of 0 to 3600000 ms, got 'inf'"),
        ("ms\n0\n0\n", "service.csv: ms: expected a time above 0, got only zeros"),
        ("ms\n", "service.csv: expected at least one row below the header, got none"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(times, text, told):
    times.write_text(text)
    with pytest.raises(ValueError, match=r"service.csv") as error:
        load_service(ServiceSpec("sleep", 2, "file", times=str(times)))
    assert str(error.value) == told


def test_a_file_must_be_named():
    with pytest.raises(ValueError, match="distribution file needs times"):
        ServiceSpec("sleep", distribution="file")
