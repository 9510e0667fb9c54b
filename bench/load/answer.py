"""What an HTTP answer says of a transaction. Pure.

Invariant: nothing is believed that does not agree with itself. A fate counts only where status and problem
document (RFC 9457) name the same one, of this transaction; else the fate is unknown, which is always true.
"""

import re
from collections.abc import Sequence
from typing import Literal

import msgspec

from bench.load.exchange import ENDING_OF, Ending, Exchange
from common.transaction import Fate, is_id

FATE_OF = {200: Fate.COMPLETED, 422: Fate.FAILED, 503: Fate.REJECTED, 504: Fate.UNKNOWN}

_FATES = {fate.value: fate for fate in Fate}
_DURATION = re.compile(rb"\b(queue|slot|work);dur=([0-9]+(?:\.[0-9]+)?)")


class Problem(msgspec.Struct, frozen=True):
    """The members of a problem document that matter here."""

    fate: str = ""
    definite: bool | None = None
    transaction_id: str | None = None


_NO_PROBLEM = Problem()
_decode = msgspec.json.Decoder(Problem).decode


class Headers:
    """The headers of one answer, as far as they matter here; the last of a name counts."""

    __slots__ = ("request_id", "server_timing", "transaction_id")

    def __init__(self) -> None:
        self.transaction_id = b""
        self.server_timing = b""
        self.request_id = b""


def read_answer(
    exchange: Exchange,
    status: int,
    headers: Headers,
    body: bytes,
    method: Literal["PUT", "POST"],
    check: Literal["echo", "none"],
) -> None:
    """Write into ``exchange`` what the answer says: status, ending, whether it is its own, and durations."""
    exchange.status = status
    read_durations(exchange, headers.server_timing)
    problem = _NO_PROBLEM if status == 200 else read_problem(body)
    exchange.ending = ENDING_OF[fate_of(status, problem)]
    own = adopt(exchange, headers, problem) if method == "POST" else is_own(exchange.id, headers, problem)
    if own is False and status != 200:
        exchange.ending = Ending.UNKNOWN  # another's fate says nothing of this one's
    exchange.answer_ok = bool(own) and (
        check == "none" or exchange.ending is not Ending.COMPLETED or body == exchange.body
    )


def fate_of(status: int, problem: Problem) -> Fate:
    """The fate that status and problem agree on, UNKNOWN where they do not."""
    if status == 200:
        return Fate.COMPLETED
    told = _FATES.get(problem.fate, Fate.UNKNOWN)
    if FATE_OF.get(status, told) is not told or problem.definite not in (None, told.definite):
        return Fate.UNKNOWN
    return told


def is_own(id: bytes, headers: Headers, problem: Problem) -> bool | None:
    """Whether the answer is that of the transaction ``id``; None where it names none."""
    named = headers.transaction_id or (problem.transaction_id or "").encode()
    return named == id if named else None


def adopt(exchange: Exchange, headers: Headers, problem: Problem) -> bool | None:
    """Take over the id that the front gave to a POST. Whose answer it is, the echoed X-Request-ID tells.

    Returns as ``is_own``; the exchange keeps its own id, and is not ``named``, where the answer names none.
    """
    if headers.request_id and headers.request_id != exchange.id:
        return False
    named = headers.transaction_id or (problem.transaction_id or "").encode()
    if not is_id(named):
        return None
    exchange.id, exchange.named = named, True
    return True


def read_problem(body: bytes) -> Problem:
    """The problem document, or an empty one where the body is none."""
    try:
        return _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _NO_PROBLEM


def read_durations(exchange: Exchange, server_timing: bytes) -> None:
    """Server-Timing's ``queue``, ``slot`` and ``work``, from milliseconds to microseconds."""
    found: Sequence[tuple[bytes, bytes]] = _DURATION.findall(server_timing)
    for name, ms in found:
        us = round(float(ms) * 1000)
        if name == b"queue":
            exchange.waited_us = us
        elif name == b"slot":
            exchange.slot_us = us
        else:
            exchange.worked_us = us
