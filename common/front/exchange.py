"""One HTTP request and its response, on Tornado's HTTP/1 connection; the hot path of the front.

Tornado calls ``headers_received``, ``data_received`` for each piece of a body, ``finish``;
``on_connection_close`` if the connection broke before that. Below ``tornado.web``: a ``RequestHandler``
costs another 100 us a request.

Invariant: a request is answered at most once, and only what arrived whole and in good order is submitted.
"""

import logging
from collections.abc import Coroutine
from time import monotonic, time

from tornado.http1connection import HTTP1Connection
from tornado.httputil import HTTPHeaders, HTTPMessageDelegate, RequestStartLine, ResponseStartLine
from tornado.iostream import IOStream

from common.front import problem, request
from common.front.closing import turn_away
from common.front.metrics import Tally
from common.front.pages import Pages
from common.front.patience import Patience
from common.front.problem import Refused
from common.front.response import encode
from common.front.transactions import Desk
from common.transaction import Answer

log = logging.getLogger("brokerbench.front")

_OCTETS = b"application/octet-stream"
_PROBLEM = problem.MEDIA_TYPE.encode()
_DISCARDED_BODIES = 16
"""How many times the largest body is read and thrown away before a peer that was turned away is cut off."""


class Site:
    """What all exchanges of one front share."""

    def __init__(
        self, desk: Desk, pages: Pages, tally: Tally, patience: Patience[IOStream], bytes_max: int
    ) -> None:
        self.desk = desk
        self.pages = pages
        self.tally = tally
        self.patience = patience
        self.body_bytes_max = bytes_max
        self.open = 0
        """Exchanges that have begun and whose response is not wholly written."""


