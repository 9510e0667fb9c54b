"""Floors follow from the settings, and from nothing that was measured but a cold start."""

import pytest
from msgspec.structs import replace

from bench.analysis.floors import STATE_INTERVALS, Floor, Hit, floor, ingredients
from bench.faults.network import peers
from bench.registry import topology
from brokered.binary_star import SILENT_BEATS
from common.settings import Beats, Network, Settings
from common.topology import Deployment

DEFAULTS = Settings()


def floors(label, parts=8, settings=DEFAULTS, restart_s=1.0, cold_ms=300.0, **changes):
    hit = Hit(label, parts, **changes)
    return floor(hit, settings, ingredients(hit, settings, restart_s, cold_ms))


def test_a_broken_connection_is_noticed_at_once_and_the_others_go_on():
    assert floors("kill-worker") == Floor(0, 0, 0)
    assert floors("terminate-worker") == Floor(0, 0, 0)


def test_without_another_broker_nothing_succeeds_before_it_has_started_again():
    assert floors("kill-broker", parts=1) == Floor(0, 1300, 1300)
    assert floors("kill-broker", parts=2) == Floor(0, 0, 0)
    assert floors("kill-broker", parts=1, restart_s=0.0) == Floor(0, 300, 300)


def test_where_no_restart_was_seen_its_floor_is_not_known():
    assert floors("kill-broker", parts=1, cold_ms=None) == Floor(0, None, None)


def test_another_front_succeeds_but_does_not_replace_the_one_lost():
    assert floors("kill-front", parts=2) == Floor(0, 0, 1300)


def test_a_silent_peer_is_given_up_by_the_first_of_two_watches():
    assert floors("pause-worker").detected == 150
    slow_pings = replace(DEFAULTS, network=Network(zmtp_timeout_ms=900))
    assert floors("pause-worker", settings=slow_pings).detected == pytest.approx(200)
    no_pings = replace(DEFAULTS, network=Network(zmtp_heartbeat_ms=0), beats=Beats(0.5, 4))
    assert floors("pause-worker", settings=no_pings).detected == pytest.approx(1500)


def test_who_watches_nobody_never_notices_silence():
    assert floors("pause-worker", watched=False).detected is None


def test_a_part_that_goes_on_beating_need_never_be_noticed():
    for label in ("slow-worker", "wedge-worker", "delay-worker", "a-kind-that-is-new-worker"):
        assert floors(label).detected is None


def test_the_only_broker_is_missing_for_as_long_as_it_is_paused():
    assert floors("pause-broker", parts=1, lasts_ms=750.0) == Floor(150, 750, 750)


def made_of(label, **changes):
    return ingredients(Hit(label, 2, **changes), DEFAULTS, 1.0, 300.0)


def test_a_restart_is_part_of_no_floor_where_no_process_ended():
    for kind in ("pause", "partition", "isolate", "reset", "delay", "wedge", "slow", "absent"):
        assert (made_of(f"{kind}-worker").restart, made_of(f"{kind}-worker").cold_start) == (None, None)
    for kind in ("kill", "terminate", "rolling-restart", "crash-loop"):
        assert (made_of(f"{kind}-worker").restart, made_of(f"{kind}-worker").cold_start) == (1000, 300)


def test_the_takeover_of_a_pair_is_told_and_no_floor():
    assert made_of("kill-broker").takeover is None
    assert made_of("kill-broker", paired=True).takeover == 2 * DEFAULTS.beats.state_interval_s * 1e3
    assert floors("kill-broker", parts=2, paired=True) == Floor(0, 0, 0)


def test_as_many_state_intervals_as_the_brokers_themselves_wait():
    assert STATE_INTERVALS == SILENT_BEATS


def test_the_brokers_of_a_binary_star_are_a_pair_and_no_others():
    names = {"binary-star": "broker-1", "paranoid-pirate": "broker-1", "freelance": "worker-1"}
    deployment = Deployment(workers=2, fronts=2, brokers=2)
    for name, part in names.items():
        plan = topology(name).plan(deployment, DEFAULTS, lambda name: f"ipc://{name}")
        (role,) = {each.role for each in plan.parts if each.name == part}
        assert bool(peers(plan, part, role)) == (name == "binary-star")


def test_kinds_of_two_words_are_understood():
    assert Hit("rolling-restart-worker", 8).kind == "rolling-restart"
    assert Hit("rolling-restart-worker", 8).role == "worker"
