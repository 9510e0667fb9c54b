"""Whom a fault hits is a function of the seed, and a fault that hits nobody says so."""

from random import Random

import pytest

from bench.faults.fault import Fault, Lasting, NoEffect
from bench.faults.kill import Kill
from bench.faults.on_load import OnLoad
from bench.faults.pause import Pause
from bench.faults.registry import FAULTS


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
    with pytest.raises(NoEffect, match="there is no broker to kill"):
        Kill(role="broker", at_s=0).target([], Random(1))
    with pytest.raises(NoEffect, match="worker 4 was to be hit, but there are only 3"):
        Kill(role="worker", at_s=0, which=4).target(WORKERS, Random(1))


def test_it_says_what_will_happen():
    assert Kill(role="worker", at_s=2.5).describe() == "kill one worker at 2.5 s"
    assert Kill(role="front", at_s=1, which=2).describe() == "kill front 2 at 1 s"
    assert Pause(role="worker", at_s=1, for_s=0.5).describe() == "pause one worker at 1 s, for 0.5 s"


def test_a_lasting_fault_has_a_length():
    with pytest.raises(ValueError, match="for_s must be above 0 s, got 0"):
        Pause(role="worker", at_s=1, for_s=0)
