"""What holds for both loops: a machine's time never goes back, whatever clock readings its driver is given."""

from collections.abc import Sequence
from time import monotonic
from typing import cast

from common.driver import Driver
from common.link import Link
from common.machine import Connected, Effect, Event, Note, Received, Submitted
from common.observer import Observer
from common.transaction import Transaction
from tests.common.recorder import Recorder

EVENT = Connected("here", b"tcp://peer")


class Timed(Recorder):
    """It remembers when it was told as well."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[float] = []

    def handle(self, event: Event, now: float) -> Sequence[Effect]:
        self.told.append(now)
        return super().handle(event, now)


class Inbox:
    """A link on which messages have arrived."""

    name = "here"

    def __init__(self, *messages: bytes) -> None:
        self.messages = list(messages)

    def receive(self) -> list[bytes] | None:
        return [self.messages.pop(0)] if self.messages else None


class Notebook(Observer):
    """It remembers when each note was taken."""

    def __init__(self) -> None:
        super().__init__("part", None)
        self.taken: list[float] = []

    def note(self, note: Note, now: float) -> None:
        self.taken.append(now)


def driver_of(machine: Timed, observer: Observer | None = None) -> Driver:
    return Driver(machine, {}, observer or Observer("part", None))


def test_an_event_that_was_read_earlier_is_told_no_earlier_than_what_was_told_already():
    machine = Timed()
    driver = driver_of(machine)
    for now in (5.0, 4.0, 5.5, 1.0):
        driver.feed(EVENT, now)
    assert machine.told == [5.0, 5.0, 5.5, 5.5]


def test_a_tick_comes_no_earlier_than_what_was_told_already():
    machine = Timed()
    driver = driver_of(machine)
    driver.feed(EVENT, 5.0)
    machine.due = 4.5
    driver.tick(4.0)
    assert machine.ticks == [5.0]


def test_an_event_comes_no_earlier_than_the_tick_before_it():
    machine = Timed()
    driver = driver_of(machine)
    machine.due = 4.5
    driver.tick(5.0)
    driver.feed(EVENT, 4.0)
    assert (machine.ticks, machine.told) == ([5.0], [5.0])


def test_a_note_bears_the_time_that_its_machine_was_told():
    machine, notebook = Timed(), Notebook()
    machine.react = lambda event: [Note("stale")]
    driver = driver_of(machine, notebook)
    driver.feed(EVENT, 5.0)
    driver.feed(EVENT, 4.0)
    assert notebook.taken == [5.0, 5.0]


def test_what_is_submitted_within_a_batch_is_later_than_what_the_loop_read_before_it():
    """The loop reads the clock, then delivers; who is answered submits the next with a reading of their own."""
    machine = Timed()
    driver = driver_of(machine)
    submitted: list[float] = []

    def react(event: Event) -> Sequence[Effect]:
        if isinstance(event, Received) and not submitted:
            submitted.append(monotonic())
            driver.feed(Submitted(Transaction(b"next", (), submitted[0] + 1, False)), submitted[0])
        return ()

    machine.react = react
    read_before = monotonic()
    driver.deliver(cast(Link, Inbox(b"answer", b"another")), read_before)
    driver.feed(EVENT, read_before)
    assert [type(event) for event in machine.events] == [Received, Submitted, Received, Connected]
    assert machine.told[:2] == [read_before, submitted[0]]
    assert machine.told == sorted(machine.told)
