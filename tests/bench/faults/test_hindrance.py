"""A hindered service gives the same answers, later; one that is left alone is just the service."""

import math
import time
from threading import Thread

import pytest

from bench.faults.hindrance import Hindered, Hindrance
from common.services import Refusal, ServiceSpec, handling, is_at_once, load_service

BOUND_S = 10.0
BODY = (b"body",)


@pytest.fixture
def hindrance(tmp_path):
    return Hindrance(tmp_path / "worker-1.hindrance")


def service(name: str, hindrance: Hindrance, mean_ms: float = 20.0) -> Hindered:
    return Hindered(load_service(ServiceSpec(name=name, mean_ms=mean_ms)), hindrance.path)


def seconds(handle: Hindered) -> float:
    handling(b"t-1")
    begin = time.monotonic()
    assert handle(BODY) == BODY
    return time.monotonic() - begin


@pytest.mark.parametrize("name", ["sleep", "spin"])
def test_slow_takes_so_many_times_as_long_and_then_no_more(name, hindrance):
    handle = service(name, hindrance)
    hindrance.set(5)
    assert 0.1 <= seconds(handle) < 0.5
    assert hindrance.lift() == 1
    assert 0.02 <= seconds(handle) < 0.1


def test_left_alone_nothing_is_counted(hindrance):
    assert seconds(service("echo", hindrance)) < 0.1
    assert hindrance.lift() == 0


def test_a_wedged_execution_does_not_end_until_it_is_lifted(hindrance):
    handle = service("echo", hindrance)
    answers: list[object] = []
    hindrance.set(math.inf)
    thread = Thread(target=lambda: answers.append(handle(BODY)))
    thread.start()
    try:
        until(lambda: hindrance.hindered == 1)
        thread.join(0.05)
        assert thread.is_alive()
        assert not answers
    finally:
        assert hindrance.lift() == 1
        thread.join(BOUND_S)
    assert answers == [BODY]


def test_an_execution_that_runs_already_is_wedged_as_well(hindrance):
    handle = service("sleep", hindrance, mean_ms=100)
    thread = Thread(target=lambda: seconds(handle))
    thread.start()
    hindrance.set(math.inf)
    try:
        until(lambda: hindrance.hindered == 1)
        assert thread.is_alive()
    finally:
        hindrance.lift()
        thread.join(BOUND_S)
    assert not thread.is_alive()


def test_a_process_that_is_started_again_finds_what_was_said_before(hindrance):
    hindrance.set(2)
    service("echo", hindrance)(BODY)
    service("echo", hindrance)(BODY)
    assert hindrance.lift() == 2


def test_a_refusal_is_hindered_too_and_stays_one(hindrance):
    def refuses(body):
        raise Refusal(b"no")

    hindrance.set(2)
    with pytest.raises(Refusal):
        Hindered(refuses, hindrance.path)(BODY)
    assert hindrance.lift() == 1


def until(condition) -> None:
    deadline = time.monotonic() + BOUND_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_what_is_over_at_once_is_not_when_it_may_be_hindered(hindrance):
    """It has a thread of its own then, and its worker beats while it hangs."""
    assert is_at_once(load_service(ServiceSpec("echo")))
    assert not is_at_once(Hindered(load_service(ServiceSpec("echo")), hindrance.path))
