"""Transactions over real HTTP: what is handed to the client, and what each fate looks like."""

import logging
import re
import time

import pytest

from common.transaction import Answer, Fate
from tests.common.front.serving import Serving, chunked, post, put, request


async def test_a_completed_transaction_is_the_services_answer(site: Serving):
    site.client.service = lambda t: Answer(Fate.COMPLETED, (b"two", b" frames"), "", 1500, 9000, 7250)
    reply = await site.ask(put("an-id", b"\x00\xffbody"))
    assert (reply.status, reply.body) == (200, b"two frames")
    assert reply.headers["content-type"] == "application/octet-stream"
    assert reply.headers["transaction-id"] == "an-id"
    assert reply.headers["server-timing"] == "queue;dur=1.500, work;dur=7.250, slot;dur=9.000, net;dur=0.000"
    assert "connection" not in reply.headers
    assert reply.headers["date"].endswith(" GMT")


async def test_the_client_gets_the_transaction_as_it_was_asked_for(site: Serving):
    before = time.monotonic()
    await site.ask(put("a", b"one", "Request-Timeout: 2.5"))
    after = time.monotonic()
    [transaction] = site.client.submitted
    assert (transaction.id, transaction.body, transaction.retry) == (b"a", (b"one",), True)
    assert before + 2.5 <= transaction.deadline <= after + 2.5


async def test_posts_have_ids_of_their_own_and_run_at_most_once(site: Serving):
    peer = await site.connect()
    ids = {(await peer.ask(post())).headers["transaction-id"] for _ in range(3)}
    assert len(ids) == 3
    assert {t.id.decode() for t in site.client.submitted} == ids
    assert not any(t.retry for t in site.client.submitted)


async def test_a_post_with_an_idempotency_key_may_be_retried(site: Serving):
    reply = await site.ask(post(b"x", "Idempotency-Key: mine"))
    assert reply.headers["transaction-id"] == "mine"
    assert [(t.id, t.retry) for t in site.client.submitted] == [(b"mine", True)]


@pytest.mark.parametrize(
    ("answer", "status", "definite", "detail"),
    [
        (Answer(Fate.FAILED, (b"no", b" way")), 422, True, "no way"),
        (Answer(Fate.REJECTED, reason="queue full"), 503, True, "queue full"),
        (Answer(Fate.UNKNOWN, reason="what held it was lost"), 504, False, "what held it was lost"),
    ],
)
async def test_any_other_fate_is_a_problem(site: Serving, answer, status, definite, detail):
    site.client.service = lambda t: answer
    reply = await site.ask(put("an-id"))
    assert reply.status == status
    problem = reply.problem
    assert (problem.fate, problem.definite, problem.detail) == (answer.fate.value, definite, detail)
    assert problem.transaction_id == reply.headers["transaction-id"] == "an-id"
    assert reply.headers.get("retry-after") == ("1" if status == 503 else None)
    assert reply.headers["server-timing"].startswith("queue;dur=0.000")


async def test_net_is_what_neither_waiting_nor_working_explains(site: Serving):
    site.client.service = None
    peer = await site.connect()
    peer.send(put("a"))
    await site.client.has(1)
    begun = time.monotonic()
    while time.monotonic() < begun + 0.005:
        pass
    site.client.answer(b"a", Answer(Fate.COMPLETED, (), "", 1000, 3000, 2000))
    timing = (await peer.reply()).headers["server-timing"]
    assert timing.startswith("queue;dur=1.000, work;dur=2.000, slot;dur=3.000, net;dur=")
    assert float(re.findall(r"net;dur=(\S+)", timing)[0]) >= 2.0


async def test_an_answer_may_come_later(site: Serving):
    site.client.service = None
    peer = await site.connect()
    peer.send(put("a"))
    await site.client.has(1)
    site.client.answer(b"a", Answer(Fate.COMPLETED, (b"late",)))
    assert (await peer.reply()).body == b"late"


@pytest.mark.parametrize("body", [b"", b"x", bytes(range(256)) * 3])
async def test_any_body_comes_back_byte_for_byte(site: Serving, body):
    assert (await site.ask(put("a", body))).body == body


