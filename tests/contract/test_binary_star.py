"""A binary star as a whole deployment on virtual time: who is active after each fault, and what it costs whom."""

from typing import cast

import pytest

from bench.registry import TOPOLOGIES
from bench.simulator import Simulation
from brokered.binary_star import SILENT_BEATS, StarBroker
from common.settings import Settings
from tests.contract.deployment import SERVICE_S, check_laws, dispatching, load, simulate, works_in_full

STAR = TOPOLOGIES["binary-star"]
PRIMARY, BACKUP = "broker-1", "broker-2"
WORKERS = 4
UP_S = 0.5
LOAD_S = 3.0
FAULT_S = UP_S + 0.7037
INTERVAL_S = Settings().beats.state_interval_s
AWAY_S = SILENT_BEATS * INTERVAL_S
"""Without an active one, at most, and a little for messages."""
RETURNED_S = FAULT_S + 1.0
"""When a killed or paused one is back."""


def loaded(fronts: int = 2) -> Simulation:
    simulation = simulate(STAR, workers=WORKERS, fronts=fronts)
    simulation.play(load(simulation, 0.5 * WORKERS / SERVICE_S, UP_S, UP_S + LOAD_S))
    return simulation


def run_out(simulation: Simulation) -> None:
    simulation.run(UP_S + LOAD_S + 2)


def states(simulation: Simulation) -> list[str]:
    return [cast(StarBroker, simulation.machine(name)).state.name for name in (PRIMARY, BACKUP)]


def became(simulation: Simulation, part: str) -> list[str]:
    """What the broker became, in order."""
    return [
        noted.note.subject
        for noted in simulation.notes
        if noted.part == part and noted.note.kind == "state" and noted.note.subject != PRIMARY
    ]


def took_over_at(simulation: Simulation) -> float:
    [at] = [noted.at for noted in simulation.notes if noted.part == BACKUP and noted.note.subject == "active"]
    return at - FAULT_S


def no_put_harmed(simulation: Simulation) -> None:
    accounts = check_laws(simulation)
    unknown = accounts.of("unknown")
    assert accounts.count().keys() <= {"completed", "failed", "unknown"}
    assert not any(record.transaction.retry for record in unknown)
    assert all(record.submitted <= FAULT_S + AWAY_S for record in unknown)


def test_the_primary_is_active_and_the_backup_has_no_work():
    simulation = loaded()
    run_out(simulation)
    assert states(simulation) == ["ACTIVE", "PASSIVE"]
    assert dispatching(simulation) == [PRIMARY]
    assert check_laws(simulation).count().keys() == {"completed", "failed"}


def test_of_a_killed_active_broker_a_put_sees_nothing_and_the_primary_comes_back_as_passive():
    simulation = loaded()
    simulation.kill(PRIMARY, FAULT_S, RETURNED_S - FAULT_S)
    run_out(simulation)
    no_put_harmed(simulation)
    assert INTERVAL_S - 0.001 <= took_over_at(simulation) <= AWAY_S + 0.005
    assert states(simulation) == ["PASSIVE", "ACTIVE"]
    held = [r for r in simulation.transactions if r.submitted <= FAULT_S < r.resolved]
    harmed = [r for r in simulation.transactions if r.outcome == "unknown"]
    assert {id(record) for record in harmed} <= {id(record) for record in held}, "only what it held"
    works_in_full(simulation, simulation.now)


def test_all_is_as_fast_as_before_within_twice_the_silence():
    """At half of the capacity a backlog takes as long to work off as it took to grow."""
    simulation = loaded()
    simulation.kill(PRIMARY, FAULT_S)
    run_out(simulation)
    late = [r for r in simulation.transactions if r.resolved - r.submitted > 5 * SERVICE_S]
    assert late
    assert max(record.resolved for record in late) <= FAULT_S + 2 * AWAY_S + 0.05


def test_the_backup_killed_after_the_primary_is_back_costs_no_put_either():
    simulation = loaded()
    simulation.kill(PRIMARY, FAULT_S, 0.3)
    simulation.kill(BACKUP, RETURNED_S, 0.3)
    run_out(simulation)
    accounts = check_laws(simulation)
    assert not any(record.transaction.retry for record in accounts.of("unknown"))
    assert states(simulation) == ["ACTIVE", "PASSIVE"]
    works_in_full(simulation, simulation.now)


