"""What Prometheus reads."""

from prometheus_client.parser import text_string_to_metric_families

from common.front.metrics import BUCKETS_S, Exposition, Tally
from common.transaction import Fate


def samples(tally: Tally, gauges=dict) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    text = Exposition(tally, gauges).text().decode()
    return {
        (sample.name, tuple(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_every_fate_has_a_counter_from_the_start():
    found = samples(Tally())
    assert [found["brokerbench_answers_total", (("fate", fate.value),)] for fate in Fate] == [0, 0, 0, 0]


def test_answers_are_counted_by_fate_and_by_time_taken():
    tally = Tally()
    tally.answered(Fate.COMPLETED, 0.0005)
    tally.answered(Fate.COMPLETED, 0.003)
    tally.answered(Fate.UNKNOWN, 60)
    found = samples(tally)
    assert found["brokerbench_answers_total", (("fate", "completed"),)] == 2
    assert found["brokerbench_answers_total", (("fate", "unknown"),)] == 1
    assert found["brokerbench_answer_seconds_bucket", (("le", "0.0005"),)] == 1
    assert found["brokerbench_answer_seconds_bucket", (("le", "0.005"),)] == 2
    assert found["brokerbench_answer_seconds_bucket", (("le", "10.0"),)] == 2
    assert found["brokerbench_answer_seconds_bucket", (("le", "+Inf"),)] == 3
    assert found["brokerbench_answer_seconds_count", ()] == 3
    assert found["brokerbench_answer_seconds_sum", ()] == 60.0035


def test_gauges_are_asked_for_at_every_scrape():
    depths = {"queued": 1}
    exposition = Exposition(Tally(), lambda: depths)
    assert b'brokerbench_depth{place="queued"} 1.0' in exposition.text()
    depths["queued"] = 2
    assert b'brokerbench_depth{place="queued"} 2.0' in exposition.text()


def test_buckets_ascend_to_infinity():
    assert list(BUCKETS_S) == sorted(BUCKETS_S)
    assert BUCKETS_S[-1] == float("inf")
