"""The carrier of level client: this process drives the topology's client itself, without HTTP.

Invariant: as for every carrier, an exchange ends exactly once: by the client's answer or by ``abandon``; an
answer after that is ignored.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Literal, Protocol

from bench.load.exchange import ENDING_OF, Ended, Ending, Exchange
from bench.load.spec import NS_PER_S, ClientSpec, LoadSpec
from common.transaction import Answer, Transaction

READY_POLL_S = 0.02


class CannotDrive(Exception):
    """The client could not be opened, or knew no live worker in time."""


class Client(Protocol):
    """What is driven: a topology's client on this process's asyncio loop."""

    @property
    def ready(self) -> bool:
        """Whether a live worker is known."""

    def submit(self, transaction: Transaction, answered: Callable[[Answer], None]) -> None:
        """Take a transaction; ``answered`` is called exactly once, on the loop, perhaps before this
        returns.
        """

    def close(self) -> None:
        """Close its sockets."""


class ClientCarrier:
    """Hands transactions to a ``Client``."""

    connections = 0
    """What the client's sockets connect is none of the load's business."""

    def __init__(self, spec: LoadSpec, client: Client, ended: Ended) -> None:
        self._client = client
        self._ended = ended
        self._retry = spec.method == "PUT"
        self._timeout_ns = round(spec.timeout_s * NS_PER_S)
        self._check: Literal["echo", "none"] = spec.check
        self._ready_s = spec.client.ready_s if spec.client else 0.0
        self._was_ready = False

    async def prepare(self, parallel: int) -> None:
        """Wait until a live worker is known.

        Raises:
            CannotDrive: that took too long.
        """
        give_up = time.monotonic() + self._ready_s
        while not (self._was_ready or self._client.ready):
            if time.monotonic() >= give_up:
                raise CannotDrive(f"the client must know a live worker within {self._ready_s:g} s, got none")
            await asyncio.sleep(READY_POLL_S)
        self._was_ready = True  # between steps nobody is waited for: a worker may be meant to be dead

    def send(self, exchange: Exchange) -> None:
        """Submit it, with its time to live counted from now, as the front does."""
        exchange.sent_ns = time.monotonic_ns()
        exchange.deadline_ns = exchange.sent_ns + self._timeout_ns
        exchange.bytes_out = len(exchange.body)
        transaction = Transaction(exchange.id, (exchange.body,), exchange.deadline_ns / NS_PER_S, self._retry)

        def answered(answer: Answer) -> None:
            if not exchange.done_ns:
                exchange.done_ns = time.monotonic_ns()
                self._read(exchange, answer)
                self._ended(exchange)

        self._client.submit(transaction, answered)

    def abandon(self, exchange: Exchange) -> None:
        """The client never answered, which it must: indefinite."""
        exchange.ending = Ending.BROKEN
        exchange.done_ns = time.monotonic_ns()
        self._ended(exchange)

    async def close(self) -> None:
        """Close the client."""
        self._client.close()

    def _read(self, exchange: Exchange, answer: Answer) -> None:
        exchange.ending = ENDING_OF[answer.fate]
        exchange.waited_us, exchange.slot_us, exchange.worked_us = (
            answer.waited_us,
            answer.slot_us,
            answer.worked_us,
        )
        exchange.attempts = answer.attempts
        exchange.bytes_in = sum(map(len, answer.body))
        exchange.answer_ok = (
            exchange.ending is not Ending.COMPLETED
            or self._check == "none"
            or b"".join(answer.body) == exchange.body
        )


def client_of(spec: ClientSpec, seed: int) -> Client:
    """The topology's client for ``spec``, running on the current loop.

    Raises:
        CannotDrive: there is no such topology.
    """
    from bench.part import PartSpec, open_client  # level rest needs no zmq

    try:
        return open_client(PartSpec(spec.topology, spec.part, spec.settings, seed, spec.folder))
    except ValueError as error:
        raise CannotDrive(str(error)) from error
