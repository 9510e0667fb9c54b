import asyncio
import time

from hypothesis import given
from hypothesis import strategies as st

from bench.load.pacer import Pacer, Timer

MS = 1_000_000


def test_nothing_is_due_before_its_instant():
    pacer = Pacer([5 * MS, 7 * MS])
    assert list(pacer.due(5 * MS - 1)) == []
    assert list(pacer.due(5 * MS)) == [0]
    assert list(pacer.due(5 * MS)) == []


def test_a_late_wake_hands_out_all_that_it_missed():
    pacer = Pacer([1 * MS, 2 * MS, 3 * MS, 9 * MS])
    assert list(pacer.due(4 * MS)) == [0, 1, 2]
    assert repr(pacer) == "<Pacer 3 of 4 handed out>"


def test_it_wakes_at_the_next_instant_but_not_twice_within_the_gap():
    pacer = Pacer([1 * MS, 1 * MS + 10, 5 * MS], gap_ns=100_000)
    pacer.due(1 * MS)
    assert pacer.wake_ns(1 * MS) == 1 * MS + 100_000
    pacer.due(1 * MS + 100_000)
    assert pacer.wake_ns(1 * MS + 100_000) == 5 * MS
    pacer.due(5 * MS)
    assert pacer.wake_ns(5 * MS) is None


def test_an_empty_schedule_wakes_nobody():
    assert Pacer([]).wake_ns(0) is None


@given(
    due=st.lists(st.integers(1, 10**9)).map(sorted),
    gap_ns=st.integers(0, 10**6),
    late_ns=st.lists(st.integers(0, 10**8), min_size=1),
)
def test_every_entry_is_handed_out_once_in_order_and_never_early(due, gap_ns, late_ns):
    pacer, now_ns, handed_out = Pacer(due, gap_ns), 0, []
    for wake in range(len(due) + 1):
        for index in pacer.due(now_ns):
            assert due[index] <= now_ns
            handed_out.append(index)
        next_ns = pacer.wake_ns(now_ns)
        if next_ns is None:
            break
        now_ns = next_ns + late_ns[wake % len(late_ns)]
    assert handed_out == list(range(len(due)))


async def test_the_timer_is_readable_from_its_instant_on_until_it_is_armed_anew():
    timer, rung = Timer(), asyncio.Event()
    loop = asyncio.get_running_loop()
    at_ns = time.monotonic_ns() + 3 * MS
    timer.arm(at_ns)

    def ring() -> None:
        timer.arm(time.monotonic_ns() + 10**12)
        rung.set()

    loop.add_reader(timer.fd, ring)
    try:
        await asyncio.wait_for(rung.wait(), 5)
        assert time.monotonic_ns() >= at_ns
        rung.clear()
        await asyncio.sleep(0)
        assert not rung.is_set()
        timer.arm(1)  # long past: at once
        await asyncio.wait_for(rung.wait(), 5)
    finally:
        loop.remove_reader(timer.fd)
        timer.close()
