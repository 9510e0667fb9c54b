"""The one bounded queue."""

import math

from common.waiting import WaitingQueue


def queue(*items, limit=3):
    made: WaitingQueue[str] = WaitingQueue(limit)
    for number, item in enumerate(items):
        made.push(item, 10.0 + number)
    return made


def popped(waiting):
    return [waiting.pop() for _ in range(len(waiting))]


def test_first_come_first_served():
    assert popped(queue("a", "b", "c")) == ["a", "b", "c"]


def test_an_empty_queue_has_nothing_to_give():
    assert queue().pop() is None
    assert queue().next_deadline() == math.inf


def test_what_comes_back_goes_before_all_others():
    waiting = queue("a", "b")
    waiting.push_head("c", 5.0)
    assert waiting.items() == ["c", "a", "b"]
    assert popped(waiting) == ["c", "a", "b"]


def test_it_is_full_at_its_limit_and_what_comes_back_fits_all_the_same():
    waiting = queue("a", "b")
    assert not waiting.full
    waiting.push("c", 1.0)
    assert waiting.full
    waiting.push_head("d", 1.0)
    assert waiting.full
    assert len(waiting) == 4


def test_what_has_expired_leaves_wherever_it_stood():
    waiting = queue("a", "b", "c")
    waiting.push_head("late", 11.0)
    assert waiting.next_deadline() == 10.0
    assert waiting.expired(11.0) == ["a", "b", "late"]
    assert waiting.items() == ["c"]
    assert waiting.expired(11.0) == []


def test_what_was_popped_or_discarded_does_not_expire():
    waiting = queue("a", "b", "c")
    waiting.pop()
    waiting.discard("b")
    waiting.discard("never there")
    assert waiting.next_deadline() == 12.0
    assert waiting.expired(99.0) == ["c"]
