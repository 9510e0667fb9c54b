"""The next of many deadlines."""

import math

from hypothesis import given
from hypothesis import strategies as st

from common.deadlines import Deadlines


def deadlines(**at):
    made: Deadlines[str] = Deadlines()
    for key, when in at.items():
        made.set(key, when)
    return made


def test_the_earliest_is_next():
    assert deadlines(a=3.0, b=1.0, c=2.0).next() == 1.0


def test_without_any_it_is_never():
    assert deadlines().next() == math.inf
    assert deadlines().due(1e9) == []


def test_what_is_due_comes_out_earliest_first_and_once():
    made = deadlines(a=3.0, b=1.0, c=2.0, d=4.0)
    assert made.due(3.0) == ["b", "c", "a"]
    assert made.due(3.0) == []
    assert len(made) == 1


def test_a_deadline_that_was_discarded_never_comes():
    made = deadlines(a=1.0, b=2.0)
    made.discard("a")
    made.discard("never there")
    assert made.next() == 2.0
    assert made.due(9.0) == ["b"]


def test_a_deadline_can_be_moved_either_way():
    made = deadlines(a=1.0, b=2.0)
    made.set("a", 3.0)
    made.set("b", 0.5)
    assert made.due(1.0) == ["b"]
    assert made.due(3.0) == ["a"]


def test_one_moved_away_and_back_comes_once():
    made = deadlines(a=1.0)
    made.set("a", 2.0)
    made.set("a", 1.0)
    assert made.due(5.0) == ["a"]


def test_keys_need_no_order():
    made: Deadlines[object] = Deadlines()
    keys = [object() for _ in range(10)]
    for key in keys:
        made.set(key, 1.0)
    assert made.due(1.0) == keys


def test_cancelled_entries_are_swept():
    """Transactions with a time to live of an hour, each answered at once."""
    made: Deadlines[int] = Deadlines()
    for key in range(10_000):
        made.set(key, 3600.0 + key)
        made.discard(key)
    assert len(made) == 0
    assert len(made._heap) < 200


@given(
    st.lists(st.tuples(st.sampled_from(["set", "discard", "due"]), st.integers(0, 9), st.integers(0, 20))),
)
def test_it_agrees_with_a_dict(script):
    made: Deadlines[int] = Deadlines()
    model: dict[int, float] = {}
    for act, key, at in script:
        if act == "set":
            made.set(key, at)
            model[key] = at
        elif act == "discard":
            made.discard(key)
            model.pop(key, None)
        else:
            due = made.due(at)
            assert sorted(due) == sorted(key for key, when in model.items() if when <= at)
            times = [model.pop(key) for key in due]
            assert times == sorted(times)
        assert made.next() == min(model.values(), default=math.inf)
        assert len(made) == len(model)
