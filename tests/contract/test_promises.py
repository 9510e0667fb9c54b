"""What every topology promises: it answers, survives what it claims to survive, gives each transaction one fate,
stops clean. On virtual time, with all the machines of a deployment.
"""

from collections.abc import Callable
from typing import cast

import pytest

from bench.registry import TOPOLOGIES
from bench.simulator import Simulation
from common.machine import ClientMachine, Machine
from common.settings import Settings
from common.topology import ROLES, Topology
from tests.contract.applies import brokered, claims, each, has
from tests.contract.deployment import (
    SERVICE_S,
    TIMEOUT_S,
    TIMER_S,
    Accounts,
    check_laws,
    load,
    simulate,
    transaction,
    works_in_full,
)

UP_S = 0.5
"""By then everything is connected, and has beaten often enough to be held to our cadence (five beats)."""
WORKERS = 4
RATE = 0.5 * WORKERS / SERVICE_S
LOAD_S = 2.0
FAULT_S = UP_S + 0.5037
RESTART_S = 0.3


def is_ready(machine: Machine) -> bool:
    return cast(ClientMachine, machine).ready


def loaded(topology: Topology, **options: object) -> Simulation:
    """Half of the capacity for two seconds, PUT and POST in turn."""
    simulation = simulate(topology, workers=WORKERS, **options)  # type: ignore[arg-type]
    simulation.play(load(simulation, RATE, UP_S, UP_S + LOAD_S))
    return simulation


def run_out(simulation: Simulation) -> None:
    simulation.run(UP_S + LOAD_S + TIMEOUT_S + 1)


# --- it answers


@pytest.mark.parametrize("fronts", [1, 2, 8])
@pytest.mark.parametrize("workers", [1, 4, 64])
def test_every_front_answers_and_every_worker_works(topology: Topology, workers: int, fronts: int):
    simulation = simulate(topology, workers=workers, fronts=fronts)
    simulation.run(UP_S)
    assert all(is_ready(simulation.machine(front)) for front in simulation.names("front"))
    works_in_full(simulation, simulation.now)
    check_laws(simulation)


