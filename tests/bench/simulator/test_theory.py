"""The machines on virtual time against queueing theory: exactly, on the same path, where a recursion says what each
transaction waits; and by that recursion, over paths too long to simulate, within 5 % of the closed forms.
"""

import heapq
from collections import deque
from functools import cache, partial
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pytest

from bench.load import schedule
from bench.registry import TOPOLOGIES
from bench.simulator import Arrival, Simulation
from bench.theory import closed_forms, replay
from common import distributions
from common.settings import Settings
from common.topology import Deployment
from common.transaction import Transaction

Floats = npt.NDArray[np.float64]

WORKERS = 8
SERVICE_S = 0.020
LOAD = 0.8
RATE = LOAD * WORKERS / SERVICE_S
SEED = 11
CONNECTED_S = 1.0
"""When the first transaction may come: all handshakes and first beats are over."""

SHORT = 12_000
"""Transactions of a path that is simulated: agreement is exact, so it need not be long."""
LONG = 1_500_000
"""Of a path whose mean and p99 are close enough to the limit: the standard error of the mean wait is 1.5 %."""
LONG_FAN_OUT = 150_000
"""Of a path that only a slower recursion follows: the standard error of its p99 is 1 to 2 %."""


class Path(NamedTuple):
    """What a deployment is given: shape (n,) each."""

    arrivals: Floats
    services: Floats
    fronts: npt.NDArray[np.int64]
    """Which front each arrives at, from 0."""


@cache
def path(transactions: int, fronts: int = 1) -> Path:
    arrivals = schedule.arrivals("poisson", RATE, transactions / RATE, SEED) + CONNECTED_S
    services = np.array([service_s(transaction_id(i)) for i in range(len(arrivals))])
    return Path(arrivals, services, np.random.default_rng(SEED).integers(fronts, size=len(arrivals)))


def transaction_id(index: int) -> bytes:
    return b"t-%d" % index


service_s = partial(distributions.service_time, "exponential", SERVICE_S, SEED)


@cache
def long_path(transactions: int, fronts: int = 1) -> Path:
    """The same, from a generator: as long as the closed forms need."""
    generator = np.random.default_rng(SEED)
    arrivals = np.cumsum(generator.exponential(1 / RATE, transactions))
    services = generator.exponential(SERVICE_S, transactions)
    return Path(arrivals, services, generator.integers(fronts, size=transactions))


class Played(NamedTuple):
    """What became of a path, per transaction, s."""

    waits: Floats
    """From submission to the beginning of its service."""
    responses: Floats
    told_waits: Floats
    """As the answer says."""
    told_slots: Floats


def play(topology: str, path: Path, *, fronts: int = 1, credit: int = 1, latency_s: float = 0.0) -> Played:
    simulation = Simulation(
        TOPOLOGIES[topology], Deployment(workers=WORKERS, fronts=fronts), Settings(credit=credit), service_s,
        latency_s=latency_s,
    )  # fmt: skip
    arrivals = path.arrivals.tolist()
    simulation.play(
        Arrival(at, f"front-{front + 1}", Transaction(transaction_id(i), (b"body",), at + 1000, True))
        for i, (at, front) in enumerate(zip(arrivals, path.fronts.tolist(), strict=True))
    )
    simulation.run(arrivals[-1] + 100)
    begun = {execution.transaction.id: execution.begun for execution in simulation.executions}
    records = simulation.transactions
    answers = [record.answer for record in records if record.answer is not None]
    assert len(answers) == len(records) == len(begun) == len(simulation.executions)
    return Played(
        np.array([begun[record.transaction.id] - record.submitted for record in records]),
        np.array([record.response_s for record in records]),
        np.array([answer.waited_us for answer in answers]) / 1e6,
        np.array([answer.slot_us for answer in answers]) / 1e6,
    )


def p99(responses: Floats) -> float:
    return float(np.quantile(responses, 0.99, method="inverted_cdf"))


EXACT_S = 2e-6
"""Deadlines and times are doubles of some 100 s; answers count in whole microseconds."""

exactly = partial(np.testing.assert_allclose, rtol=0, atol=EXACT_S)


def fan_out(path: Path, fronts: int, credit: int) -> Floats:
    """Waits when each front has a queue of its own, hands to the worker that has fewest of it (then to the one it
    used longest ago), at most ``credit`` at once, and workers serve in order of arrival.
    """
    arrivals, services = path.arrivals.tolist(), path.services.tolist()
    held = [[0] * WORKERS for _ in range(fronts)]
    used = [list(range(WORKERS)) for _ in range(fronts)]  # when last given or freed: least goes first
    queues: list[deque[int]] = [deque() for _ in range(fronts)]
    at_worker: list[deque[int]] = [deque() for _ in range(WORKERS)]  # the first one is in service
    ends: list[tuple[float, int]] = []  # a heap: when each busy worker is done
    waits = [0.0] * len(arrivals)
    uses = WORKERS

    def hand_on(front: int, now: float) -> None:
        nonlocal uses
        while queues[front]:
            free = [w for w in range(WORKERS) if held[front][w] < credit]
            if not free:
                return
            worker = min(free, key=lambda w: (held[front][w], used[front][w]))
            uses += 1
            held[front][worker] += 1
            used[front][worker] = uses
            at_worker[worker].append(queues[front].popleft())
            if len(at_worker[worker]) == 1:
                serve(worker, now)

    def serve(worker: int, now: float) -> None:
        i = at_worker[worker][0]
        waits[i] = now - arrivals[i]
        heapq.heappush(ends, (now + services[i], worker))

    def finish() -> None:
        nonlocal uses
        now, worker = heapq.heappop(ends)
        front = int(path.fronts[at_worker[worker].popleft()])
        if at_worker[worker]:
            serve(worker, now)
        uses += 1
        held[front][worker] -= 1
        used[front][worker] = uses
        hand_on(front, now)

    for i, (arrival, front) in enumerate(zip(arrivals, path.fronts.tolist(), strict=True)):
        while ends and ends[0][0] <= arrival:
            finish()
        queues[front].append(i)
        hand_on(front, arrival)
    while ends:
        finish()
    return np.array(waits)


