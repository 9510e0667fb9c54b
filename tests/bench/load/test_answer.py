import json

import pytest

from bench.load.answer import Headers, read_answer
from bench.load.exchange import Ending, Exchange, body_of

OWN = b"quick.1.0-3"


def read(status, body=b"", method="PUT", check="echo", id=OWN, timing=b"", request_id=b"") -> Exchange:
    exchange = Exchange(0, 3, OWN, body_of(OWN, 32), 1, 1, False)
    exchange.named = method == "PUT"
    headers = Headers()
    headers.transaction_id, headers.server_timing, headers.request_id = id, timing, request_id
    read_answer(exchange, status, headers, body, method, check)
    return exchange


def problem(**members) -> bytes:
    return json.dumps(
        {"type": "about:blank", "status": 0, "transaction_id": OWN.decode(), **members}
    ).encode()


@pytest.mark.parametrize(
    ("status", "fate", "ending"),
    [
        (422, "failed", "FAILED"),
        (503, "rejected", "REJECTED"),
        (504, "unknown", "UNKNOWN"),
        (409, "rejected", "REJECTED"),
    ],
)
def test_a_status_and_a_problem_that_agree_are_believed(status, fate, ending):
    exchange = read(status, problem(fate=fate, definite=fate != "unknown"))
    assert (exchange.status, exchange.ending.name, exchange.answer_ok) == (status, ending, True)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (422, problem(fate="rejected", definite=True)),
        (503, problem(fate="failed")),
        (503, problem(fate="rejected", definite=False)),
        (503, b"Service Unavailable"),
        (503, b""),
        (503, b"\xff\xfe"),
        (503, b'{"fate": 7}'),
        (504, problem(fate="completed")),
        (500, b"<html>"),
        (404, b"{}"),
        (302, b""),
    ],
)
def test_a_status_without_a_problem_that_agrees_leaves_the_fate_unknown(status, body):
    assert read(status, body).ending is Ending.UNKNOWN


def test_another_transactions_refusal_says_nothing_of_this_one():
    exchange = read(503, problem(fate="rejected"), id=b"other")
    assert (exchange.ending, exchange.answer_ok) == (Ending.UNKNOWN, False)


def test_the_problem_names_the_transaction_where_no_header_does():
    assert read(503, problem(fate="rejected"), id=b"").answer_ok
    assert not read(503, problem(fate="rejected", transaction_id=None), id=b"").answer_ok
    assert read(503, problem(fate="rejected", transaction_id="other"), id=b"").ending is Ending.UNKNOWN


@pytest.mark.parametrize(
    ("body", "id", "ok"),
    [
        (body_of(OWN, 32), OWN, True),
        (body_of(b"quick.1.0-4", 32), OWN, False),
        (body_of(OWN, 32), b"quick.1.0-4", False),
        (body_of(OWN, 32), b"", False),
    ],
)
def test_a_completed_answer_is_ok_only_with_its_own_id_and_body(body, id, ok):
    exchange = read(200, body, id=id)
    assert (exchange.ending, exchange.answer_ok) == (Ending.COMPLETED, ok)


def test_where_the_service_is_no_echo_its_body_is_its_own_affair():
    assert read(200, b"42", check="none").answer_ok


def test_a_post_takes_over_the_id_that_the_front_made():
    exchange = read(200, body_of(OWN, 32), method="POST", id=b"front-1", request_id=OWN)
    assert (exchange.id, exchange.named, exchange.answer_ok) == (b"front-1", True, True)


def test_a_post_that_no_answer_named_stays_unnamed():
    exchange = read(503, b"", method="POST", id=b"")
    assert (exchange.id, exchange.named, exchange.ending) == (OWN, False, Ending.UNKNOWN)


def test_another_posts_answer_is_not_taken_over():
    exchange = read(200, body_of(OWN, 32), method="POST", id=b"front-1", request_id=b"other")
    assert (exchange.id, exchange.named, exchange.answer_ok) == (OWN, False, False)


def test_durations_come_from_server_timing_in_any_order():
    exchange = read(
        200, timing=b"total;dur=9, work;dur=10.004, queue;dur=0.25, slot;dur=12, net;desc=x;dur=1"
    )
    assert (exchange.waited_us, exchange.slot_us, exchange.worked_us) == (250, 12_000, 10_004)


@pytest.mark.parametrize("timing", [b"", b"queue", b"queue;dur=", b"queue;dur=x", b"workqueue;dur=3"])
def test_an_unreadable_server_timing_is_none(timing):
    assert read(200, timing=timing).waited_us == 0


def test_bodies_are_as_long_as_asked_and_differ():
    assert {size: len(body_of(OWN, size)) for size in (0, 1, 11, 12, 64)} == {
        0: 0,
        1: 1,
        11: 11,
        12: 12,
        64: 64,
    }
    assert body_of(b"quick.1.0-12", 4) != body_of(b"quick.1.0-13", 4)
