"""Fates and errors as HTTP: the statuses and definiteness of the contract, and no document without them."""

import msgspec
import pytest

from common.front import problem
from common.front.problem import KINDS, Refused
from common.transaction import Answer, Fate


@pytest.mark.parametrize(
    ("fate", "status", "definite"),
    [(Fate.FAILED, 422, True), (Fate.REJECTED, 503, True), (Fate.UNKNOWN, 504, False)],
)
def test_a_fate_has_its_status(fate, status, definite):
    told = problem.of_answer(Answer(fate, (b"why",), "why"), b"an-id")
    assert told is not None
    assert (told.status, told.fate, told.definite) == (status, fate.value, definite)
    assert (told.detail, told.transaction_id) == ("why", "an-id")


def test_a_completed_transaction_is_no_problem():
    assert problem.of_answer(Answer(Fate.COMPLETED), b"id") is None


@pytest.mark.parametrize("fate", [Fate.FAILED, Fate.REJECTED, Fate.UNKNOWN])
def test_a_problem_always_says_something(fate):
    told = problem.of_answer(Answer(fate), b"id")
    assert told is not None
    assert told.detail


def test_a_service_is_quoted_as_text_and_not_endlessly():
    told = problem.of_answer(Answer(Fate.FAILED, (b"no \xff", "ü".encode() * 10_000)), b"id")
    assert told is not None
    assert told.detail.startswith("no \ufffdüü")
    assert len(told.detail) == problem.DETAIL_LENGTH_MAX


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_told_with_its_fate(kind):
    told = msgspec.json.decode(problem.encode(problem.of_refusal(Refused(kind, "because"))))
    assert told == {
        "type": f"urn:brokerbench:problem:{kind}",
        "title": KINDS[kind].title,
        "status": KINDS[kind].status,
        "detail": "because",
        "fate": KINDS[kind].fate.value,
        "definite": KINDS[kind].fate.definite,
        "transaction_id": None,
    }


def test_only_503_says_when_to_come_again_and_only_405_what_to_use():
    rejected = problem.of_refusal(Refused("rejected", ""))
    assert problem.fields(rejected) == b"Retry-After: 1\r\n"
    wrong = Refused("method-not-allowed", "", allow="GET, HEAD")
    assert problem.fields(problem.of_refusal(wrong), wrong.allow) == b"Allow: GET, HEAD\r\n"
    assert problem.fields(problem.of_refusal(Refused("conflict", ""))) == b""
