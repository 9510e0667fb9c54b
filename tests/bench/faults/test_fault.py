"""Whom a fault hits is a function of the seed, and a fault that hits nobody says so."""

from random import Random

import pytest

from bench.faults.absent import Absent
from bench.faults.fault import Fault, Lasting, NoEffect
from bench.faults.kill import Kill
from bench.faults.on_load import OnLoad
from bench.faults.pause import Pause
from bench.faults.registry import FAULTS
from bench.faults.rolling_restart import RollingRestart
from bench.faults.slow import Slow
from bench.faults.wedge import Wedge


def a_fault(name: str) -> Fault:
    kind = FAULTS[name]
    if issubclass(kind, OnLoad):
        return kind(at_s=0, for_s=1, times=3)
    needed = {"isolate": {"peer_role": "broker"}, "delay": {"delay_ms": 5}}.get(name, {})
    return kind(role="worker", at_s=0, **needed, **({"for_s": 1} if issubclass(kind, Lasting) else {}))


WORKERS = ["worker-1", "worker-2", "worker-3"]


@pytest.mark.parametrize("name", FAULTS)
def test_every_fault_is_registered_under_its_own_word_and_says_what_it_does(name):
    fault = a_fault(name)
    assert fault.kind == name
    assert fault.label == f"{name}-{fault.role}"
    assert fault.does


def test_the_same_seed_hits_the_same_part():
    kill = Kill(role="worker", at_s=0)
    hits = [kill.target(WORKERS, Random("a")) for _ in range(5)]
    assert len(set(hits)) == 1
    assert {kill.target(WORKERS, Random(seed)) for seed in range(50)} == set(WORKERS)


def test_a_number_hits_that_part():
    assert Kill(role="worker", at_s=0, which=2).target(WORKERS, Random(1)) == "worker-2"


def test_who_is_not_there_is_not_hit():
    with pytest.raises(NoEffect, match="there is no broker to be hit by kill"):
        Kill(role="broker", at_s=0).target([], Random(1))
    with pytest.raises(NoEffect, match="worker 4 was to be hit, but there are only 3"):
        Kill(role="worker", at_s=0, which=4).target(WORKERS, Random(1))


def test_it_says_what_will_happen():
    assert Kill(role="worker", at_s=2.5).describe() == "kill one worker at 2.5 s"
    assert Kill(role="front", at_s=1, which=2).describe() == "kill front 2 at 1 s"
    assert Pause(role="worker", at_s=1, for_s=0.5).describe() == "pause one worker at 1 s, for 0.5 s"
    slow = Slow(role="worker", at_s=1, for_s=0.5, times=3)
    assert slow.describe() == "slow one worker at 1 s, for 0.5 s, 3 times"
    rolling = RollingRestart(role="broker", at_s=1, which=2)
    assert rolling.describe() == (
        "rolling-restart broker 2 at 1 s and then every other broker, 0.5 s after it is up"
    )


def test_a_lasting_fault_has_a_length():
    with pytest.raises(ValueError, match="for_s must be above 0 s, got 0"):
        Pause(role="worker", at_s=1, for_s=0)


def test_a_repeated_fault_is_so_many_single_ones():
    kill = Kill(role="worker", at_s=2, repeat=3, every_s=2.5)
    assert kill.each() == [Kill(role="worker", at_s=at) for at in (2, 4.5, 7)]
    assert (kill.last_at_s, kill.end_s) == (7, 7)
    assert kill.describe() == "kill one worker at 2 s, 3 times, every 2.5 s"
    pause = Pause(role="worker", at_s=1, repeat=2, every_s=3, for_s=0.5)
    assert [each.end_s for each in pause.each()] == [1.5, 4.5]
    assert (pause.last_at_s, pause.end_s) == (4, 4.5)
    assert Kill(role="worker", at_s=2).each() == [Kill(role="worker", at_s=2)]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"repeat": 0}, "repeat must be 1 to 1000, got 0"),
        ({"repeat": 2}, "every_s of a fault that comes 2 times must be above 0 s, got 0"),
    ],
)
def test_a_repeated_fault_has_an_interval(changes, expected):
    with pytest.raises(ValueError, match=expected):
        Kill(role="worker", at_s=1, **changes)


def test_a_lasting_fault_is_over_before_it_comes_again():
    with pytest.raises(ValueError, match=r"every_s must be above for_s 2 s \(over before the next\), got 2"):
        Pause(role="worker", at_s=1, for_s=2, repeat=2, every_s=2)


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        (lambda: Wedge(role="broker", at_s=1, for_s=1), "role of a fault 'wedge' must be worker, got broker"),
        (lambda: Slow(role="front", at_s=1, for_s=1), "role of a fault 'slow' must be worker, got front"),
        (lambda: Absent(role="front", at_s=0, for_s=1), "must be worker or broker, got front"),
        (lambda: Absent(role="worker", at_s=1, for_s=1), "at_s of a fault 'absent' must be 0"),
        (
            lambda: Slow(role="worker", at_s=1, for_s=1, times=1),
            "times must be above 1 and at most 1000, got 1",
        ),
        (lambda: RollingRestart(role="worker", at_s=1, pause_s=-1), "pause_s must be 0 to 600 s, got -1"),
    ],
)
def test_what_makes_no_sense_is_told(fault, text):
    with pytest.raises(ValueError, match=text):
        fault()


def test_a_rolling_restart_begins_with_the_one_that_is_hit_and_leaves_nobody_out():
    rolling = RollingRestart(role="worker", at_s=0, which=2)
    assert rolling.target(WORKERS, Random(1)) == "worker-2"
    assert rolling.others(WORKERS, "worker-2") == ("worker-3", "worker-1")
    assert rolling.others(["broker-1"], "broker-1") == ()
