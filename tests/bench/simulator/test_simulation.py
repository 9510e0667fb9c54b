"""What a script may do to a simulated deployment, and what is written down of it."""

import math
from collections.abc import Mapping, Sequence

import pytest

from bench.registry import TOPOLOGIES
from bench.simulator import Arrival, Simulation
from bench.simulator.agenda import Agenda
from bench.simulator.records import Journal
from common.machine import Effect, Event, Resolve
from common.settings import Settings
from common.topology import Deployment
from common.transaction import Answer, Fate, Transaction

SERVICE_S = 0.1
LATENCY_S = 0.001
UP_S = 0.5


def deployment(topology: str = "freelance", *, workers: int = 1, fronts: int = 1) -> Simulation:
    simulation = Simulation(
        TOPOLOGIES[topology], Deployment(workers=workers, fronts=fronts), Settings(), lambda id: SERVICE_S,
        latency_s=LATENCY_S,
    )  # fmt: skip
    simulation.run(UP_S)
    return simulation


def put(id: bytes, deadline: float = 10.0) -> Transaction:
    return Transaction(id, (b"body",), deadline, True)


def marks(simulation: Simulation, part: str) -> list[tuple[float, str]]:
    return [(mark.at, mark.kind) for mark in simulation.marks if mark.part == part]


# --- time


def test_entries_of_one_instant_come_in_the_order_in_which_they_were_asked_for():
    agenda = Agenda()
    seen: list[int] = []
    for number in (1, 2, 3):
        agenda.at(1.0, seen.append, number)
    agenda.at(0.5, seen.append, 0)
    agenda.run(0.7)
    assert (agenda.now, seen) == (0.7, [0])
    agenda.run(1.0)
    assert seen == [0, 1, 2, 3]


def test_nothing_happens_in_the_past():
    agenda = Agenda()
    agenda.run(1.0)
    with pytest.raises(ValueError, match=r"time must be at least now, 1.0 s, got 0.5"):
        agenda.at(0.5, print)


def test_a_simulation_is_a_function_of_its_arguments_and_its_script():
    def story() -> list[str]:
        simulation = deployment("paranoid-pirate", workers=2, fronts=2)
        simulation.play(Arrival(UP_S + i / 50, f"front-{i % 2 + 1}", put(b"%d" % i)) for i in range(100))
        simulation.kill("worker-1", UP_S + 0.33, 0.2)
        simulation.kill("broker-1", UP_S + 0.95, 0.1)
        simulation.run(20.0)
        return [
            repr(thing) for thing in (*simulation.notes, *simulation.transactions, *simulation.executions)
        ]

    assert story() == story()


# --- load


def test_record_says_who_when_and_what_came_of_it():
    simulation = deployment()
    simulation.submit(UP_S, "front-1", put(b"a"))
    simulation.run(5.0)
    [record], [execution] = simulation.transactions, simulation.executions
    assert (record.front, record.submitted, record.outcome) == ("front-1", UP_S, "completed")
    assert record.response_s == pytest.approx(SERVICE_S + 2 * LATENCY_S)
    assert record.answer is not None
    assert record.answer.body == (b"body",)
    assert (execution.worker, execution.outcome, execution.opaque) == ("worker-1", "completed", False)
    assert (execution.begun, execution.finished) == pytest.approx(
        (UP_S + LATENCY_S, UP_S + LATENCY_S + SERVICE_S)
    )


def test_script_may_act_on_what_it_sees():
    simulation = deployment()
    seen: list[int] = []
    simulation.submit(UP_S, "front-1", put(b"a"))
    simulation.call(UP_S + 0.05, lambda: seen.append(simulation.machine("front-1").gauges()["outstanding"]))
    simulation.run(1.0)
    assert seen == [1]
    assert simulation.open == 0


# --- faults


def test_killed_front_breaks_what_was_open_and_refuses_what_comes_until_it_is_back():
    simulation = deployment()
    for at, id in ((0.0, b"open"), (0.1, b"refused"), (0.5, b"again")):
        simulation.submit(UP_S + at, "front-1", put(id))
    simulation.kill("front-1", UP_S + 0.05, restart_after_s=0.2)
    simulation.run(5.0)
    assert [record.outcome for record in simulation.transactions] == ["broken", "refused", "completed"]
    assert marks(simulation, "front-1") == [(0.0, "start"), (UP_S + 0.05, "kill"), (UP_S + 0.25, "start")]


def test_killed_worker_never_finishes_what_it_began():
    simulation = deployment()
    simulation.submit(UP_S, "front-1", put(b"a", deadline=1.0))
    simulation.kill("worker-1", UP_S + 0.05)
    simulation.run(5.0)
    [execution] = simulation.executions
    assert (execution.outcome, execution.finished) == ("open", math.inf)
    assert not simulation.alive("worker-1")


def test_fault_that_finds_no_process_says_so():
    simulation = deployment()
    simulation.kill("worker-1", UP_S)
    for at, fault in enumerate((simulation.kill, simulation.stop), start=1):
        fault("worker-1", UP_S + at)
    simulation.pause("worker-1", UP_S + 3, UP_S + 4)
    simulation.run(UP_S + 4)
    assert [kind for _, kind in marks(simulation, "worker-1")] == [
        "start", "kill", "kill: not running", "stop: not running", "pause: not running"
    ]  # fmt: skip


