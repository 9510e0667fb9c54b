"""Where parts are placed, and when keeping hosts from each other cuts what was asked for and nothing else."""

import pytest

from bench.hosts.divided import divisible
from bench.hosts.namespaces import pairs
from bench.hosts.placement import BENCH, Hosts, place
from bench.registry import topology
from common.settings import Settings
from common.topology import Deployment, Plan


def plan(name: str, workers: int = 2, brokers: int = 1) -> Plan:
    deployment = Deployment(workers, 2, brokers)
    return topology(name).plan(deployment, Settings(), lambda name: f"tcp://test:{name}")


def test_by_default_every_part_is_where_the_bench_is():
    assert not Hosts().placed
    assert set(place(plan("freelance").parts, Hosts(), "rest").values()) == {BENCH}


def test_a_role_is_with_the_bench_or_together_or_each_on_its_own():
    hosts = Hosts(workers="each", fronts="together")
    assert hosts.placed
    assert place(plan("paranoid-pirate").parts, hosts, "rest") == {
        "broker-1": BENCH,
        "worker-1": "worker-1",
        "worker-2": "worker-2",
        "front-1": "fronts",
        "front-2": "fronts",
    }


def test_at_level_client_the_front_is_in_the_load_and_so_where_the_bench_is():
    assert place(plan("freelance").parts, Hosts(fronts="each"), "client")["front-1"] == BENCH


def test_links_within_a_host_go_over_no_pair_of_hosts():
    host = {"a": "one", "b": "one", "c": "two"}
    assert pairs([("a", "b"), ("c", "a"), ("b", "c")], host) == {("one", "two")}


@pytest.mark.parametrize(
    ("name", "hosts", "part", "peers", "can"),
    [
        ("freelance", Hosts(workers="each"), "worker-1", ["front-1", "front-2"], True),
        ("freelance", Hosts(workers="each", fronts="together"), "worker-1", ["front-1", "front-2"], True),
        # both fronts are on one host: cut from the one, the worker would be cut from the other too
        ("freelance", Hosts(workers="each", fronts="together"), "worker-1", ["front-1"], False),
        ("freelance", Hosts(workers="each", fronts="each"), "worker-1", ["front-1"], True),
        # the other worker is on the same host
        ("freelance", Hosts(workers="together"), "worker-1", ["front-1", "front-2"], False),
        ("freelance", Hosts(), "worker-1", ["front-1", "front-2"], False),
        # the broker is where the load is, whose way to the fronts would be cut
        ("paranoid-pirate", Hosts(fronts="each"), "front-1", ["broker-1"], False),
        ("paranoid-pirate", Hosts(fronts="each", brokers="each"), "front-1", ["broker-1"], True),
        ("paranoid-pirate", Hosts(workers="each"), "worker-1", ["broker-1"], True),
    ],
)
def test_hosts_are_kept_apart_only_where_that_harms_nobody_else(name, hosts, part, peers, can):
    parts = plan(name)
    assert divisible(parts, place(parts.parts, hosts, "rest"), part, peers) is can
