"""The rules of handing on: credit, order, failover."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from common.dispatcher import Dispatcher, Job, Peer, QueueFull
from common.liveness import Pulse
from common.settings import Beats, Retries

NOW = 100.0


def dispatcher(queue=10, burst=10):
    made: Dispatcher[str] = Dispatcher(queue, Retries(burst=burst, ratio=0.0))
    return made


def peer(name, credit, to=None):
    made: Peer[str] = Peer(name.encode(), credit, Pulse(Beats(), NOW))
    if to is not None:
        to.offer(made)
    return made


def job(name="a", retry=True, deadline=NOW + 5, now=NOW):
    made: Job[str] = Job(name.encode(), name, deadline, retry, now)
    return made


# --- whose turn, what waits -------------------------------------------------------------------------------


def test_a_job_goes_to_a_ready_peer_at_once():
    hub = dispatcher()
    one = peer("one", 1, hub)
    work = job()
    assert hub.submit(work, NOW) is one
    assert (work.peer, work.attempts, list(one.held), hub.held) == (one, 1, [work], 1)


def test_a_job_waits_while_nobody_is_ready_and_is_bounded():
    hub = dispatcher(queue=1)
    assert hub.submit(job("a"), NOW) is None
    with pytest.raises(QueueFull):
        hub.submit(job("b"), NOW)
    assert [waiting.id for waiting in hub.waiting.items()] == [b"a"]


def test_a_peer_is_given_no_more_than_its_credit():
    hub = dispatcher()
    peer("one", 2, hub)
    assert [hub.submit(job(name), NOW) is None for name in "abc"] == [False, False, True]


def test_the_one_with_the_fewest_outstanding_is_next_and_among_equals_the_least_recently_used():
    hub = dispatcher()
    for name in ("one", "two"):
        peer(name, 2, hub)
    takers = []
    for name in "abcd":
        taker = hub.submit(job(name), NOW)
        assert taker is not None
        takers.append(taker.name)
    assert takers == [b"one", b"two", b"one", b"two"]


def test_a_released_job_gives_its_credit_to_the_one_that_has_waited_longest():
    hub = dispatcher()
    one = peer("one", 1, hub)
    first, second, third = job("a"), job("b"), job("c")
    for work in (first, second, third):
        hub.submit(work, NOW)
    hub.release(first)
    assert hub.next(NOW + 1) == (second, one)
    assert hub.next(NOW + 1) is None
    assert second.waited_s == 1.0
    assert first.peer is None


def test_a_retired_peer_is_given_nothing_and_finishes_what_it_holds():
    hub = dispatcher()
    one = peer("one", 2, hub)
    work = job()
    hub.submit(work, NOW)
    hub.retire(one)
    assert hub.submit(job("b"), NOW) is None
    hub.release(work)
    hub.offer(one)
    assert hub.next(NOW) is None


# --- what comes back --------------------------------------------------------------------------------------


def test_what_a_lost_peer_held_waits_again_before_all_others_in_its_old_order():
    hub = dispatcher()
    one = peer("one", 2, hub)
    for name in "abc":
        hub.submit(job(name), NOW)
    lost = hub.lose(one, NOW + 1)
    assert [again.id for again in lost.again] == [b"a", b"b"]
    assert [waiting.id for waiting in hub.waiting.items()] == [b"a", b"b", b"c"]
    assert (lost.unknown, lost.unfunded, hub.held) == ([], [], 0)
    assert all(again.tried for again in lost.again)


def test_what_may_not_be_repeated_or_is_out_of_time_is_unknown():
    hub = dispatcher()
    one = peer("one", 3, hub)
    once, late, again = job("once", retry=False), job("late", deadline=NOW + 1), job("again")
    for work in (once, late, again):
        hub.submit(work, NOW)
    lost = hub.lose(one, NOW + 1)
    assert (lost.again, lost.unknown) == ([again], [once, late])


def test_resends_beyond_the_budget_are_unfunded():
    hub = dispatcher(burst=1)
    one = peer("one", 2, hub)
    first, second = job("a"), job("b")
    hub.submit(first, NOW)
    hub.submit(second, NOW)
    lost = hub.lose(one, NOW)
    assert (lost.again, lost.unfunded) == ([first], [second])


def test_a_lost_peer_is_given_nothing():
    hub = dispatcher()
    one = peer("one", 2, hub)
    hub.submit(job("a"), NOW)
    hub.lose(one, NOW)
    assert hub.next(NOW) is None


def test_a_lost_peer_is_given_nothing_also_when_what_it_held_is_released_late():
    hub = dispatcher()
    one = peer("one", 2, hub)
    work = job("a", retry=False)
    hub.submit(work, NOW)
    hub.lose(one, NOW)
    assert work.peer is None
    assert hub.submit(job("b"), NOW) is None


def test_what_never_reached_its_peer_was_not_tried():
    hub = dispatcher()
    peer("one", 1, hub)
    refused, waiting = job("a", retry=False), job("b")
    hub.submit(refused, NOW)
    hub.submit(waiting, NOW)
    hub.unsent(refused, NOW + 1)
    assert hub.waiting.items() == [refused, waiting]
    assert (refused.attempts, refused.tried, refused.peer, hub.held) == (0, False, None, 0)
    assert set(hub.expire(NOW + 5)) == {refused, waiting}


def test_waiting_adds_up_over_all_attempts():
    hub = dispatcher()
    work = job()
    hub.submit(work, NOW)
    one = peer("one", 1, hub)
    assert hub.next(NOW + 1) == (work, one)
    hub.lose(one, NOW + 2)
    assert hub.expire(NOW + 5) == [work]
    assert work.waited_s == 1 + 3


# --- in any order -----------------------------------------------------------------------------------------


class Dispatching(RuleBasedStateMachine):
    """A job is in one place; nobody holds more than its credit; nothing goes to the lost or retired."""

    peers: Bundle[Peer[str]] = Bundle("peers")

    def __init__(self):
        super().__init__()
        self.now = NOW
        self.hub = dispatcher(queue=4, burst=3)
        self.jobs: list[Job[str]] = []
        self.alive: list[Peer[str]] = []
        self.ended: list[Job[str]] = []
        self.sent: dict[Job[str], int] = {}

    def end(self, jobs):
        self.ended += jobs

    def handed(self, work, taker):
        assert taker in self.alive
        assert not taker.retired
        self.sent[work] = self.sent.get(work, 0) + 1
        assert work.retry or self.sent[work] == 1

    def dispatch(self):
        self.end(self.hub.expire(self.now))
        while (pair := self.hub.next(self.now)) is not None:
            self.handed(*pair)

    @rule(target=peers, credit=st.integers(1, 3))
    def a_peer_comes(self, credit):
        made = peer(f"peer {len(self.alive)}", credit, self.hub)
        self.alive.append(made)
        self.dispatch()
        return made

    @rule(retry=st.booleans(), ttl=st.floats(0.1, 3))
    def submit(self, retry, ttl):
        work = job(f"job {len(self.jobs)}", retry, self.now + ttl, self.now)
        self.jobs.append(work)
        try:
            taker = self.hub.submit(work, self.now)
        except QueueFull:
            assert len(self.hub.waiting) >= 4
            self.end([work])
        else:
            if taker is not None:
                self.handed(work, taker)

    @rule(data=st.data())
    def one_is_done(self, data):
        held = [work for alive in self.alive for work in alive.held]
        if held:
            work = data.draw(st.sampled_from(held))
            self.hub.release(work)
            self.end([work])
            self.dispatch()

    @rule(data=st.data())
    def one_is_refused_by_the_network(self, data):
        held = [work for alive in self.alive for work in alive.held]
        if held:
            work = data.draw(st.sampled_from(held))
            taker = work.peer
            self.hub.unsent(work, self.now)
            self.sent[work] -= 1
            self.a_peer_is_lost(taker)

    @rule(lost=consumes(peers))
    def a_peer_is_lost(self, lost):
        if lost in self.alive:
            self.alive.remove(lost)
            outcome = self.hub.lose(lost, self.now)
            self.end(outcome.unknown + outcome.unfunded)
            self.dispatch()

    @rule(retired=peers)
    def a_peer_retires(self, retired):
        self.hub.retire(retired)

    @rule(seconds=st.floats(0, 2))
    def time_passes(self, seconds):
        self.now += seconds
        self.dispatch()

    @invariant()
    def a_job_is_in_exactly_one_place(self):
        held = [work for alive in self.alive for work in alive.held]
        places = self.hub.waiting.items() + held + self.ended
        assert len(places) == len(set(places)) == len(self.jobs)
        assert self.hub.held == len(held)
        assert all(work.peer is alive for alive in self.alive for work in alive.held)
        assert all(work.peer is None for work in self.hub.waiting.items())

    @invariant()
    def nobody_holds_more_than_its_credit(self):
        assert all(len(alive.held) <= alive.credit for alive in self.alive)

    @invariant()
    def nothing_waits_while_somebody_could_take_it(self):
        free = [alive for alive in self.alive if len(alive.held) < alive.credit and not alive.retired]
        assert not free or not self.hub.waiting


Dispatching.TestCase.settings = settings(max_examples=80, stateful_step_count=40)
TestDispatching = Dispatching.TestCase
