"""How long a connection may keep the front waiting, on a clock of the test's own."""

from common.front.patience import Patience


class Stream:
    def __init__(self) -> None:
        self.open = True

    def closed(self) -> bool:
        return not self.open

    def close(self) -> None:
        self.open = False


def test_each_phase_has_its_own_patience():
    patience, idle, transfer, waiting = Patience[Stream](60, 30), Stream(), Stream(), Stream()
    patience.idle(idle, 0)
    patience.transfer(transfer, 0)
    patience.idle(waiting, 0)
    patience.suspend(waiting)
    assert patience.sweep(29.9) == 0
    assert patience.sweep(30) == 1
    assert (idle.open, transfer.open) == (True, False)
    assert patience.sweep(60) == 1
    assert patience.sweep(1e9) == 0
    assert waiting.open


def test_a_stream_that_moves_on_is_not_overdue():
    patience, stream = Patience[Stream](60, 30), Stream()
    patience.transfer(stream, 0)
    patience.idle(stream, 29)
    assert patience.sweep(80) == 0
    assert stream.open


def test_closed_streams_are_forgotten_and_not_counted():
    patience, stream = Patience[Stream](60, 30), Stream()
    patience.idle(stream, 0)
    stream.close()
    assert patience.sweep(1000) == 0
    assert repr(patience) == "<Patience with 0 connections>"


def test_sweeps_are_often_enough_for_the_shortest_patience():
    assert Patience[Stream](60, 30).sweep_s == 1
    assert Patience[Stream](60, 0.2).sweep_s == 0.05
