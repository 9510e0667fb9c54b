"""Recordings made by the very recursion must agree with it, and with no other."""

import numpy as np
import pytest

from bench.analysis.queueing import compare
from bench.analysis.recording import key_of
from bench.theory import replay
from tests.bench.analysis.steps import ns, step, transactions
from tests.bench.facts import Facts

WORKERS = 4
COUNT = 2000


@pytest.fixture(scope="module")
def path():
    generator = np.random.default_rng(7)
    arrivals = np.cumsum(generator.exponential(0.010 / WORKERS / 0.8, COUNT)) - 0.5
    return arrivals, generator.exponential(0.010, COUNT)


def record(path, waits, worker_of, slot_known=True):
    """The step and the tables of a run in which each transaction waited so long, and ran there."""
    arrivals, occupancies = path
    done = arrivals + waits + occupancies
    rows = transactions((arrivals * 1e3).tolist(), (done * 1e3).tolist())
    played = step(rows)
    facts = Facts(key_of(played.episode), played.played.name)
    for index in range(COUNT):
        facts.transaction(
            f"t-{index}",
            scheduled_ns=ns(arrivals[index] * 1e3),
            sent_ns=ns(arrivals[index] * 1e3),
            done_ns=ns(done[index] * 1e3),
            warmup=bool(arrivals[index] < 0),
            waited_us=round(waits[index] * 1e6),
            slot_us=round(occupancies[index] * 1e6) if slot_known else 0,
        )
        facts.execution(
            f"t-{index}", part=f"worker-{worker_of[index]}", begun_ns=ns(done[index] * 1e3) - 1000
        )
    return facts.database(), played


def by_model(database, played, dispatchers=1):
    return {each.model: each for each in compare(database, played, WORKERS, dispatchers)}


def test_a_central_queue_agrees_with_the_central_queue_and_not_with_round_robin(path):
    waits = replay.central_queue(path[0], path[1], WORKERS)
    found = by_model(*record(path, waits, np.arange(COUNT) % WORKERS))
    central, in_turn = found["central-queue"], found["round-robin"]
    assert central.mean_wait.deviation == pytest.approx(0, abs=0.001)
    assert central.p99_response.deviation == pytest.approx(0, abs=0.001)
    assert in_turn.mean_wait.deviation < -0.3


def test_blind_round_robin_agrees_with_round_robin_and_as_assigned(path):
    waits = replay.blind_round_robin(path[0], path[1], WORKERS)
    found = by_model(*record(path, waits, np.arange(COUNT) % WORKERS))
    assert found["round-robin"].mean_wait.deviation == pytest.approx(0, abs=0.001)
    assert found["as-assigned"].mean_wait.deviation == pytest.approx(0, abs=0.001)
    assert found["central-queue"].mean_wait.deviation > 0.3


def test_as_assigned_follows_the_recorded_assignment(path):
    worker_of = np.random.default_rng(3).integers(WORKERS, size=COUNT)
    waits = replay.assigned(path[0], path[1], worker_of)
    found = by_model(*record(path, waits, worker_of))
    assert found["as-assigned"].mean_wait.deviation == pytest.approx(0, abs=0.001)
    assert abs(found["round-robin"].mean_wait.deviation) > 0.1


def test_with_several_dispatchers_nobody_goes_in_turn(path):
    waits = replay.central_queue(path[0], path[1], WORKERS)
    database, played = record(path, waits, np.arange(COUNT) % WORKERS)
    assert set(by_model(database, played, dispatchers=2)) == {"central-queue", "as-assigned"}


def test_warm_up_is_replayed_and_not_counted(path):
    waits = replay.central_queue(path[0], path[1], WORKERS)
    found = by_model(*record(path, waits, np.arange(COUNT) % WORKERS))
    assert found["central-queue"].n == np.count_nonzero(path[0] >= 0)
    assert found["central-queue"].mean_wait.measured_ms == pytest.approx(
        waits[path[0] >= 0].mean() * 1e3, rel=0.001
    )


def test_without_known_occupancies_there_is_no_comparison(path):
    waits = replay.central_queue(path[0], path[1], WORKERS)
    assert by_model(*record(path, waits, np.arange(COUNT) % WORKERS, slot_known=False)) == {}
