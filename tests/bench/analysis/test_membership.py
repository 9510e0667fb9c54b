"""What one worker more takes: from the plans of real topologies, and from marks and executions."""

import pytest
from msgspec.structs import replace

from bench.analysis.absences import absences
from bench.analysis.faults import Heard
from bench.analysis.membership import membership, started
from bench.analysis.recording import key_of
from bench.connections import Connections
from bench.registry import TOPOLOGIES
from common.settings import Settings
from common.topology import Deployment
from tests.bench.analysis.steps import ns, steady, step, transactions
from tests.bench.facts import Facts

NOTHING = Heard({}, {}, {})


def plan(topology, workers=8, fronts=3):
    deployment = Deployment(workers=workers, fronts=fronts)
    return TOPOLOGIES[topology].plan(deployment, Settings(), lambda name: f"tcp://{name}")


def of(topology, **deployment):
    return membership(plan(topology, **deployment), [], {}, NOTHING)


def test_behind_a_broker_nobody_names_a_worker():
    found = of("paranoid-pirate")
    assert (found.places, found.connections, found.connections_each) == ((), 3 + 8, 1)


@pytest.mark.parametrize("topology", ["freelance", "direct"])
def test_without_one_every_front_names_every_worker(topology):
    found = of(topology)
    assert (found.places, found.connections, found.connections_each) == (
        ("front-1", "front-2", "front-3"), 3 * 8, 3,
    )  # fmt: skip


@pytest.mark.parametrize("topology", TOPOLOGIES)
def test_one_worker_more_makes_as_many_connections_as_told(topology):
    few, more = of(topology, workers=4), of(topology, workers=5)
    assert more.connections == few.connections + few.connections_each


@pytest.mark.parametrize("topology", TOPOLOGIES)
def test_the_places_are_the_parts_whose_sockets_a_further_worker_changes(topology):
    few, more = plan(topology, workers=4), plan(topology, workers=5)
    changed = tuple(part.name for part in few.parts if more.named(part.name).sockets != part.sockets)
    assert of(topology, workers=4).places == changed


def counted(*found, trials=(1, 2)):
    steps = [step(transactions(*steady(100)), trial=trial, topology="freelance") for trial in trials]
    steps = [
        each._replace(episode=replace(each.episode, connections=connections))
        for each, connections in zip(steps, found, strict=True)
    ]
    return membership(plan("freelance"), steps, {}, NOTHING)


def test_what_the_kernel_counted_stands_beside_what_was_planned():
    found = counted(Connections(24, 24), Connections(24, 0, 48))
    assert (found.connections, found.counted.median, found.counted.n) == (24, 24, 2)
    assert found.miscounted == ()


def test_where_the_kernel_counted_others_than_planned_both_are_told():
    assert counted(Connections(24, 23), Connections(24, 24)).miscounted == (
        "phase-freelance-1: 23, planned 24",
    )


def test_without_the_absent_fewer_links_are_expected_and_say_nothing_of_the_whole():
    found = counted(Connections(21, 21), None)
    assert (found.counted, found.miscounted) == (None, ())


def recorded():
    return step(
        transactions(*steady()), faults=[("rolling-restart-front", "front-1", 2000)], topology="freelance"
    )


def measured(facts, played, topology="freelance", fronts=2):
    database = facts.database()
    key = key_of(played.episode)
    heard = Heard({}, {key: absences(database).get(key, [])}, {})
    return membership(plan(topology, fronts=fronts), [played], started(database), heard)


def joining(played, *, pid_of_use=203):
    facts = Facts(key_of(played.episode))
    facts.mark(ns(-3000), "bench", "start", "worker-3", "pid 103")
    facts.mark(ns(-2800), "worker-3", "started")
    facts.mark(ns(-1000), "bench", "ready")
    facts.execution("early", part="worker-3", pid=103, begun_ns=ns(-900))
    facts.mark(ns(1000), "bench", "start", "worker-3", "pid 203")
    facts.mark(ns(1250), "worker-3", "started")
    facts.execution("other", part="worker-1", pid=101, begun_ns=ns(1100))
    facts.execution("first", part="worker-3", pid=pid_of_use, begun_ns=ns(1260))
    facts.execution("next", part="worker-3", pid=pid_of_use, begun_ns=ns(1300))
    return facts


def test_the_time_to_first_use_is_that_of_workers_started_while_others_ran():
    found = measured(joining(played := recorded()), played)
    assert (found.up_ms.median, found.used_ms.median, found.used_ms.n) == (250, 260, 1)


def test_a_worker_that_crashed_before_its_sockets_were_open_was_not_up():
    facts = Facts(key_of((played := recorded()).episode))
    facts.mark(ns(-1000), "bench", "ready")
    for at_ms, pid in ((1000, 203), (2000, 204)):
        facts.mark(ns(at_ms), "bench", "start", "worker-3", f"pid {pid}")
        facts.mark(ns(at_ms + 50), "bench", "exit", "worker-3")
    facts.mark(ns(3000), "bench", "start", "worker-3", "pid 205")
    facts.mark(ns(3250), "worker-3", "started")
    facts.execution("first", part="worker-3", pid=205, begun_ns=ns(3260))
    found = measured(facts, played)
    assert (found.up_ms.median, found.used_ms.median) == (250, 260)


def test_a_worker_that_was_never_used_has_no_first_use():
    found = measured(joining(played := recorded(), pid_of_use=999), played)
    assert found.up_ms.median == 250
    assert found.used_ms is None


def restarting(played, fronts=("front-1", "front-2")):
    facts = Facts(key_of(played.episode))
    for number, front in enumerate(fronts):
        facts.mark(ns(2050 + 2000 * number), "bench", "exit", front)
        facts.mark(ns(3050 + 2000 * number), "bench", "start", front)
        facts.mark(ns(3400 + 2000 * number), front, "listening")
    return facts


def test_to_tell_all_fronts_takes_from_the_first_exit_to_the_last_return():
    assert measured(restarting(played := recorded()), played).restart_ms.median == 3400


def test_a_restart_that_left_out_a_place_tells_nothing():
    assert measured(restarting(played := recorded(), ("front-1",)), played).restart_ms is None


def test_who_need_not_be_told_need_not_be_restarted():
    assert measured(restarting(played := recorded()), played, "paranoid-pirate").restart_ms is None
