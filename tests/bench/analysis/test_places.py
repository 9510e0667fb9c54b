"""A transaction that went wrong is where the furthest thing on record puts it."""

import pytest

from bench.analysis.places import PLACES, LateWork, late_work, places, together, total
from tests.bench.facts import EPISODE, MS, Facts


def place(build, brokered=True):
    facts = Facts()
    if brokered:
        facts.sample(0, "broker-1", "cpu_s", 0.0)
    facts.executed("good")
    build(facts)
    return places(facts.database()).get(EPISODE, {})


def test_what_went_well_has_no_place():
    assert place(lambda facts: None) == {}


def test_whoever_was_refused_never_left_the_client():
    assert place(lambda facts: facts.transaction("a", "refused", attempts=0)) == {"refused": {"client": 1}}


def test_rejected_by_its_front_it_waited_there():
    def build(facts):
        facts.transaction("a", "rejected", attempts=0)
        facts.mark(9, "front-1", "rejected", "a", "queue full")

    assert place(build) == {"rejected": {"front": 1}}


def test_rejected_by_the_broker_it_waited_in_its_queue():
    def build(facts):
        facts.transaction("a", "rejected")
        facts.mark(9, "broker-1", "rejected", "a", "expired")

    assert place(build) == {"rejected": {"queue": 1}}


def test_what_a_lost_broker_held_and_no_worker_began_was_in_its_queue():
    def build(facts):
        facts.transaction("a", "unknown")
        facts.mark(9, "front-1", "unknown", "a", "what held it was lost")

    assert place(build) == {"unknown": {"queue": 1}}
    assert place(build, brokered=False) == {"unknown": {"link": 1}}


def test_handed_to_a_worker_that_never_began_it_it_was_on_the_link():
    def build(facts):
        facts.transaction("a", "unknown")
        facts.mark(9, "broker-1", "unknown", "a", "worker lost")

    assert place(build) == {"unknown": {"link": 1}}


def test_not_started_by_a_worker_because_its_time_was_over_it_was_behind_another():
    def build(facts):
        facts.transaction("a", "rejected")
        facts.mark(9, "worker-1", "late", "a", "not started: its deadline has passed")

    assert place(build) == {"rejected": {"link": 1}}


def test_begun_and_not_finished_it_was_in_the_worker():
    def build(facts):
        facts.executed("a", "unknown")
        facts.transaction("b", "broken", attempts=0)
        facts.execution("b", finished_ns=0, fate="")

    assert place(build) == {"unknown": {"answer": 1}, "broken": {"worker": 1}}


def test_completed_and_never_executed_is_lost_where_it_was_handed_to():
    def build(facts):
        facts.transaction("a")

    assert place(build) == {"lost": {"queue": 1}}
    assert place(build, brokered=False) == {"lost": {"link": 1}}


def test_anothers_answer_is_lost_on_its_way_back():
    assert place(lambda facts: facts.executed("a", answer_ok=False)) == {"lost": {"answer": 1}}


def test_completed_with_an_execution_that_outlasted_its_deadline_is_late():
    def build(facts):
        facts.executed("a", deadline_ns=500 * MS)
        facts.execution("a", part="worker-2", begun_ns=600 * MS, finished_ns=700 * MS, deadline_ns=500 * MS)

    assert place(build) == {"late": {"answer": 1}}


def test_a_deadline_that_the_client_did_not_write_down_makes_nothing_late():
    assert place(lambda facts: facts.executed("a", deadline_ns=0)) == {}


def test_late_work_is_worker_time_after_the_deadline():
    facts = Facts()
    for id, begun_ms, finished_ms in (("a", 10, 20), ("b", 90, 130), ("c", 110, 125), ("d", 120, 0)):
        facts.transaction(id, "unknown", deadline_ns=100 * MS)
        facts.execution(id, begun_ns=begun_ms * MS, finished_ns=finished_ms * MS, deadline_ns=100 * MS)
    assert late_work(facts.database()) == {EPISODE: LateWork(begun_late=2, overran=1, worker_ms=45)}


def test_without_a_deadline_of_its_own_an_execution_is_held_to_its_clients():
    facts = Facts()
    facts.transaction("a", "unknown", deadline_ns=100 * MS)
    facts.execution("a", begun_ns=110 * MS, finished_ns=120 * MS, deadline_ns=0)
    assert late_work(facts.database())[EPISODE] == LateWork(1, 0, 10)


def test_several_episodes_add_up():
    assert total([LateWork(1, 2, 3), LateWork(4, 5, 6)]) == LateWork(5, 7, 9)
    assert total([]) == LateWork()
    assert together([{"lost": {"link": 1}}, {"lost": {"link": 2, "queue": 3}}]) == {
        "lost": {"link": 3, "queue": 3}
    }


@pytest.mark.parametrize("place", PLACES)
def test_every_place_is_explained(place):
    from bench.analysis import places as module

    assert f"* **{place}**:" in module.__doc__
