"""Who waits for what: one submission an id, one answer for all who wait for it, nothing kept."""

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from common.front.inflight import Conflict, InFlight
from common.transaction import Answer, Fate

DONE = Answer(Fate.COMPLETED, (b"done",))


def test_the_first_is_to_be_submitted_and_a_repeat_shares_its_answer():
    told: list[Answer] = []
    flights = InFlight()
    assert flights.enter(b"a", (b"x",), told.append)
    assert not flights.enter(b"a", (b"x",), told.append)
    assert flights.resolve(b"a", DONE) == 2
    assert told == [DONE, DONE]
    assert repr(flights) == "<InFlight 0 transactions>"


def test_another_body_conflicts_and_changes_nothing():
    flights = InFlight()
    told: list[Answer] = []
    flights.enter(b"a", (b"x",), told.append)
    with pytest.raises(Conflict):
        flights.enter(b"a", (b"y",), lambda answer: pytest.fail("told"))
    assert flights.resolve(b"a", DONE) == 1


def test_an_answer_that_nobody_waits_for_is_nobodys():
    assert InFlight().resolve(b"a", DONE) == 0


def test_who_hears_an_answer_can_enter_the_id_anew():
    flights, again = InFlight(), []
    flights.enter(b"a", (b"x",), lambda _: again.append(flights.enter(b"a", (b"y",), lambda _: None)))
    flights.resolve(b"a", DONE)
    assert again == [True]


class InFlightRules(RuleBasedStateMachine):
    """Against a model: everyone who entered is told exactly once, with the answer to their own id and body."""

    ids = Bundle("ids")

    def __init__(self) -> None:
        super().__init__()
        self.flights = InFlight()
        self.open: dict[bytes, bytes] = {}
        self.waiting: dict[bytes, int] = {}
        self.told: list[tuple[bytes, Answer]] = []

    @rule(target=ids, id=st.sampled_from([b"a", b"b", b"c"]))
    def name(self, id):
        return id

    @rule(id=ids, body=st.sampled_from([b"x", b"y"]))
    def enter(self, id, body):
        if self.open.get(id, body) != body:
            with pytest.raises(Conflict):
                self.flights.enter(id, (body,), lambda _: None)
            return
        first = self.flights.enter(id, (body,), lambda answer: self.told.append((id, answer)))
        assert first == (id not in self.open)
        self.open[id] = body
        self.waiting[id] = self.waiting.get(id, 0) + 1

    @rule(id=ids)
    def resolve(self, id):
        answer = Answer(Fate.COMPLETED, (id,))
        assert self.flights.resolve(id, answer) == self.waiting.pop(id, 0)
        self.open.pop(id, None)
        assert all(told == (id, answer) for told in self.told)
        self.told.clear()

    @rule()
    def resolve_all(self):
        self.flights.resolve_all(DONE)
        assert sorted(id for id, _ in self.told) == sorted(
            id for id, count in self.waiting.items() for _ in range(count)
        )
        for kept in (self.open, self.waiting, self.told):
            kept.clear()

    @invariant()
    def holds_what_is_open(self):
        assert len(self.flights) == len(self.open)


TestInFlightRules = InFlightRules.TestCase
