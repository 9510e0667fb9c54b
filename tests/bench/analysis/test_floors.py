"""Floors follow from the settings, and from nothing that was measured but a cold start."""

import pytest
from msgspec.structs import replace

from bench.analysis.floors import Floor, Hit, floor, ingredients
from common.settings import Beats, Network, Settings

DEFAULTS = Settings()


def floors(label, parts=8, settings=DEFAULTS, restart_s=1.0, cold_ms=300.0, **changes):
    return floor(Hit(label, parts, **changes), settings, ingredients(settings, restart_s, cold_ms))


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


def test_kinds_of_two_words_are_understood():
    assert Hit("rolling-restart-worker", 8).kind == "rolling-restart"
    assert Hit("rolling-restart-worker", 8).role == "worker"
