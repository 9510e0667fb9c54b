import numpy as np
import pytest

from bench.analysis.latency import NINES, Percentiles, knowable, latencies_ms, percentiles, tail_ms
from tests.bench.analysis.steps import transactions


def test_latency_counts_from_the_scheduled_instant():
    rows = transactions([0, 10], [5, 40])
    late = rows._replace(sent_ns=rows.sent_ns + 3_000_000)
    assert latencies_ms(late).tolist() == [5, 30]


def test_percentiles_are_real_samples():
    found = percentiles(np.arange(1.0, 1001.0))
    assert found == Percentiles(500, 990, 999, 1000)


def test_a_percentile_with_no_sample_beyond_it_is_none():
    assert percentiles(np.arange(1.0, 100.0)) == Percentiles(50, None, None, 99)
    assert percentiles(np.arange(1.0, 101.0)).p99 == 99
    assert percentiles(np.empty(0)) == Percentiles(None, None, None, 0)


def test_what_has_no_answer_is_slower_than_all_that_have():
    rows = transactions(range(200), range(1, 201), ["completed"] * 197 + ["rejected", "unknown", "broken"])
    found = percentiles(latencies_ms(rows))
    assert (found.p50, found.p99, found.n) == (1, None, 200)


def test_the_services_own_no_is_an_answer():
    assert percentiles(latencies_ms(transactions(range(200), range(1, 201), "failed"))).p99 == 1


def test_the_tail_is_drawn_at_nines():
    curve = tail_ms(np.arange(1.0, 1001.0))
    assert curve[NINES == 1.0] == pytest.approx([900])
    assert curve[NINES == 3.0] == pytest.approx([999])
    assert np.isnan(curve[NINES > 3.0]).all()


def test_the_tail_ends_among_the_unanswered():
    curve = tail_ms(np.array([1.0] * 95 + [np.inf] * 5))
    assert curve[NINES == 1.0] == pytest.approx([1])
    assert np.isnan(curve[NINES == 1.5])


def test_a_percentile_is_knowable_from_so_many_on():
    assert [n for n in (0, 99, 100, 999, 1000) if knowable(n, 0.99)] == [100, 999, 1000]
    assert [n for n in (0, 99, 100, 999, 1000) if knowable(n, 0.999)] == [1000]