async def test_a_body_in_chunks_is_one_frame(site: Serving):
    head = request("PUT", "/v1/transactions/a", "Transfer-Encoding: chunked")
    assert (await site.ask(head + chunked(b"one", b"two") + b"0\r\n\r\n")).body == b"onetwo"
    assert site.client.submitted[0].body == (b"onetwo",)


async def test_a_body_may_be_absent(site: Serving):
    assert (await site.ask(request("PUT", "/v1/transactions/a"))).body == b""
    assert site.client.submitted[0].body == (b"",)


async def test_a_form_is_not_parsed(site: Serving):
    form = put("a", b"%%%&&=", "Content-Type: multipart/form-data; boundary=x")
    assert (await site.ask(form)).body == b"%%%&&="


@pytest.mark.parametrize("label", ["abc", "with space", "~" * 128])
async def test_a_request_id_is_echoed(site: Serving, label):
    assert (await site.ask(put("a", b"", f"X-Request-ID: {label}"))).headers["x-request-id"] == label
    assert (await site.ask(request("GET", "/nowhere", f"X-Request-ID: {label}"))).headers[
        "x-request-id"
    ] == label


@pytest.mark.parametrize("label", ["~" * 129, "caf\xe9", ""])
async def test_a_strange_request_id_is_ignored(site: Serving, label):
    reply = await site.ask(put("a", b"", f"X-Request-ID: {label}"))
    assert (reply.status, "x-request-id" in reply.headers) == (200, False)


async def test_a_failure_is_logged_with_its_trace(site: Serving, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.DEBUG, "brokerbench.front")
    site.client.service = lambda t: Answer(Fate.UNKNOWN, reason="gone")
    await site.ask(put("a", b"", "traceparent: 00-abc", "X-Request-ID: mine"))
    assert (
        "PUT /v1/transactions/a: 504 unknown (gone; request id b'mine', traceparent '00-abc')"
        in caplog.messages
    )


async def test_a_repeat_in_flight_gets_the_same_answer_and_runs_once(site: Serving):
    site.client.service = None
    peers = [await site.connect() for _ in range(3)]
    for number, peer in enumerate(peers):
        peer.send(put("a", b"same", f"X-Request-ID: {number}"))
    await site.metric_becomes("brokerbench_repeats_total", 2)
    site.client.answer(b"a", Answer(Fate.COMPLETED, (b"done",)))
    replies = [await peer.reply() for peer in peers]
    assert [(r.status, r.body, r.headers["x-request-id"]) for r in replies] == [
        (200, b"done", "0"), (200, b"done", "1"), (200, b"done", "2"),
    ]  # fmt: skip
    assert len(site.client.submitted) == 1


async def test_a_repeat_by_idempotency_key_is_the_same_transaction(site: Serving):
    site.client.service = None
    first, second = await site.connect(), await site.connect()
    first.send(put("a", b"same"))
    await site.client.has(1)
    second.send(post(b"same", "Idempotency-Key: a"))
    await site.metric_becomes("brokerbench_repeats_total", 1)
    site.client.answer(b"a", Answer(Fate.FAILED, (b"no",)))
    assert [(await peer.reply()).status for peer in (first, second)] == [422, 422]


async def test_another_body_under_an_id_in_flight_is_a_conflict(site: Serving):
    site.client.service = None
    first = await site.connect()
    first.send(put("a", b"one"))
    await site.client.has(1)
    reply = await site.ask(put("a", b"two"))
    assert reply.status == 409
    assert (reply.problem.fate, reply.problem.definite, reply.problem.transaction_id) == (
        "rejected",
        True,
        "a",
    )
    site.client.answer(b"a", Answer(Fate.COMPLETED, (b"1",)))
    assert (await first.reply()).body == b"1"


async def test_nothing_is_kept_afterwards(site: Serving):
    for body in (b"one", b"two"):
        assert (await site.ask(put("a", body))).body == body
    assert len(site.client.submitted) == 2
