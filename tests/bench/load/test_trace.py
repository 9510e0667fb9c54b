"""A trace is read as it was recorded, or refused in a line that says where."""

from array import array

import numpy as np
import pytest

from bench.load import open_loop
from bench.load.schedule import replayed
from bench.load.spec import OpenStep
from bench.load.trace import Trace, read_trace
from tests.bench.load.scripted import spec

RECORDED = "time_s,bytes\n1700000000.5,10\n1700000000.7,0\n1700000000.7,300\n1700000001.1,20\n"


def trace(tmp_path, text) -> Trace:
    path = tmp_path / "arrivals.csv"
    path.write_text(text)
    return read_trace(path)


def lasts_s(found) -> float:
    """To where the next arrival would be at the mean rate."""
    return len(found.offsets_s) / found.rate_per_s


def test_times_count_from_the_first_row(tmp_path):
    found = trace(tmp_path, RECORDED)
    assert found.offsets_s.tolist() == pytest.approx([0, 0.2, 0.2, 0.6], abs=1e-6)
    assert found.sizes.tolist() == [10, 0, 300, 20]
    assert found.rate_per_s == pytest.approx(5)


def test_other_columns_blank_lines_and_a_byte_order_mark_do_no_harm(tmp_path):
    found = trace(tmp_path, "\ufeffwho, time_s\na,1\n\nb, 3\n")
    assert found.offsets_s.tolist() == [0, 2]
    assert not found.sizes


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "arrivals.csv, line 1: expected a header with a column time_s, got ''"),
        ("0.1\n0.2\n", "arrivals.csv, line 1: expected a header with a column time_s, got '0.1'"),
        ("time_s\n", "arrivals.csv: expected at least one row below the header, got none"),
        ("time_s\n3\n", "arrivals.csv: time_s: expected at least two different times, got only 3"),
        ("time_s\n0\nsoon\n", "line 3: time_s: expected a number of 0 to 100000000000 s, got 'soon'"),
        ("time_s\n-1\n2\n", "line 2: time_s: expected a number of 0 to 100000000000 s, got '-1'"),
        ("time_s\nnan\n2\n", "line 2: time_s: expected a number of 0 to 100000000000 s, got 'nan'"),
        ("time_s\n1700000000000\n", "line 2: time_s: expected a number of 0 to 100000000000 s"),
        ("time_s\n1\n\n0.5\n", "line 4: time_s: expected a time not before the row above's, 1, got '0.5'"),
        ("time_s,bytes\n0,1\n1\n", "line 3: expected 2 columns, got 1 in '1'"),
        (
            "time_s,bytes\n0,1\n1,2.5\n",
            "line 3: bytes: expected a whole number of 0 to 67108864 bytes, got '2.5'",
        ),
        (
            "time_s,bytes\n0,-1\n1,2\n",
            "line 2: bytes: expected a whole number of 0 to 67108864 bytes, got '-1'",
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_line(tmp_path, text, told):
    with pytest.raises(ValueError, match=r"arrivals.csv") as error:
        trace(tmp_path, text)
    assert told in str(error.value)
    assert "\n" not in str(error.value)


def test_there_is_a_limit_to_its_length(tmp_path, monkeypatch):
    monkeypatch.setattr("common.columns.ROWS_MAX", 2)
    with pytest.raises(ValueError, match="line 4: expected at most 2 rows, got more"):
        trace(tmp_path, "time_s\n1\n2\n3\n")


def test_no_such_file_and_no_text(tmp_path):
    with pytest.raises(ValueError, match=r"none.csv: expected a readable CSV file: No such file"):
        read_trace(tmp_path / "none.csv")
    (tmp_path / "image.csv").write_bytes(b"\xff\xd8\xff")
    with pytest.raises(ValueError, match=r"image.csv: expected CSV in UTF-8: "):
        read_trace(tmp_path / "image.csv")


def test_as_recorded_each_arrival_is_due_once_at_its_own_time(tmp_path):
    found = trace(tmp_path, RECORDED)
    assert replayed(found, found.rate_per_s, lasts_s(found)).tolist() == found.offsets_s.tolist()


@pytest.mark.parametrize("count", [2, 3, 7, 101])
@pytest.mark.parametrize("last_s", [0.1, 1 / 3, 86399.7])
def test_no_rounding_adds_or_takes_an_arrival(count, last_s):
    found = Trace(array("d", np.linspace(0, last_s, count)), array("q"))
    assert len(replayed(found, found.rate_per_s, lasts_s(found))) == count


def test_at_twice_the_rate_it_takes_half_the_time_and_begins_again(tmp_path):
    found = trace(tmp_path, RECORDED)
    offsets = replayed(found, 10, 0.5)
    assert offsets == pytest.approx([0, 0.1, 0.1, 0.3, 0.4], abs=1e-6)


def test_a_shorter_step_cuts_it(tmp_path):
    assert replayed(trace(tmp_path, RECORDED), 5, 0.3) == pytest.approx([0, 0.2, 0.2], abs=1e-6)


def test_more_than_a_schedule_can_hold_is_refused(tmp_path):
    with pytest.raises(ValueError, match="must be at most 9999996 transactions with this trace, got 1000000"):
        replayed(trace(tmp_path, RECORDED), 1e6, 11)


def test_bodies_have_the_recorded_sizes_round_after_round(tmp_path):
    trace(tmp_path, RECORDED)
    step = OpenStep(
        name="x", arrivals="trace", trace=str(tmp_path / "arrivals.csv"), rate_per_s=5, duration_s=1.7
    )
    told = spec(tmp_path, (step,), targets=("127.0.0.1:1",))
    assert len(open_loop.schedule(told, 0)) == 9
    assert list(open_loop.sizes(told, step)) == [10, 0, 300, 20]


def test_without_recorded_sizes_the_scenario_says_how_large(tmp_path):
    trace(tmp_path, "time_s\n0\n1\n")
    step = OpenStep(
        name="x", arrivals="trace", trace=str(tmp_path / "arrivals.csv"), rate_per_s=5, duration_s=1
    )
    assert list(open_loop.sizes(spec(tmp_path, (step,), targets=("127.0.0.1:1",), body_bytes=7), step)) == [7]
