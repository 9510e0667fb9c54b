"""One persistent HTTP/1.1 connection to a front: a request out, its answer in, one at a time.

Invariant: while it holds an exchange, exactly one of three things ends that: the whole answer, the loss of
the connection, or ``hang_up``, after which the exchange is its caller's again. Bytes that nobody asked for
end the connection.
"""

import asyncio
import time
from typing import Literal, Protocol

import httptools

from bench.load.answer import Headers, read_answer
from bench.load.exchange import Ending, Exchange
from bench.load.spec import LoadSpec


class Owner(Protocol):
    """What a connection knows of the pool that it belongs to."""

    target: str
    method: Literal["PUT", "POST"]
    check: Literal["echo", "none"]

    def take_back(self, connection: "Connection") -> None:
        """It is idle again."""

    def lost(self, connection: "Connection") -> None:
        """It is closed."""

    def answered(self, exchange: Exchange) -> None:
        """Its answer is whole, and written into it."""

    def end(self, exchange: Exchange, ending: Ending) -> None:
        """It gets no answer."""


class Request:
    """Builds requests to one target from parts made beforehand."""

    def __init__(self, spec: LoadSpec, target: str) -> None:
        rest = (
            f"Host: {target}\r\nRequest-Timeout: {spec.timeout_s:.3f}\r\n"
            "Content-Type: application/octet-stream\r\nContent-Length: "
        ).encode()
        if spec.method == "PUT":
            self._before = b"PUT /v1/transactions/"
            self._after = b" HTTP/1.1\r\n" + rest
        else:
            self._before = b"POST /v1/transactions HTTP/1.1\r\nX-Request-ID: "
            self._after = b"\r\n" + rest

    def octets(self, exchange: Exchange) -> bytes:
        """The request of one transaction, whole."""
        body = exchange.body
        return b"%b%b%b%d\r\n\r\n%b" % (self._before, exchange.id, self._after, len(body), body)


class Connection(asyncio.Protocol):
    """One keep-alive connection."""

    transport: asyncio.Transport

    def __init__(self, owner: Owner) -> None:
        self._owner = owner
        self._exchange: Exchange | None = None
        self._parser: httptools.HttpResponseParser | None = None
        self._headers = Headers()
        self._body: list[bytes] = []
        self._status = 0
        """Of the whole answer at hand; 0 while there is none."""
        self._reusable = True

    def __repr__(self) -> str:
        return f"<Connection to {self._owner.target} {'idle' if self._exchange is None else 'busy'}>"

    @property
    def usable(self) -> bool:
        """Whether, for all that is known, the other side still listens."""
        return not self.transport.is_closing()

    def send(self, exchange: Exchange, octets: bytes) -> None:
        """Send a request; this connection must be idle."""
        assert self._exchange is None
        self._exchange = exchange
        exchange.hang_up = self.hang_up
        exchange.bytes_out = len(octets)
        exchange.sent_ns = time.monotonic_ns()
        self.transport.write(octets)

    def hang_up(self) -> None:
        """Let go of the exchange without ending it, and close: a late answer must find nobody."""
        self._exchange = None
        self.transport.abort()

    # --- asyncio's callbacks ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called once, first."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self._parser = httptools.HttpResponseParser(self)

    def data_received(self, data: bytes) -> None:
        """Parse; the answer may be whole after it."""
        exchange = self._exchange
        if exchange is None or self._parser is None:
            self.transport.abort()
            return
        exchange.bytes_in += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserCallbackError:
            raise  # ours: a bug
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._reusable = False
        if self._status:
            self._answered(exchange)
        elif not self._reusable:
            self.transport.abort()  # garbage: connection_lost ends the exchange

    def connection_lost(self, error: Exception | None) -> None:
        """Called once, last."""
        self._parser = None  # it holds our methods: a cycle, and the collector is off
        self._owner.lost(self)
        exchange, self._exchange = self._exchange, None
        if exchange is not None:
            self._owner.end(exchange, Ending.BROKEN)

    # --- httptools' callbacks ---

    def on_message_begin(self) -> None:
        """A second answer behind the one that is whole: nobody asked for it."""
        if self._status:
            self._reusable = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep the few that matter."""
        if self._status or len(name) not in (12, 13, 14):
            return
        name = name.lower()
        if name == b"transaction-id":
            self._headers.transaction_id = value
        elif name == b"server-timing":
            self._headers.server_timing = value
        elif name == b"x-request-id":
            self._headers.request_id = value

    def on_body(self, body: bytes) -> None:
        """Keep it until it is whole."""
        if not self._status:
            self._body.append(body)

    def on_message_complete(self) -> None:
        """The answer is whole, unless it is a provisional one (100 Continue)."""
        if self._status or self._parser is None:
            return
        status = self._parser.get_status_code()
        if status < 200:
            return
        self._status = status
        self._reusable = self._parser.should_keep_alive()

    def _answered(self, exchange: Exchange) -> None:
        exchange.done_ns = time.monotonic_ns()
        body = self._body[0] if len(self._body) == 1 else b"".join(self._body)
        read_answer(exchange, self._status, self._headers, body, self._owner.method, self._owner.check)
        self._exchange, self._headers, self._status = None, Headers(), 0
        self._body.clear()
        if self._reusable and not self.transport.get_write_buffer_size():
            self._owner.take_back(self)
        else:
            self.transport.abort()
        self._owner.answered(exchange)