class Exchange(HTTPMessageDelegate):
    """One request, from its head to the last byte of its response."""

    __slots__ = (
        "_begun", "_chunks", "_connection", "_fields", "_order", "_over", "_path", "_refusal", "_site",
        "_size", "_start_line", "_stream",
    )  # fmt: skip

    def __init__(self, site: Site, connection: HTTP1Connection) -> None:
        self._site = site
        self._connection = connection
        self._stream = connection.stream
        self._order: request.Order | None = None
        self._refusal: Refused | None = None
        self._chunks: list[bytes] = []
        self._size = 0
        self._over = False
        """Whether the response is decided, or nobody waits for it any more."""

    # --- called by Tornado, in this order ---

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders
    ) -> Coroutine[None, None, None] | None:
        assert isinstance(start_line, RequestStartLine)
        if self._stream.closed():  # Tornado reads on in what came before the end
            self._over = True
            return None
        self._begun = monotonic()
        self._start_line = start_line
        self._fields = _fields(headers)
        self._site.open += 1
        self._site.patience.transfer(self._stream, self._begun)
        try:
            self._read_head(start_line)
        except Refused as refusal:
            self._refusal = refusal
            if refusal.kind == "too-large" or "Expect" in self._fields:
                return self._turn_away(refusal)
        return None

    def data_received(self, chunk: bytes) -> Coroutine[None, None, None] | None:
        if self._over:
            return None
        self._size += len(chunk)
        if self._size > self._site.body_bytes_max:
            self._chunks.clear()
            return self._turn_away(self._refusal or self._too_large())
        if self._refusal is None:
            self._chunks.append(chunk)
        return None

    def finish(self) -> None:
        if self._over:
            return
        try:
            self._carry_out()
        except Refused as refusal:
            self._refuse(refusal)

    def on_connection_close(self) -> None:
        if not self._over:
            self._over = True
            self._leave()

    # --- what the request asks for ---

    def _read_head(self, start_line: RequestStartLine) -> None:
        method, target, version = start_line
        self._path = path = request.path_of(target)
        request.check_host(version, self._fields)
        if request.is_transaction(path):
            order = request.read_order(method, path, self._fields, self._begun, self._site.desk.make_id)
            request.check_length(self._fields, self._site.body_bytes_max, order.id)
            self._order = order
        else:
            self._site.pages.check(method, path)
            request.check_length(self._fields, self._site.body_bytes_max)

    def _carry_out(self) -> None:
        if self._refusal is not None:
            raise self._refusal
        if self._order is None:
            page = self._site.pages.read(self._path)
            self._respond(200, page.media_type, b"Cache-Control: no-store\r\n", page.body)
            return
        self._site.patience.suspend(self._stream)
        chunks, self._chunks = self._chunks, []
        self._site.desk.take(self._order, b"".join(chunks), self._answered)
        if not self._over:
            self._connection.set_close_callback(self.on_connection_close)

    def _answered(self, answer: Answer) -> None:
        if self._over or self._stream.closed():
            self._site.tally.dropped += 1
            self.on_connection_close()
            return
        assert self._order is not None
        id = self._order.id
        seconds = monotonic() - self._begun
        self._site.tally.answered(answer.fate, seconds)
        fields = _transaction_fields(id, answer, seconds)
        trouble = problem.of_answer(answer, id)
        if trouble is None:
            self._respond(200, _OCTETS, fields, b"".join(answer.body))
            return
        self._log(trouble)
        self._respond(trouble.status, _PROBLEM, fields + problem.fields(trouble), problem.encode(trouble))

    # --- the response ---

    def _refuse(self, refusal: Refused) -> None:
        trouble = self._count(refusal)
        self._respond(trouble.status, _PROBLEM, _refusal_fields(refusal), problem.encode(trouble))

    def _respond(self, status: int, media_type: bytes, fields: bytes, body: bytes) -> None:
        self._over = True
        self._site.patience.transfer(self._stream, monotonic())
        written = self._connection.write(self._encode(status, media_type, fields + self._persistence(), body))
        self._connection.finish()
        if written.done():
            self._leave()
        else:
            written.add_done_callback(lambda _: self._leave())

    async def _turn_away(self, refusal: Refused) -> None:
        """Refuse a request whose body is not worth reading, and close the connection."""
        self._over = True
        trouble = self._count(refusal)
        fields = _refusal_fields(refusal) + b"Connection: close\r\n"
        response = self._encode(trouble.status, _PROBLEM, fields, problem.encode(trouble))
        await turn_away(self._stream, response, _DISCARDED_BODIES * self._site.body_bytes_max)
        self._leave()

    def _encode(self, status: int, media_type: bytes, fields: bytes, body: bytes) -> bytes:
        label = request.request_id(self._fields)
        if label:
            fields += b"X-Request-ID: %b\r\n" % label
        bodiless = self._start_line.method == "HEAD"
        return encode(status, media_type, fields, body, second=int(time()), bodiless=bodiless)

    def _persistence(self) -> bytes:
        """What to say about the connection, which Tornado keeps or closes by the same rules."""
        wish = self._fields.get("Connection", "").lower()
        if self._site.desk.draining:
            return b"Connection: close\r\n"
        if self._start_line.version == "HTTP/1.1":
            return b"Connection: close\r\n" if wish == "close" else b""
        return b"Connection: keep-alive\r\n" if wish == "keep-alive" else b""

    def _leave(self) -> None:
        self._site.open -= 1

    def _too_large(self) -> Refused:
        id = self._order.id if self._order else b""
        return request.too_large("more than that, in chunks", self._site.body_bytes_max, id)

    def _count(self, refusal: Refused) -> problem.Problem:
        trouble = problem.of_refusal(refusal)
        self._site.tally.refused[trouble.status] += 1
        self._log(trouble)
        return trouble

    def _log(self, trouble: problem.Problem) -> None:
        if log.isEnabledFor(logging.DEBUG):
            log.debug(
                "%s %.200s: %d %s (%s; request id %r, traceparent %.100r)",
                self._start_line.method, self._start_line.path, trouble.status, trouble.fate, trouble.detail,
                request.request_id(self._fields), self._fields.get("Traceparent"),
            )  # fmt: skip


def _fields(headers: HTTPHeaders) -> request.Fields:
    """Tornado's headers as a dict: several look-ups for the price of one."""
    pairs = list(headers.get_all())
    fields = dict(pairs)
    return fields if len(fields) == len(pairs) else dict(headers)


def _transaction_fields(id: bytes, answer: Answer, seconds: float) -> bytes:
    """``Server-Timing`` in ms; ``net`` is what neither waiting nor working explains."""
    waited = answer.waited_us / 1000
    worked = answer.worked_us / 1000
    return (
        b"Transaction-Id: %b\r\n"
        b"Server-Timing: queue;dur=%.3f, work;dur=%.3f, slot;dur=%.3f, net;dur=%.3f\r\n"
        % (id, waited, worked, answer.slot_us / 1000, max(0.0, seconds * 1000 - waited - worked))
    )


def _refusal_fields(refusal: Refused) -> bytes:
    fields = problem.fields(problem.of_refusal(refusal), refusal.allow)
    return b"Transaction-Id: %b\r\n%b" % (refusal.id, fields) if refusal.id else fields
