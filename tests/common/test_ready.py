"""Whose turn it is."""

from hypothesis import given
from hypothesis import strategies as st

from common.ready import ReadyList


def ready_list(*peers):
    ready: ReadyList[str] = ReadyList()
    for peer, outstanding in peers:
        ready.put(peer, outstanding)
    return ready


def taken(ready):
    return [ready.take() for _ in range(len(ready))]


def test_the_one_with_the_fewest_outstanding_comes_first():
    assert taken(ready_list(("a", 2), ("b", 0), ("c", 1))) == ["b", "c", "a"]


def test_among_equals_it_is_the_least_recently_used():
    assert taken(ready_list(("a", 0), ("b", 0), ("c", 0))) == ["a", "b", "c"]


def test_one_that_is_put_again_goes_behind_its_equals():
    assert taken(ready_list(("a", 0), ("b", 0), ("a", 0))) == ["b", "a"]


def test_one_that_is_put_again_counts_once_and_at_its_new_level():
    ready = ready_list(("a", 0), ("b", 1), ("a", 2))
    assert len(ready) == 2
    assert taken(ready) == ["b", "a"]


def test_when_nobody_is_ready_it_is_nobody_s_turn():
    assert ready_list().take() is None


def test_one_that_was_discarded_is_not_taken():
    ready = ready_list(("a", 0), ("b", 0))
    ready.discard("a")
    ready.discard("never there")
    assert taken(ready) == ["b"]


def test_a_lower_level_that_fills_again_is_served_first():
    ready = ready_list(("a", 0), ("b", 3))
    assert ready.take() == "a"
    assert ready.take() == "b"
    ready.put("b", 3)
    ready.put("a", 1)
    assert taken(ready) == ["a", "b"]


@given(st.lists(st.tuples(st.sampled_from(["put", "take", "discard"]), st.integers(0, 5), st.integers(0, 4))))
def test_it_agrees_with_sorting(script):
    """The model: a list in the order in which peers were put; whose turn it is, is the first of the fewest."""
    ready: ReadyList[int] = ReadyList()
    model: list[tuple[int, int]] = []
    for act, peer, outstanding in script:
        if act == "take":
            expected = min(model, key=lambda entry: entry[1], default=None)
            assert ready.take() == (None if expected is None else expected[0])
            model = [entry for entry in model if entry != expected]
            continue
        model = [entry for entry in model if entry[0] != peer]
        if act == "put":
            ready.put(peer, outstanding)
            model.append((peer, outstanding))
        else:
            ready.discard(peer)
        assert len(ready) == len(model)