def test_without_a_fault_everything_is_completed_or_failed_as_the_service_says(topology: Topology):
    simulation = loaded(topology)
    run_out(simulation)
    accounts = check_laws(simulation)
    total = len(accounts.transactions)
    assert accounts.count() == {"completed": total - total // 7, "failed": total // 7}
    assert len(simulation.executions) == total
    assert {note.note.kind for note in simulation.notes} <= {"peer-up", "state"}


def test_not_ready_before_a_worker_is_there(topology: Topology):
    simulation = simulate(topology, workers=1, fronts=1)
    simulation.kill("worker-1", 0.0)
    simulation.run(UP_S)
    assert not is_ready(simulation.machine("front-1"))
    simulation.start("worker-1", UP_S)
    simulation.run(2 * UP_S)
    assert is_ready(simulation.machine("front-1"))


def test_overload_is_bounded_and_every_transaction_has_its_fate(topology: Topology):
    settings = Settings()
    simulation = simulate(topology, workers=2)
    simulation.play(load(simulation, 4 * 2 / SERVICE_S, UP_S, UP_S + 2, timeout_s=0.2))
    simulation.run(UP_S + 2.05)
    depths = [simulation.machine(front).gauges() for front in simulation.names("front")]
    assert max(depth.get("queued", 0) for depth in depths) <= settings.limits.queue
    simulation.run(UP_S + 4)
    accounts = check_laws(simulation, settings)
    assert accounts.count().keys() > {"completed", "failed"}
    works_in_full(simulation, simulation.now)


# --- it survives what it claims to survive


def kill(role: str) -> Callable[[Simulation], None]:
    def fault(simulation: Simulation) -> None:
        simulation.kill(simulation.names(role)[0], FAULT_S, RESTART_S)

    return fault


def freeze(role: str, *, hung: bool = False) -> Callable[[Simulation], None]:
    def fault(simulation: Simulation) -> None:
        simulation.pause(simulation.names(role)[0], FAULT_S, FAULT_S + RESTART_S, hung=hung)

    return fault


FAULTS = {
    "kill-worker": kill("worker"),
    "kill-broker": kill("broker"),
    "kill-front": kill("front"),
    "freeze-worker": freeze("worker"),
    "freeze-broker": freeze("broker"),
}
"""How each fault that a topology may claim is done here: a new word needs a line."""


def test_the_defaults_claim_to_survive_a_killed_worker_and_direct_claims_nothing():
    """Claims decide which of the tests below there are: without this one, a claim less would be a test less."""
    assert "kill-worker" in TOPOLOGIES["paranoid-pirate"].survives
    assert "kill-worker" in TOPOLOGIES["freelance"].survives
    assert TOPOLOGIES["direct"].survives == frozenset()


@each("fault", lambda topology: sorted(topology.survives))
@pytest.mark.parametrize("credit", [1, 4])
def test_it_survives_what_it_claims_to_survive(topology: Topology, fault: str, credit: int):
    settings = Settings(credit=credit)
    simulation = loaded(topology, settings=settings)
    FAULTS[fault](simulation)
    run_out(simulation)
    accounts = check_laws(simulation, settings)
    harmed = accounts.of("unknown")
    dispatchers = simulation.names("broker") or simulation.names("front")
    assert accounts.count().keys() <= {"completed", "failed", "unknown"}
    assert not any(record.transaction.retry for record in harmed), harmed
    assert len(harmed) <= credit * len(dispatchers), harmed
    works_in_full(simulation, simulation.now, credit)


@claims("kill-worker")
@pytest.mark.parametrize("hung", [False, True], ids=["frozen", "hung"])
def test_paused_worker_harms_only_what_it_held(topology: Topology, hung: bool):
    simulation = loaded(topology)
    freeze("worker", hung=hung)(simulation)
    run_out(simulation)
    accounts = check_laws(simulation)
    held = [e for e in simulation.executions if e.worker == "worker-1" and e.begun <= FAULT_S < e.finished]
    harmed = accounts.of("unknown")
    dispatchers = simulation.names("broker") or simulation.names("front")
    assert not any(record.transaction.retry for record in harmed), harmed
    assert len(harmed) <= len(dispatchers), harmed
    late = [r for r in accounts.transactions if r.outcome != "unknown" and r.response_s > 10 * SERVICE_S]
    assert len(held) <= 1
    assert len(late) + len(harmed) <= len(dispatchers), late
    works_in_full(simulation, simulation.now)


NOTICED_S = {
    "kill": (0.0, 0.001),  # the connection breaks
    "freeze": (0.200, 0.201),  # ZMTP heartbeat, 50 and 150 ms
    "hang": (0.200, 0.400),  # three beats of 100 ms, the last up to one before
}
"""When a dispatcher may notice that a worker is lost, after the fault."""


@claims("kill-worker")
@pytest.mark.parametrize("fault", NOTICED_S)
def test_loss_of_a_worker_is_noticed_in_time_by_every_dispatcher_and_only_once(
    topology: Topology, fault: str
):
    simulation = loaded(topology)
    match fault:
        case "kill":
            simulation.kill("worker-1", FAULT_S)
        case "freeze" | "hang":
            simulation.pause("worker-1", FAULT_S, FAULT_S + 1, hung=fault == "hang")
    simulation.run(FAULT_S + 0.9)
    lost = {
        noted.part: noted.at - FAULT_S
        for noted in simulation.notes
        if noted.note.kind == "peer-lost" and noted.note.subject.startswith("worker-1")
    }
    dispatchers = simulation.names("broker") or simulation.names("front")
    assert lost.keys() == set(dispatchers)
    assert sum(noted.note.kind == "peer-lost" for noted in simulation.notes) == len(lost)
    earliest, latest = NOTICED_S[fault]
    assert all(earliest - TIMER_S <= after_s <= latest for after_s in lost.values()), lost


@each("role", lambda topology: [role for role in ROLES if has(topology, role)])
def test_part_that_slept_blames_nobody_for_its_own_silence(topology: Topology, role: str):
    simulation = loaded(topology)
    # a front is watched by nobody; who sleeps longer than three beats is given up by those who watch it
    lasts_s = 0.6 if role == "front" else 0.19
    for name in simulation.names(role):
        simulation.pause(name, FAULT_S, FAULT_S + lasts_s, hung=True)
    run_out(simulation)
    accounts = check_laws(simulation)
    assert accounts.count().keys() == {"completed", "failed"}
    assert not [noted for noted in simulation.notes if noted.note.kind == "peer-lost"]


@claims("kill-worker")
def test_draining_worker_harms_nothing(topology: Topology):
    simulation = loaded(topology, settings=Settings(credit=4))
    for number, worker in enumerate(simulation.names("worker")):
        simulation.stop(worker, FAULT_S + 0.25 * number, 0.1)
    run_out(simulation)
    accounts = check_laws(simulation)
    assert accounts.count().keys() == {"completed", "failed"}
    assert [mark.kind for mark in simulation.marks].count("exit") == WORKERS
    works_in_full(simulation, simulation.now, credit=4)


@pytest.mark.parametrize("fronts", [1, 2])
def test_killed_front_takes_only_its_own_along(topology: Topology, fronts: int):
    simulation = loaded(topology, fronts=fronts)
    FAULTS["kill-front"](simulation)
    run_out(simulation)
    accounts = check_laws(simulation)
    harmed = accounts.of("broken") + accounts.of("refused")
    assert harmed
    assert {record.front for record in harmed} == {"front-1"}
    assert accounts.count().keys() <= {"completed", "failed", "broken", "refused"}
    works_in_full(simulation, simulation.now)


# --- one fate, whatever happens


@each("fault", lambda topology: [fault for fault in FAULTS if has(topology, fault.rpartition("-")[2])])
@pytest.mark.parametrize("latency_s", [0.0, 0.002])
def test_every_transaction_has_one_fate_and_all_work_again(topology: Topology, fault: str, latency_s: float):
    simulation = simulate(topology, workers=WORKERS, latency_s=latency_s)
    simulation.play(load(simulation, RATE, UP_S, UP_S + LOAD_S))
    FAULTS[fault](simulation)
    run_out(simulation)
    check_laws(simulation)
    works_in_full(simulation, simulation.now)


@brokered
@pytest.mark.parametrize("credit", [1, 4])
def test_killed_broker_leaves_nothing_without_a_fate_and_is_found_again(topology: Topology, credit: int):
    settings = Settings(credit=credit)
    simulation = loaded(topology, settings=settings)
    for broker in simulation.names("broker"):
        simulation.kill(broker, FAULT_S, RESTART_S)
    run_out(simulation)
    accounts = check_laws(simulation, settings)
    back = FAULT_S + RESTART_S + 0.1
    for record in accounts.transactions:
        if record.submitted < FAULT_S - 0.1 or record.submitted > back:
            assert record.outcome in ("completed", "failed"), record
        if record.transaction.retry:
            assert record.outcome in ("completed", "failed"), record
        if record.outcome == "unknown":
            assert record.resolved <= FAULT_S + 2 * simulation.latency_s, f"it is known at once: {record}"
    works_in_full(simulation, simulation.now, credit)


@brokered
@pytest.mark.parametrize("fault", ["kill-broker", "freeze-broker"])
def test_one_of_two_brokers_gone_costs_no_put(topology: Topology, fault: str):
    simulation = loaded(topology, brokers=2)
    FAULTS[fault](simulation)
    run_out(simulation)
    accounts = check_laws(simulation)
    unknown = accounts.of("unknown")
    assert accounts.count().keys() <= {"completed", "failed", "unknown"}
    assert not any(record.transaction.retry for record in unknown), unknown
    assert all(record.submitted <= FAULT_S + NOTICED_S["freeze"][1] for record in unknown), unknown
    works_in_full(simulation, simulation.now)


@brokered
def test_worker_forgets_what_only_waited_in_it_for_a_lost_broker(topology: Topology):
    credit = 4
    settings = Settings(credit=credit)
    simulation = simulate(topology, workers=WORKERS, settings=settings)
    for front in simulation.names("front"):
        for i in range(credit * WORKERS):
            id = f"{front}-{i}".encode()
            simulation.submit(UP_S, front, transaction(id, UP_S, retry=True))
    for broker in simulation.names("broker"):
        simulation.kill(broker, UP_S + SERVICE_S / 2, 0.05)
    simulation.run(UP_S + 2)
    accounts = check_laws(simulation, settings)
    assert accounts.count() == {"completed": credit * WORKERS * len(simulation.names("front"))}
    twice = [id for id, executions in accounts.executions.items() if len(executions) > 1]
    assert len(twice) == WORKERS, "only what each worker was at work on is done again"


@brokered
def test_broker_that_stays_away_is_told_to_everyone_by_their_deadline(topology: Topology):
    simulation = loaded(topology)
    for broker in simulation.names("broker"):
        simulation.kill(broker, FAULT_S)
    run_out(simulation)
    accounts = check_laws(simulation)
    after = [record for record in accounts.transactions if record.submitted > FAULT_S + 0.001]
    assert {record.outcome for record in after} == {"rejected"}


@claims("kill-worker")
def test_all_workers_gone_transactions_wait_and_are_done_when_one_is_back(topology: Topology):
    simulation = simulate(topology, workers=2, fronts=1)
    for worker in simulation.names("worker"):
        simulation.kill(worker, UP_S, 0.5)
    for number in range(10):
        at = UP_S + 0.1
        simulation.submit(at, "front-1", transaction(b"wait-%d" % number, at, retry=False))
        simulation.submit(at, "front-1", transaction(b"short-%d" % number, at, retry=False, timeout_s=0.2))
    simulation.run(UP_S + 3)
    accounts = check_laws(simulation)
    assert accounts.count() == {"completed": 10, "rejected": 10}
    assert {record.transaction.id[:4] for record in accounts.of("completed")} == {b"wait"}


def test_repeated_put_gets_its_answer_though_the_first_is_still_at_work_somewhere(topology: Topology):
    simulation = simulate(topology, workers=1, fronts=1)
    for worker in simulation.names("worker"):
        simulation.pause(worker, UP_S, UP_S + 0.2, hung=True)
    for repeat in range(20):
        at = UP_S + 0.1 + 0.05 * repeat
        simulation.submit(at, "front-1", transaction(b"again", at, retry=True, timeout_s=0.02))
    simulation.run(UP_S + 2)
    records = Accounts(simulation).transactions
    assert simulation.open == 0
    assert records[-1].outcome == "completed"
    for record in records:
        assert record.resolved <= record.transaction.deadline + Settings().limits.grace_s + 1e-6
        if record.outcome == "completed":
            assert record.answer is not None
            assert record.answer.body == (b"again", b"body of again")


# --- it stops clean


def test_everything_drains(topology: Topology):
    simulation = loaded(topology)
    for role, at in (("front", FAULT_S), ("broker", FAULT_S + 0.5), ("worker", FAULT_S + 1.5)):
        for name in simulation.names(role):
            simulation.stop(name, at)
    run_out(simulation)
    simulation.run(simulation.now + 6)
    accounts = check_laws(simulation)
    assert not any(simulation.alive(part.name) for part in simulation.plan.parts)
    assert accounts.count().keys() == {"completed", "failed", "rejected", "refused"} or (
        accounts.count().keys() == {"completed", "failed", "refused"}
    )
    assert not any(execution.outcome == "open" for execution in simulation.executions)
    exits = {mark.part: mark.at for mark in simulation.marks if mark.kind == "exit"}
    assert max(exits[front] for front in simulation.names("front")) < FAULT_S + 0.2
