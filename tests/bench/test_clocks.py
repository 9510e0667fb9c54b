"""Clocks beside CLOCK_MONOTONIC: what is told when they are stepped, and when they could not be read together."""

from bench.clocks import MACHINE, TRIES, Clocks
from tests.bench.facts import MS, S


class Machine:
    """A machine whose clocks a test sets; each look at CLOCK_MONOTONIC takes ``apart_ns``."""

    def __init__(self, apart_ns: int = 0) -> None:
        self.monotonic_ns, self.wall_ns, self.boot_ns = 100 * S, 1_760_000_000 * S, 100 * S
        self.apart_ns = apart_ns
        self.looks = 0

    def tick(self) -> int:
        self.looks += 1
        self.monotonic_ns += self.apart_ns
        return self.monotonic_ns

    @property
    def clocks(self) -> Clocks:
        return Clocks(self.tick, lambda: self.wall_ns, lambda: self.boot_ns)


def test_a_step_of_the_time_of_day_shows():
    machine = Machine()
    before = machine.clocks.ahead()
    machine.wall_ns -= 2 * S
    after = machine.clocks.ahead()
    assert before is not None
    assert after is not None
    assert after.wall_s - before.wall_s == -2
    assert after.boot_s == before.boot_s == 0


def test_a_suspend_shows_in_the_clock_that_ran_on():
    machine = Machine()
    machine.boot_ns += 30 * S
    ahead = machine.clocks.ahead()
    assert ahead is not None
    assert ahead.boot_s == 30


def test_clocks_read_too_far_apart_are_read_again_and_then_not_told():
    machine = Machine(apart_ns=2 * MS)
    assert machine.clocks.ahead() is None
    assert machine.looks == 2 * TRIES


def test_this_machines_clocks_can_be_read():
    ahead = MACHINE.ahead()
    assert ahead is None or ahead.wall_s > 0
