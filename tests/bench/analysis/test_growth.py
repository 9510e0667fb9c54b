"""A planted leak is found, and what only looks like one is not."""

import numpy as np
import pytest

from bench.analysis.growth import MIB, Life, grown, lives, reasons
from bench.ledger import EpisodeKey
from bench.run_record import Episode
from bench.scenario_file import load
from tests.bench.facts import Facts, S

T_S = np.arange(0, 1200, 0.5)
NOISE = np.random.default_rng(1).normal(0, 0.2, T_S.size)
KEY = EpisodeKey("soak", "freelance", 1)


def test_a_leak_is_measured_beneath_the_noise():
    assert grown(T_S, 30 + NOISE + 10 * T_S / 1200) == pytest.approx(10, abs=0.5)


def test_what_stays_does_not_grow():
    assert grown(T_S, 30 + NOISE) == pytest.approx(0, abs=0.3)


def test_what_comes_and_goes_is_no_leak():
    busy = (T_S % 100 > 80) & (T_S > 300)
    assert grown(T_S, 30 + NOISE + 20 * busy) == pytest.approx(0, abs=0.5)


def test_what_comes_once_late_and_stays_is_not_taken_for_a_line():
    assert grown(T_S, 30 + NOISE + 5 * (T_S > 1000)) == pytest.approx(0, abs=0.5)


def test_what_was_needed_once_early_and_stays_is_no_leak():
    """A front grew by 7 MiB in half a minute while a thousand waited, and by nothing in the minute after."""
    assert grown(T_S, 30 + NOISE + np.interp(T_S, [100, 600], [0, 7])) == pytest.approx(0, abs=0.5)


def test_a_leak_that_begins_late_is_found():
    assert grown(T_S, 30 + NOISE + np.interp(T_S, [500, 1200], [0, 9])) > 4


def test_one_value_tells_nothing():
    assert grown(np.array([1.0, 1.0]), np.array([3.0, 4.0])) == 0


class Recorded:
    """As much of a run's record as growth is judged by."""

    def __init__(self) -> None:
        self.scenario = load("soak", ["duration=120"])
        self.episodes = [Episode(*KEY, 1, 0, 0, 0, (), (), ())]


def part(facts: Facts, name: str, start_s: int, end_s: int, rss_mib_per_s: float, fds_per_s: float) -> None:
    """A process, watched once a second; its warm-up has a growth of its own."""
    facts.mark(start_s * S, "bench", "start", name, "pid 1")
    for second in range(start_s, end_s):
        aged = second - start_s
        facts.sample(second * S, name, "rss_bytes", (40 + min(aged, 10) + rss_mib_per_s * aged) * MIB)
        facts.sample(second * S, name, "fds", 20 + min(aged, 10) + int(fds_per_s * aged))


def judged(facts: Facts) -> tuple[list[Life], list[str]]:
    recorded = Recorded()
    found = lives(facts.database(), recorded)  # type: ignore[arg-type]
    return found, [reason.text for reason in reasons(found, recorded)]  # type: ignore[arg-type]


@pytest.fixture
def facts():
    return Facts(KEY)


def test_a_part_that_stays_as_it_is_gives_no_reason(facts):
    part(facts, "worker-1", 0, 100, 0, 0)
    facts.mark(100 * S, "bench", "stop")
    ((key, name, judged_s, rss_mib, fds),), why = judged(facts)
    assert (key, name, judged_s, rss_mib, fds) == (KEY, "worker-1", 85, 0, 0)
    assert not why


def test_leaks_of_memory_and_of_descriptors_are_named(facts):
    part(facts, "front-1", 0, 100, 0.1, 0)
    part(facts, "worker-2", 0, 100, 0, 0.1)
    facts.mark(100 * S, "bench", "stop")
    _, why = judged(facts)
    assert why == [
        "front-1 grew by 8.4 MiB in 85 s, growth.rss_mib_max is 4 MiB",
        "worker-2 grew by 8.0 descriptors in 85 s, growth.fds_max is 3",
    ]


def test_descriptors_that_clients_hold_are_not_the_fronts_own(facts):
    facts.mark(0, "bench", "start", "front-1", "pid 1")
    for second in range(100):
        held = 300 if second > 60 else 50 if second > 20 else 10
        facts.sample(second * S, "front-1", "rss_bytes", 40 * MIB)
        facts.sample(second * S, "front-1", "fds", 20 + held)
        facts.sample(second * S, "front-1", "connections", held)
    facts.mark(100 * S, "bench", "stop")
    (life,), why = judged(facts)
    assert life.fds == 0
    assert not why


def test_a_restarted_part_begins_anew_and_a_short_life_is_not_judged(facts):
    part(facts, "worker-1", 0, 60, 0, 0)
    facts.mark(60 * S, "bench", "exit", "worker-1", "SIGKILL, pid 1")
    part(facts, "worker-1", 61, 70, 1, 1)
    facts.mark(70 * S, "bench", "exit", "worker-1", "SIGKILL, pid 1")
    part(facts, "worker-1", 71, 131, 0, 0)
    facts.mark(131 * S, "bench", "stop")
    found, why = judged(facts)
    assert [life.judged_s for life in found] == [45, 45]
    assert not why
