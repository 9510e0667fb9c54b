"""How an episode is wired: what breaks its links, and what a relay changes about a part, which is as little as can be."""

import pytest

from bench.folders import EpisodeFolder
from bench.ports import HOST, Ports
from bench.relayed import Lines
from bench.scenario import Scenario
from bench.scenario_file import make
from bench.wiring import Wiring, binders, mechanism, plan_of
from common.topology import Plan

PARTITION = {"kind": "partition", "role": "worker", "at_s": 0.1, "for_s": 0.1}
DELAY = {"kind": "delay", "role": "worker", "at_s": 0.1, "for_s": 0.1, "delay_ms": 1}
ISOLATE = {"kind": "isolate", "role": "worker", "peer_role": "front", "at_s": 0.1, "for_s": 0.1}
KILL = {"kind": "kill", "role": "worker", "at_s": 0.1}
TOPOLOGIES = ["paranoid-pirate", "freelance", "direct"]


def scenario(*faults: object, hosts: dict[str, str] | None = None, **more: object) -> Scenario:
    phase = {"name": "p", "kind": "open", "rates_per_s": [10], "duration_s": 1, "fault": list(faults)}
    table = {"name": "t", "topologies": TOPOLOGIES, "hosts": hosts or {}, "phase": [phase], **more}
    return make(table)


@pytest.mark.parametrize(
    ("faults", "hosts", "by"),
    [
        ([], {}, ""),
        ([KILL], {"workers": "each"}, ""),
        ([PARTITION], {}, "relay"),
        ([PARTITION, KILL], {"workers": "each"}, "namespaces"),
        # the other workers are on the same host
        ([PARTITION], {"workers": "together"}, "relay"),
        ([PARTITION, DELAY], {"workers": "each"}, "relay"),
        ([ISOLATE], {"workers": "each", "fronts": "each"}, "namespaces"),
        # what cannot be for one topology is done the other way for all of them
        ([ISOLATE], {"workers": "each", "fronts": "together"}, "relay"),
    ],
)
def test_namespaces_where_they_can_do_all_that_is_asked_and_the_relay_otherwise(faults, hosts, by):
    what = scenario(*faults, hosts=hosts)
    with Ports() as ports:
        assert mechanism(what, what.phases[0], ports) == by


def relayed(name: str) -> tuple[Plan, Lines]:
    with Ports() as ports:
        plan = plan_of(scenario(), name, ports.endpoint)
        return plan, Lines(plan, HOST, ports.port)


@pytest.mark.parametrize("name", TOPOLOGIES)
def test_every_link_has_a_line_of_its_own_to_its_binder(name):
    plan, lines = relayed(name)
    spec = lines.spec("a")
    assert len(spec.lines) == len(plan.links)
    assert len({line.port for line in spec.lines}) == len(plan.links)
    assert [f"tcp://{line.to_host}:{line.to_port}" for line in spec.lines] == [
        link.endpoint for link in plan.links
    ]


@pytest.mark.parametrize("name", TOPOLOGIES)
def test_only_the_connect_endpoints_of_a_part_change(name):
    plan, lines = relayed(name)
    listening = {f"tcp://{line.host}:{line.port}" for line in lines.spec("a").lines}
    bound = set(binders(plan))
    for part in plan.parts:
        for before, after in zip(part.sockets, lines.part(part).sockets, strict=True):
            assert (after.name, after.kind, after.bind) == (before.name, before.kind, before.bind)
            assert after.options == before.options
            if before.bind:
                assert after.endpoints == before.endpoints
            else:
                assert set(before.endpoints) <= bound
                assert set(after.endpoints) <= listening
                assert len(after.endpoints) == len(before.endpoints)


def test_the_lines_between_parts_are_those_of_their_links():
    plan, lines = relayed("freelance")
    (number,) = lines.between("worker-3", ["front-2"])
    assert (plan.links[number].connector, plan.links[number].binder) == ("front-2", "worker-3")
    assert len(lines.between("worker-3", ["front-1", "front-2"])) == 2
    assert len(lines.between("front-1", lines.peers("front-1"))) == 8
    assert lines.between("worker-1", ["worker-2"]) == ()


def test_without_hosts_and_without_a_fault_on_links_nothing_is_in_the_way(tmp_path):
    what = scenario(KILL)
    with Ports() as ports:
        wiring = Wiring(what, what.phases[0], "freelance", ports, EpisodeFolder.of(tmp_path, "e"))
        assert wiring.mechanism == ""
        assert [wiring.part(part) for part in wiring.plan.parts] == list(wiring.plan.parts)
        assert wiring.http("front-1") == (HOST, ports.port("front-1/http"))
        assert wiring.usage() == {}
        wiring.close()