def test_stopped_worker_finishes_what_it_has_and_exits():
    simulation = deployment()
    simulation.submit(UP_S, "front-1", put(b"a"))
    simulation.stop("worker-1", UP_S + 0.05, restart_after_s=1.0)
    simulation.run(5.0)
    assert [record.outcome for record in simulation.transactions] == ["completed"]
    kinds = [kind for _, kind in marks(simulation, "worker-1")]
    assert kinds == ["start", "stop", "exit", "start"]
    assert simulation.alive("worker-1")


def test_part_that_does_not_drain_in_time_exits_all_the_same():
    simulation = deployment()
    simulation.kill("worker-1", UP_S)
    simulation.submit(UP_S + 0.1, "front-1", put(b"a", deadline=100.0))
    simulation.stop("front-1", UP_S + 0.2)
    simulation.run(20.0)
    assert marks(simulation, "front-1")[-1] == (UP_S + 0.2 + Settings().limits.drain_s, "exit")
    assert [record.outcome for record in simulation.transactions] == ["broken"]


@pytest.mark.parametrize("hung", [False, True], ids=["frozen", "hung"])
def test_paused_worker_works_on_only_where_its_main_thread_alone_hangs(hung: bool):
    simulation = deployment()
    simulation.submit(UP_S, "front-1", put(b"a"))
    simulation.pause("worker-1", UP_S + 0.05, UP_S + 0.15, hung=hung)
    simulation.run(5.0)
    [record], [execution] = simulation.transactions, simulation.executions
    assert execution.finished == pytest.approx(UP_S + LATENCY_S + SERVICE_S if hung else UP_S + 0.15)
    assert record.resolved == pytest.approx(UP_S + 0.15 + LATENCY_S)
    assert [kind for _, kind in marks(simulation, "worker-1")[1:]] == ["hang" if hung else "freeze", "resume"]


@pytest.mark.parametrize(
    ("topology", "breaks"), [("freelance", True), ("paranoid-pirate", True), ("direct", False)]
)
def test_frozen_worker_is_cut_off_by_zmtp_heartbeats_where_there_are_any(topology: str, breaks: bool):
    simulation = deployment(topology)
    simulation.pause("worker-1", UP_S, UP_S + 0.25)
    simulation.run(5.0)
    network = Settings().network
    noticed = UP_S + (network.zmtp_heartbeat_ms + network.zmtp_timeout_ms) / 1e3
    losses = [noted.at for noted in simulation.notes if noted.note.kind == "peer-lost"]
    assert losses[:1] == ([pytest.approx(noticed)] if breaks else [])


def test_pauses_that_overlap_end_with_the_last():
    simulation = deployment()
    simulation.pause("worker-1", UP_S, UP_S + 0.1)
    simulation.pause("worker-1", UP_S + 0.05, UP_S + 0.15)
    simulation.submit(UP_S + 0.06, "front-1", put(b"a"))
    simulation.run(5.0)
    assert simulation.executions[0].begun == pytest.approx(UP_S + 0.15)


# --- what a machine must not do


def test_second_end_of_a_transaction_is_an_error():
    journal = Journal()
    journal.submitted("front-1", put(b"a"), 0.0)
    journal.resolved("front-1", b"a", Answer(Fate.COMPLETED), 1.0)
    with pytest.raises(AssertionError, match="not open"):
        journal.resolved("front-1", b"a", Answer(Fate.UNKNOWN), 2.0)


class Spinner:
    """Is due, ticks, and is due again."""

    drained = False
    ready = True

    def handle(self, event: Event, now: float) -> Sequence[Effect]:
        return [Resolve(event.transaction.id, Answer(Fate.FAILED))] if hasattr(event, "transaction") else []

    def tick(self, now: float) -> Sequence[Effect]:
        return ()

    def deadline(self) -> float:
        return 0.25

    def gauges(self) -> Mapping[str, int]:
        return {}


def test_machine_that_spins_is_found_out(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(TOPOLOGIES["direct"], "machine", lambda *_: Spinner(), raising=False)
    with pytest.raises(AssertionError, match="spins"):
        deployment("direct")


# --- a cut link


def test_through_a_cut_link_nothing_gets_and_the_connection_breaks():
    simulation = deployment("freelance")
    simulation.cut("front-1", "worker-1", 1.0, 2.0)
    simulation.submit(1.01, "front-1", put(b"a", 1.5))
    simulation.submit(2.1, "front-1", put(b"b", 3.0))
    simulation.run(4.0)
    assert [record.outcome for record in simulation.transactions] == ["unknown", "completed"]
    assert [execution.transaction.id for execution in simulation.executions] == [b"b"]
    lost = {noted.part: noted.at for noted in simulation.notes if noted.note.kind == "peer-lost"}
    assert lost["front-1"] == pytest.approx(1.2)
    assert marks(simulation, "front-1")[-2:] == [
        (1.0, "cut off from worker-1"),
        (2.0, "healed with worker-1"),
    ]


def test_what_a_short_cut_held_up_arrives_when_it_heals():
    simulation = deployment("freelance")
    simulation.cut("front-1", "worker-1", 1.0, 1.1)
    simulation.submit(1.01, "front-1", put(b"a"))
    simulation.run(4.0)
    (record,) = simulation.transactions
    assert record.outcome == "completed"
    assert record.resolved == pytest.approx(1.1 + SERVICE_S + 2 * LATENCY_S)
    assert not [noted for noted in simulation.notes if noted.note.kind == "peer-lost"]


def test_cut_between_strangers_has_no_effect_and_says_so():
    simulation = deployment("freelance", fronts=2)
    simulation.cut("front-1", "front-2", 1.0, 2.0)
    simulation.run(3.0)
    assert marks(simulation, "front-1")[-1] == (1.0, "cut: not connected with front-2")
