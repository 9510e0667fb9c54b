import numpy as np
import pytest

from bench.analysis.goodput import goodput
from tests.bench.analysis.steps import ns, steady, transactions


def at(*ms):
    return np.array([ns(each) for each in ms], dtype=np.int64)


def test_a_system_that_keeps_up_has_goodput_1():
    rows = transactions(*steady())
    assert goodput(rows, at(500, 1000, 2000)) == pytest.approx([1, 1, 1])


def test_the_window_reaches_back_100_ms_and_no_further():
    due = list(np.arange(0, 400, 1.0))
    rows = transactions(due, [t if t < 200 else 10_000 for t in due])
    assert goodput(rows, at(199, 249, 299, 350)) == pytest.approx([1, 0.5, 0, 0])


def test_above_1_a_backlog_is_worked_off():
    due = list(np.arange(0, 400, 1.0))
    rows = transactions(due, [t if t < 100 or t >= 200 else 250 for t in due])
    assert goodput(rows, at(199.5, 299.5)) == pytest.approx([0, 2])


def test_what_was_not_completed_was_due_all_the_same():
    rows = transactions([1, 2, 3, 4], [5, 5, 5, 5], ["completed", "rejected", "failed", "unknown"])
    assert goodput(rows, at(50)) == pytest.approx([0.25])


def test_where_nothing_was_due_there_is_no_goodput():
    assert np.isnan(goodput(transactions([1], [2]), at(500))).all()