@pytest.mark.parametrize("lasts_s", [0.1, 0.3, 1.0])
@pytest.mark.parametrize("broker", [PRIMARY, BACKUP])
def test_cut_between_the_two_alone_changes_nothing(broker: str, lasts_s: float):
    simulation = loaded()
    if broker == BACKUP:
        simulation.kill(PRIMARY, UP_S / 2, 0.01)  # the backup is active by then
    simulation.run(UP_S)
    before = states(simulation)
    simulation.cut(PRIMARY, BACKUP, FAULT_S, FAULT_S + lasts_s)
    run_out(simulation)
    assert check_laws(simulation).count().keys() == {"completed", "failed"}
    assert states(simulation) == before
    assert sum(mark.kind == f"cut off from {BACKUP}" for mark in simulation.marks) == 1
    works_in_full(simulation, simulation.now)


def test_front_that_loses_only_its_own_way_to_the_active_one_makes_nobody_active():
    """The passive one hears the active one: what cannot reach it waits."""
    simulation = loaded()
    simulation.cut("front-1", PRIMARY, FAULT_S, FAULT_S + 0.5)
    run_out(simulation)
    accounts = check_laws(simulation)
    assert not any(record.transaction.retry for record in accounts.of("unknown"))
    assert states(simulation) == ["ACTIVE", "PASSIVE"]
    assert became(simulation, BACKUP) == ["passive"]
    works_in_full(simulation, simulation.now)


def test_cut_that_parts_the_clients_too_makes_both_active_until_it_heals():
    """What the rules cannot prevent; each transaction keeps its one fate, and in the end one is active."""
    simulation = loaded()
    until = FAULT_S + 1.0
    simulation.cut(PRIMARY, BACKUP, FAULT_S, until)
    simulation.cut("front-1", PRIMARY, FAULT_S, until)
    simulation.cut("front-2", BACKUP, FAULT_S, until)
    simulation.run(until - 0.01)
    assert states(simulation) == ["ACTIVE", "ACTIVE"]
    run_out(simulation)
    accounts = check_laws(simulation)
    assert not any(record.transaction.retry for record in accounts.of("unknown"))
    assert sum(noted.note.kind == "fatal" for noted in simulation.notes) in (1, 2)
    assert sorted(states(simulation)) == ["ACTIVE", "PASSIVE"]
    works_in_full(simulation, simulation.now)


@pytest.mark.parametrize("hung", [False, True], ids=["frozen", "hung"])
def test_paused_active_one_is_passive_when_it_goes_on(hung: bool):
    simulation = loaded()
    simulation.pause(PRIMARY, FAULT_S, RETURNED_S, hung=hung)
    run_out(simulation)
    accounts = check_laws(simulation)
    assert not any(record.transaction.retry for record in accounts.of("unknown"))
    assert states(simulation) == ["PASSIVE", "ACTIVE"]
    assert not [noted for noted in simulation.notes if noted.note.kind == "fatal"]
    works_in_full(simulation, simulation.now)


def test_backup_that_never_heard_its_primary_serves_nobody():
    simulation = loaded()
    simulation.kill(PRIMARY, 0.0)
    run_out(simulation)
    assert states(simulation)[1] == "BACKUP"
    assert check_laws(simulation).count().keys() == {"rejected"}


def test_primary_alone_serves_after_two_intervals():
    simulation = loaded()
    simulation.kill(BACKUP, 0.0)
    run_out(simulation)
    assert check_laws(simulation).count().keys() == {"completed", "failed"}


@pytest.mark.parametrize("restart_s", [0.05, 1.0])
def test_stopped_active_one_harms_nothing(restart_s: float):
    simulation = loaded()
    simulation.stop(PRIMARY, FAULT_S, restart_s)
    run_out(simulation)
    assert check_laws(simulation).count().keys() == {"completed", "failed"}
    assert sorted(states(simulation)) == ["ACTIVE", "PASSIVE"]
    works_in_full(simulation, simulation.now)
