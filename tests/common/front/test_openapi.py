"""The front does what ``/openapi.json`` says, as far as schemathesis can tell; and says all that it does."""

import asyncio
import itertools
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import schemathesis
from schemathesis.engine import from_schema
from schemathesis.engine.events import FatalError, NonFatalError, ScenarioFinished

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


CONFIG = {
    "seed": 1,
    "workers": 1,
    "continue-on-failure": True,
    "request-timeout": BOUND_S,
    "cache": {"enabled": False},
    "generation": {
        "mode": "all",
        "max-examples": 20,
        "deterministic": True,
        "database": "none",
        "allow-extra-parameters": False,
    },
    "phases": {"stateful": {"enabled": False}},
}


class Findings:
    """What schemathesis did to a front, and what it found wrong."""

    def __init__(self) -> None:
        self.statuses: set[int] = set()
        self.checks: set[str] = set()
        self.failures: list[str] = []

    def collect(self, port: int) -> None:
        config = schemathesis.Config.from_dict(CONFIG)
        api = schemathesis.openapi.from_url(f"http://127.0.0.1:{port}/openapi.json", config=config)
        for event in from_schema(api).execute():
            if isinstance(event, FatalError | NonFatalError):
                self.failures.append(repr(event))
            elif isinstance(event, ScenarioFinished):
                self._take(event)

    def _take(self, event: ScenarioFinished) -> None:
        for interaction in event.recorder.interactions.values():
            if interaction.response is not None:
                self.statuses.add(interaction.response.status_code)
        for check in itertools.chain.from_iterable(event.recorder.checks.values()):
            self.checks.add(check.name)
            if check.failure_info is not None:
                info = check.failure_info
                self.failures.append(f"{event.label}, {check.name}: {info.failure!r}\n{info.code_sample}")


def test_the_front_keeps_to_its_document():
    findings = Findings()
    with serving_aside() as port:
        findings.collect(port)
    assert findings.failures == []
    assert findings.statuses >= {200, 400, 405}  # it did try
    assert findings.checks >= {
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_headers_conformance",
        "response_schema_conformance",
        "negative_data_rejection",
        "positive_data_acceptance",
        "unsupported_method",
    }


@pytest.mark.parametrize(("path", "method"), [("/v1/transactions/{id}", "put"), ("/v1/transactions", "post")])
def test_every_fate_of_a_transaction_is_in_the_document(path, method):
    responses = document(1000)["paths"][path][method]["responses"]
    assert {"200", "422", "503", "504"} <= set(responses)
    assert all(f"Fate {KINDS[kind].fate.value}" in responses[str(KINDS[kind].status)]["description"] for kind in KINDS
               if kind in ("failed", "rejected", "unknown", "conflict", "too-large", "malformed"))  # fmt: skip
