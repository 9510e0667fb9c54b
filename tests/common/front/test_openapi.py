"""The front does what ``/openapi.json`` says, as far as schemathesis can tell; and says all that it does."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import hypothesis
import pytest
import schemathesis

from common.front.openapi import document
from common.front.problem import KINDS
from tests.common.front.serving import BOUND_S, serving


@contextmanager
def serving_aside() -> Iterator[int]:
    """A front in a thread of its own; its port."""
    ports: list[int] = []
    up = threading.Event()
    stop = asyncio.Event()
    loop = asyncio.new_event_loop()

    async def serve() -> None:
        async with serving() as site:
            ports.append(site.port)
            up.set()
            await stop.wait()

    def run() -> None:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(serve())

    thread = threading.Thread(target=run)
    thread.start()
    try:
        assert up.wait(BOUND_S)
        yield ports[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(BOUND_S)


@pytest.fixture
def api() -> Iterator[schemathesis.BaseSchema]:
    with serving_aside() as port:
        yield schemathesis.openapi.from_url(f"http://127.0.0.1:{port}/openapi.json")


schema = schemathesis.pytest.from_fixture("api")


@schema.parametrize()
@hypothesis.settings(
    max_examples=30, deadline=None, derandomize=True, suppress_health_check=list(hypothesis.HealthCheck)
)
def test_the_front_keeps_to_its_document(case):
    case.call_and_validate()