# --- on the same path, exactly


@pytest.mark.parametrize("topology", ["paranoid-pirate", "freelance"])
def test_one_dispatcher_with_a_ready_list_is_a_central_queue(topology):
    given = path(SHORT)
    played = play(topology, given)
    exactly(played.waits, replay.central_queue(given.arrivals, given.services, WORKERS))
    exactly(played.responses, played.waits + given.services)


def test_direct_is_blind_round_robin():
    given = path(SHORT)
    played = play("direct", given)
    exactly(played.waits, replay.blind_round_robin(given.arrivals, given.services, WORKERS))
    exactly(played.responses, played.waits + given.services)


@pytest.mark.parametrize(("fronts", "credit"), [(2, 1), (4, 1), (8, 1), (1, 4), (2, 2)])
def test_freelance_is_a_queue_in_each_front_and_in_each_worker(fronts, credit):
    given = path(SHORT // 2, fronts)
    played = play("freelance", given, fronts=fronts, credit=credit)
    exactly(played.waits, fan_out(given, fronts, credit))


def test_paranoid_pirate_at_credit_above_one_is_fewest_outstanding_first():
    given = path(SHORT // 2)
    exactly(play("paranoid-pirate", given, credit=4).waits, fan_out(given, 1, 4))


def test_two_fronts_behind_one_broker_share_the_central_queue():
    given = path(SHORT // 2, 2)
    played = play("paranoid-pirate", given, fronts=2)
    exactly(played.waits, replay.central_queue(given.arrivals, given.services, WORKERS))


@pytest.mark.parametrize(("topology", "hops"), [("paranoid-pirate", 2), ("freelance", 1)])
def test_way_to_the_worker_and_back_occupies_its_slot(topology, hops):
    latency_s = 0.001
    given = path(SHORT // 2)
    played = play(topology, given, latency_s=latency_s)
    at_dispatcher = given.arrivals + (hops - 1) * latency_s
    waits = replay.central_queue(at_dispatcher, given.services + 2 * latency_s, WORKERS)
    exactly(played.waits, waits + hops * latency_s)
    exactly(played.responses, waits + given.services + 2 * hops * latency_s)


@pytest.mark.parametrize(
    ("topology", "there_and_back"), [("paranoid-pirate", 2), ("freelance", 2), ("direct", 0)]
)
def test_answers_tell_the_wait_and_the_occupancy_that_a_replay_needs(topology, there_and_back):
    latency_s = 0.001
    given = path(SHORT // 2)
    told = play(topology, given, latency_s=latency_s)
    model = replay.blind_round_robin if topology == "direct" else replay.central_queue
    exactly(told.told_slots, given.services + there_and_back * latency_s)
    exactly(told.told_waits, model(given.arrivals, given.services + there_and_back * latency_s, WORKERS))


# --- over long paths, against the closed forms and the table of facts-theory.md


def test_central_queue_agrees_with_the_closed_form():
    given = long_path(LONG)
    waits = replay.central_queue(given.arrivals, given.services, WORKERS)
    assert waits.mean() == pytest.approx(closed_forms.mmc_mean_wait(WORKERS, LOAD, SERVICE_S), rel=0.05)
    assert p99(waits + given.services) == pytest.approx(
        closed_forms.mmc_response_quantile(0.99, WORKERS, LOAD, SERVICE_S), rel=0.05
    )


def test_blind_round_robin_agrees_with_the_closed_form():
    given = long_path(LONG)
    waits = replay.blind_round_robin(given.arrivals, given.services, WORKERS)
    assert waits.mean() == pytest.approx(
        closed_forms.round_robin_mean_wait(WORKERS, LOAD, SERVICE_S), rel=0.05
    )
    assert p99(waits + given.services) == pytest.approx(
        closed_forms.round_robin_response_quantile(0.99, WORKERS, LOAD, SERVICE_S), rel=0.05
    )


@pytest.mark.parametrize(
    ("fronts", "credit", "printed"), [(1, 1, 5.2), (2, 1, 6.4), (4, 1, 8.0), (8, 1, 10.2), (1, 4, 6.2)]
)
def test_fan_out_agrees_with_the_table(fronts, credit, printed):
    given = long_path(LONG_FAN_OUT, fronts)
    waits = fan_out(given, fronts, credit)
    assert p99(waits + given.services) / SERVICE_S == pytest.approx(printed, rel=0.10)
