"""Recordings made by the very recursion must agree with it, and with no other."""

import numpy as np
import pytest

from bench.analysis.queueing import Shares, compare, recorded, shares
from bench.analysis.recording import key_of
from bench.registry import TOPOLOGIES
from bench.theory import dispatch, replay
from common.settings import Settings
from common.topology import Deployment
from tests.bench.analysis.steps import ns, step, transactions
from tests.bench.facts import Facts

WORKERS = 4
COUNT = 2000


@pytest.fixture(scope="module")
def path():
    generator = np.random.default_rng(7)
    arrivals = np.cumsum(generator.exponential(0.010 / WORKERS / 0.8, COUNT)) - 0.5
    return arrivals, generator.exponential(0.010, COUNT)


def record(path, waits, worker_of, slot_known=True, front_of=None):
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
            front=f"front-{1 if front_of is None else front_of[index] + 1}",
            slot_us=round(occupancies[index] * 1e6) if slot_known else 0,
        )
        facts.execution(
            f"t-{index}",
            part=f"worker-{worker_of[index] + 1}",
            begun_ns=ns((arrivals[index] + waits[index]) * 1e3),
            finished_ns=ns(done[index] * 1e3),
        )
    return facts.database(), played


def by_model(database, played, dispatchers=1, own=None):
    path = recorded(database, played)
    return {each.model: each for each in compare(path, WORKERS, dispatchers, own)}


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
    assert recorded(*record(path, waits, np.arange(COUNT) % WORKERS, slot_known=False)) is None


# --- a topology's own model


def own_of(name, *, fronts=3, brokers=1, credit=2):
    plan = TOPOLOGIES[name].plan(
        Deployment(workers=WORKERS, fronts=fronts, brokers=brokers), Settings(), lambda it: f"tcp://{it}"
    )
    return shares(plan, credit)


def test_what_a_topology_is_meant_to_be_follows_from_its_plan():
    assert own_of("paranoid-pirate") == Shares("when-free", central=True, credit=2)
    assert own_of("freelance") == Shares("when-free", central=False, credit=2)
    assert own_of("direct") == Shares("in-turn", central=False, credit=2)
    assert own_of("paranoid-pirate", brokers=2) is None


@pytest.mark.parametrize(("central", "credit"), [(True, 1), (True, 3), (False, 1), (False, 3)])
def test_queues_in_fronts_agree_with_their_own_model(path, central, credit):
    front_of = np.random.default_rng(3).integers(3, size=COUNT)
    at = np.zeros_like(front_of) if central else front_of
    waits, worker_of = dispatch.shared_out(path[0], at, path[1], WORKERS, credit)
    recorded = record(path, waits, worker_of, front_of=front_of)
    found = by_model(*recorded, dispatchers=3, own=Shares("when-free", central, credit))["own"]
    assert found.mean_wait.deviation == pytest.approx(0, abs=0.01)
    assert found.p99_response.deviation == pytest.approx(0, abs=0.01)
    other = by_model(*recorded, dispatchers=3, own=Shares("in-turn", False, credit))["own"]
    assert other.mean_wait.deviation < -0.2


def test_blind_fronts_agree_with_their_own_model_from_wherever_each_starts(path):
    front_of = np.random.default_rng(3).integers(2, size=COUNT)
    worker_of = np.zeros(COUNT, dtype=int)
    for front, start in ((0, 1), (1, 3)):
        mine = np.flatnonzero(front_of == front)
        worker_of[mine] = (np.arange(mine.size) + start) % WORKERS
    waits = replay.assigned(path[0], path[1], worker_of)
    recorded = record(path, waits, worker_of, front_of=front_of)
    found = by_model(*recorded, dispatchers=2, own=Shares("in-turn", False, 1))["own"]
    assert found.mean_wait.deviation == pytest.approx(0, abs=0.001)
    other = by_model(*recorded, dispatchers=2, own=Shares("when-free", False, 1))["own"]
    assert other.mean_wait.deviation > 0.2


def test_what_is_sent_together_may_be_dealt_in_any_order_and_what_is_not_may_not(path):
    """Each second pair is dealt the other way round than it was sent: within the time that this may take, or not."""
    swapped = np.arange(COUNT) ^ (np.arange(COUNT) // 4 % 2)
    for closer, agrees in ((1.0, True), (40.0, False)):
        arrivals = path[0] * closer
        waits = replay.assigned(arrivals, path[1] * closer, swapped % WORKERS)
        recorded = record((arrivals, path[1] * closer), waits, swapped % WORKERS)
        found = by_model(*recorded, own=Shares("in-turn", False, 1))["own"]
        assert (abs(found.mean_wait.deviation) < 0.02) == agrees


def test_a_front_that_hands_out_at_random_disagrees_with_the_model_of_one_that_looks_who_is_free(path):
    front_of = np.random.default_rng(3).integers(3, size=COUNT)
    worker_of = np.random.default_rng(4).integers(WORKERS, size=COUNT)
    recorded = record(path, replay.assigned(path[0], path[1], worker_of), worker_of, front_of=front_of)
    found = by_model(*recorded, dispatchers=3, own=Shares("when-free", False, 1))["own"]
    assert found.mean_wait.deviation > 0.2
