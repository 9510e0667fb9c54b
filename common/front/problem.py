"""Fates and errors as HTTP: the one place that knows which status, and what a problem document (RFC 9457)
says.

Invariant: whatever is not a 200 carries ``fate`` and ``definite``, so that a client never has to guess from
a status whether its transaction can still take effect.
"""

from typing import NamedTuple

import msgspec

from common.transaction import Answer, Fate

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_S = 1
"""What ``Retry-After`` says: whole seconds, and one is far longer than a queue takes to move on."""
DETAIL_LENGTH_MAX = 4096
"""Characters of a service's refusal that are passed on."""


class Kind(NamedTuple):
    """What all problems of one type have in common."""

    status: int
    title: str
    fate: Fate = Fate.REJECTED


KINDS = {
    "malformed": Kind(400, "The request is malformed"),
    "not-found": Kind(404, "There is nothing here"),
    "method-not-allowed": Kind(405, "The method is not allowed here"),
    "conflict": Kind(409, "Another body is in flight under this id"),
    "too-large": Kind(413, "The body is too large"),
    "failed": Kind(422, "The service refused", Fate.FAILED),
    "rejected": Kind(503, "The transaction was not handed on"),
    "draining": Kind(503, "This front is stopping"),
    "not-ready": Kind(503, "No live worker is known"),
    "unknown": Kind(504, "The transaction may have happened", Fate.UNKNOWN),
}
"""Every problem type, by the last part of its URI."""


class Refused(Exception):
    """The front did not hand on what was asked for: nothing has happened, nothing will.

    ``kind`` is a key of ``KINDS``; ``detail`` carries the value and the expectation; ``id`` is the
    transaction's where the request got so far as to have one; ``allow`` are the methods to try instead.
    """

    definite = True

    def __init__(self, kind: str, detail: str, id: bytes = b"", allow: str = "") -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail
        self.id = id
        self.allow = allow

    @property
    def status(self) -> int:
        """The HTTP status it is told with."""
        return KINDS[self.kind].status


class Problem(msgspec.Struct, frozen=True):
    """A problem document."""

    type: str
    title: str
    status: int
    detail: str
    fate: str
    definite: bool
    transaction_id: str | None


def of_answer(answer: Answer, id: bytes) -> Problem | None:
    """The problem that ``answer`` is; None where it is none."""
    match answer.fate:
        case Fate.COMPLETED:
            return None
        case Fate.FAILED:
            return _problem("failed", _said_by_service(answer), id)
        case Fate.REJECTED:
            return _problem("rejected", answer.reason or "no reason was given", id)
        case Fate.UNKNOWN:
            return _problem("unknown", answer.reason or "there was no answer in time", id)


def of_refusal(refusal: Refused) -> Problem:
    """The document that tells ``refusal``."""
    return _problem(refusal.kind, refusal.detail, refusal.id)


def type_uri(kind: str) -> str:
    """The URI of a problem type: a name, nothing to fetch."""
    return f"urn:brokerbench:problem:{kind}"


def encode(problem: Problem) -> bytes:
    """``problem`` as JSON."""
    return msgspec.json.encode(problem)


def fields(problem: Problem, allow: str = "") -> bytes:
    """The header lines a problem brings along, each with its line end."""
    lines = b"Retry-After: %d\r\n" % RETRY_AFTER_S if problem.status == 503 else b""
    return lines + b"Allow: %b\r\n" % allow.encode() if allow else lines


def _problem(kind: str, detail: str, id: bytes) -> Problem:
    status, title, fate = KINDS[kind]
    return Problem(type_uri(kind), title, status, detail, fate.value, fate.definite, id.decode() or None)


def _said_by_service(answer: Answer) -> str:
    head = b"".join(answer.body)[: 4 * DETAIL_LENGTH_MAX]
    return head.decode("utf-8", "replace")[:DETAIL_LENGTH_MAX] or "the service gave no reason"
