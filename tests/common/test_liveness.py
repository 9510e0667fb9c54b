"""Silence: whose it is, and when it is too long."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.liveness import Pulse, Watch
from common.settings import Beats

BEATS = Beats(interval_s=0.1, liveness=3, plain_interval_s=1.0, proof=5)
OURS_S, PLAIN_S = 0.3, 3.0


def watch_of(*peers, now=100.0):
    watch: Watch[str] = Watch(BEATS)
    return watch, [watch.add(peer, now) for peer in peers]


def beat(pulse, *times):
    for time in times:
        pulse.beat(time)


def steps(start, interval, count):
    return [start + interval * number for number in range(count)]


def run(watch, until):
    """Check whenever it is due, on time; returns ``{peer: when it was found silent}``, discarding them."""
    found = {}
    while watch.due <= until:
        now = watch.due
        _, expired = watch.check(now)
        for peer in expired:
            found[peer] = now
            watch.discard(peer)
    return found


def test_a_new_peer_is_held_to_a_plain_peer_s_cadence():
    watch, _ = watch_of("a")
    assert run(watch, 110) == {"a": pytest.approx(100 + PLAIN_S, abs=0.11)}


def test_a_peer_that_has_kept_our_cadence_for_five_beats_is_held_to_it():
    watch, (pulse,) = watch_of("a")
    beat(pulse, *steps(100.1, 0.1, 5))
    assert run(watch, 110) == {"a": pytest.approx(100.5 + OURS_S, abs=0.11)}


def test_four_beats_prove_nothing():
    watch, (pulse,) = watch_of("a")
    beat(pulse, *steps(100.1, 0.1, 4))
    assert pulse.patience_s == PLAIN_S


def test_a_plain_peer_s_beats_never_prove_our_cadence():
    watch, (pulse,) = watch_of("a")
    beat(pulse, *steps(101, 1.0, 50))
    assert pulse.patience_s == PLAIN_S


def test_a_beat_that_is_late_begins_the_proof_anew():
    watch, (pulse,) = watch_of("a")
    beat(pulse, *steps(100.1, 0.1, 4), 100.9, *steps(101.0, 0.1, 3))
    assert pulse.patience_s == PLAIN_S
    pulse.beat(101.3)
    assert pulse.patience_s == pytest.approx(OURS_S)


def test_beats_that_arrive_all_at_once_are_a_backlog_and_no_cadence():
    """A plain peer beats once a second; we were stalled for five, and read all its beats in one turn."""
    watch, (pulse,) = watch_of("a")
    beat(pulse, *[105.0] * 6)
    assert pulse.patience_s == PLAIN_S


def test_our_cadence_may_jitter():
    watch, (pulse,) = watch_of("a")
    beat(pulse, 100.1, 100.26, 100.30, 100.45, 100.5, 100.65, 100.7, 100.85, 100.9)
    assert pulse.patience_s == pytest.approx(OURS_S)


def test_any_frame_is_life_but_only_beats_show_a_cadence():
    watch, (pulse,) = watch_of("a")
    for now in steps(100.1, 0.1, 20):
        pulse.heard_at = now
    assert pulse.patience_s == PLAIN_S
    assert pulse.expiry == pytest.approx(102.0 + PLAIN_S)


def test_an_excused_peer_is_never_given_up():
    watch, (excused, _) = watch_of("a", "b")
    excused.excused = True
    assert list(run(watch, 200)) == ["b"]
    assert "a" in watch
    assert excused.expiry == math.inf


def test_a_discarded_peer_is_not_watched():
    watch, _ = watch_of("a")
    watch.discard("a")
    watch.discard("never there")
    assert "a" not in watch
    assert watch.due == math.inf
    assert watch.check(1000) == (False, [])


def test_it_beats_each_interval_as_long_as_there_is_a_peer():
    watch, _ = watch_of("a")
    beats = []
    while watch.due < 101.05:
        now = watch.due
        beat_now, _ = watch.check(now)
        if beat_now:
            beats.append(now)
    assert beats == pytest.approx(steps(100.1, 0.1, 10))


def test_a_check_before_it_is_due_does_nothing():
    watch, _ = watch_of("a")
    assert watch.check(100.05) == (False, [])


def test_silent_are_those_not_heard_for_an_interval():
    watch, (first, second) = watch_of("a", "b")
    first.heard_at = 100.06
    assert watch.ask(100.1) == ["b"]
    assert watch.ask(100.159) == []
    assert watch.ask(100.161) == ["a"], "b was asked a moment ago"


def asked(watch, until):
    """When whom, as long as nobody answers."""
    pings = []
    while watch.due < until:
        now = watch.due
        beat_now, _ = watch.check(now)
        if beat_now:
            pings += [(now, peer) for peer in watch.ask(now)]
    return pings


def test_one_that_answers_pings_promptly_is_pinged_when_it_was_silent_for_an_interval_each_time():
    watch, (pulse,) = watch_of("a")
    for number in range(1, 10):
        ((at, _),) = asked(watch, until=100 + 0.11 * number)
        assert at == pytest.approx(100 + 0.11 * number - 0.01)
        beat(pulse, at + 0.01)
    assert pulse.patience_s == pytest.approx(OURS_S)


def test_one_that_talks_is_not_pinged():
    watch, (pulse,) = watch_of("a")
    for at in steps(100.05, 0.09, 20):
        assert asked(watch, until=at) == []
        pulse.heard_at = at


def test_peers_silent_since_about_the_same_time_are_pinged_together():
    watch, pulses = watch_of(*"abcdefghij")
    for number, pulse in enumerate(pulses):
        pulse.heard_at += number * 0.001
    pings = asked(watch, until=100.15)
    assert {peer for _, peer in pings} == set("abcdefghij")
    assert len({at for at, _ in pings}) == 2, "the first when it was due, the others at the next look"


def test_our_own_stall_is_nobody_s_silence():
    watch, (pulse,) = watch_of("a")
    beat(pulse, *steps(100.1, 0.1, 5))
    run(watch, 100.55)
    assert watch.check(101.6) == (True, []), "its beats of the last second were not read, by us"
    assert list(run(watch, 103)) == ["a"], "but from now on it has had its chance"


def test_a_stall_gives_a_silent_peer_no_more_than_the_time_that_was_slept():
    watch, (pulse,) = watch_of("a")
    beat(pulse, *steps(100.1, 0.1, 5))
    run(watch, 100.55)
    watch.check(101.6)
    assert run(watch, 103)["a"] == pytest.approx(100.5 + OURS_S + 1.0, abs=0.11)


def test_a_tick_that_is_a_little_late_is_no_stall():
    watch, (pulse,) = watch_of("a")
    beat(pulse, *steps(100.1, 0.1, 5))
    run(watch, 100.55)
    assert watch.check(100.65) == (True, [])
    assert watch.check(100.79) == (True, [])
    assert watch.check(100.85) == (False, ["a"])


@given(st.lists(st.tuples(st.floats(0, 0.5), st.sampled_from(["beat", "frame", "check"])), max_size=60))
def test_after_a_check_nothing_is_due_and_nobody_is_silent_twice(script):
    watch, (pulse,) = watch_of("a")
    now = 100.0
    for pause, act in script:
        now += pause
        if act == "beat":
            pulse.beat(now)
        elif act == "frame":
            pulse.heard_at = now
        else:
            watch.check(now)
            assert watch.due > now
            assert watch.check(now) == (False, [])


def test_beats_of_settings_are_what_a_pulse_counts_by():
    pulse = Pulse(Beats(interval_s=0.01, liveness=2, plain_interval_s=0.5, proof=1), 0.0)
    assert pulse.expiry == 1.0
    pulse.beat(0.5)
    assert pulse.expiry == pytest.approx(0.52)
