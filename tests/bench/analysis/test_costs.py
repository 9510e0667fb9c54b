import numpy as np
import pytest

from bench.analysis.costs import costs, spent
from bench.analysis.recording import key_of
from bench.analysis.wire_bytes import framed, wire_bytes
from bench.registry import TOPOLOGIES
from bench.scenario_file import load
from tests.bench.analysis.steps import ns, steady, step, transactions
from tests.bench.facts import Facts

ID = b"latency.1.0-12345"


def recorded(*, restart_at_ms=None, trial=1):
    """400/s; a front that switches 1,200 times a second of its own accord and 200 times otherwise, and a worker."""
    played = step(transactions(*steady()), trial=trial)
    facts = Facts(key_of(played.episode))
    for t_ms in range(-1000, 6001, 500):
        since_s = (t_ms + 1000) / 1e3
        if restart_at_ms is not None and t_ms >= restart_at_ms:
            since_s = (t_ms - restart_at_ms) / 1e3
        facts.sample(ns(t_ms), "front-1", "ctx_voluntary", 1200 * since_s)
        facts.sample(ns(t_ms), "front-1", "ctx_involuntary", 200 * since_s)
        for worker in ("worker-1", "worker-2"):
            facts.sample(ns(t_ms), worker, "ctx_voluntary", 400 * (t_ms + 1000) / 1e3)
            facts.sample(ns(t_ms), worker, "rss_bytes", 30 << 20)
    facts.transaction(ID.decode(), bytes_out=300, bytes_in=200)
    return played, facts


def found(played, facts, topology="freelance"):
    return costs([played], spent(facts.database()), topology, load("quick", []))


def test_context_switches_are_counted_by_role_over_what_was_completed():
    cost = found(*recorded())
    assert {role: each.median for role, each in cost.switches_voluntary.items()} == pytest.approx(
        {"front": 3.0, "worker": 2.0}, rel=1e-3
    )
    assert cost.switches_involuntary["front"].median == pytest.approx(0.5, rel=1e-3)


def test_a_part_that_was_two_processes_is_left_out():
    cost = found(*recorded(restart_at_ms=3000))
    assert list(cost.switches_voluntary) == ["worker"]


def test_memory_is_that_of_all_processes_of_a_role():
    assert found(*recorded()).rss_mib["worker"].median == 60


def test_the_bytes_of_http_are_those_that_the_load_counted():
    assert found(*recorded()).http_bytes.median == 500


def test_without_counts_there_is_no_figure():
    played = step(transactions(*steady()))
    cost = found(played, Facts(key_of(played.episode)))
    assert (cost.switches_voluntary, cost.rss_mib, cost.wire_bytes, cost.http_bytes) == ({}, {}, {}, None)


def test_a_frame_has_two_bytes_of_framing_and_a_long_one_nine():
    assert framed([b"", b"a", bytes(255)]) == 2 + 3 + 257
    assert framed([bytes(256)]) == 265


def test_a_brokered_transaction_goes_over_two_links_and_a_brokerless_one_over_one():
    scenario = load("quick", [])
    assert set(wire_bytes("paranoid-pirate", scenario, ID)) == {"front-broker", "broker-worker"}
    assert set(wire_bytes("freelance", scenario, ID)) == {"front-worker"}


@pytest.mark.parametrize("name", TOPOLOGIES)
def test_a_longer_body_and_a_longer_id_cost_what_they_are_longer_by(name):
    short, long = load("quick", ["body_bytes=50"]), load("quick", ["body_bytes=150"])
    links = wire_bytes(name, short, ID)
    assert wire_bytes(name, long, ID) == {link: count + 2 * 100 for link, count in links.items()}
    longer = wire_bytes(name, short, ID + b"6")
    assert all(longer[link] > count for link, count in links.items())


def test_a_topology_that_is_not_installed_has_no_bytes():
    assert wire_bytes("a-third-party's", load("quick", []), ID) == {}


def test_switches_of_a_short_series_are_no_measure():
    played, facts = recorded()
    late = Facts(key_of(played.episode))
    for t_ms in np.arange(2000, 6001, 500.0):
        late.sample(ns(t_ms), "front-1", "ctx_voluntary", t_ms)
    assert not found(played, late).switches_voluntary
