"""What is no transaction: told as a problem, nothing submitted, the connection kept where that is possible."""

import asyncio

import pytest

from tests.common.front.serving import BODY_BYTES_MAX, Serving, chunked, post, put, request


@pytest.mark.parametrize(
    ("data", "status", "id"),
    [
        (put("a%2Fb"), 400, None),
        (put("x" * 65), 400, None),
        (put("a", b"", "Request-Timeout: nan"), 400, "a"),
        (put("a", b"", "Request-Timeout: 1", "Request-Timeout: 1"), 400, "a"),
        (put("a", b"", "Request-Timeout:"), 400, "a"),
        (post(b"", "Idempotency-Key: a b"), 400, None),
        (put("a", b"", "Host: other"), 400, None),
        (put(""), 404, None),
        (put("a/b"), 404, None),
        (request("GET", "/"), 404, None),
        (request("GET", "/v1/transactionsx"), 404, None),
        (request("OPTIONS", "*"), 404, None),
        (request("POST", "/v1/transactions/a", body=b""), 405, None),
        (request("DELETE", "/v1/transactions/a"), 405, None),
        (request("OPTIONS", "/v1/transactions"), 405, None),
        (request("POST", "/livez", body=b"x"), 405, None),
    ],
)
async def test_what_is_no_transaction_is_a_problem_and_harms_nothing(site: Serving, data, status, id):
    peer = await site.connect()
    reply = await peer.ask(data)
    assert reply.status == status
    assert (reply.problem.fate, reply.problem.definite, reply.problem.transaction_id) == (
        "rejected",
        True,
        id,
    )
    assert site.client.submitted == []
    assert (await peer.ask(put("good", b"goes on"))).body == b"goes on"


@pytest.mark.parametrize(
    ("method", "target", "allow"),
    [
        ("GET", "/v1/transactions", "POST"),
        ("PATCH", "/v1/transactions/a", "PUT"),
        ("BREW", "/metrics", "GET, HEAD"),
    ],
)
async def test_405_says_what_is_allowed(site: Serving, method, target, allow):
    reply = await site.ask(request(method, target))
    assert (reply.status, reply.headers["allow"]) == (405, allow)


@pytest.mark.parametrize(("target", "status"), [("/v1/transactions/a", 405), ("/nowhere", 404)])
async def test_a_refused_head_has_no_body(site: Serving, target, status):
    peer = await site.connect()
    reply = await peer.ask(request("HEAD", target), bodiless=True)
    assert (reply.status, reply.body) == (status, b"")
    assert int(reply.headers["content-length"]) > 0
    assert (await peer.ask(put("a", b"next"))).body == b"next"


async def test_http_1_1_without_a_host_is_refused(site: Serving):
    reply = await site.ask(b"PUT /v1/transactions/a HTTP/1.1\r\nContent-Length: 0\r\n\r\n")
    assert (reply.status, reply.problem.title) == (400, "The request is malformed")


async def test_the_largest_body_is_taken(site: Serving):
    body = b"x" * BODY_BYTES_MAX
    assert (await site.ask(put("a", body))).body == body
    head = request("PUT", "/v1/transactions/b", "Transfer-Encoding: chunked")
    assert (await site.ask(head + chunked(body[:400], body[400:]) + b"0\r\n\r\n")).body == body


async def test_a_body_that_says_it_is_too_large_is_refused_before_it_comes(site: Serving):
    peer = await site.connect()
    reply = await peer.ask(request("PUT", "/v1/transactions/a", f"Content-Length: {BODY_BYTES_MAX + 1}"))
    assert (reply.status, reply.headers["connection"]) == (413, "close")
    assert reply.problem.detail == "a body must be at most 1000 bytes, got 1001 bytes"
    assert (reply.problem.fate, reply.problem.definite, reply.problem.transaction_id) == (
        "rejected",
        True,
        "a",
    )
    assert await peer.ended() == b""
    await peer.hang_up()


async def test_a_peer_that_sends_its_whole_body_first_still_reads_why_not(site: Serving):
    peer = await site.connect()
    body = b"x" * (15 * BODY_BYTES_MAX)
    peer.send(put("a", body))
    await peer.sent()
    assert (await peer.reply()).status == 413
    assert await peer.ended() == b""
    assert site.client.submitted == []


async def test_a_body_in_chunks_is_refused_where_it_becomes_too_large(site: Serving):
    peer = await site.connect()
    peer.send(
        request("PUT", "/v1/transactions/a", "Transfer-Encoding: chunked"), chunked(b"x" * BODY_BYTES_MAX)
    )
    peer.send(chunked(b"x"))
    reply = await peer.reply()
    assert (reply.status, reply.headers["connection"]) == (413, "close")
    assert reply.problem.detail == "a body must be at most 1000 bytes, got more than that, in chunks"
    assert reply.problem.transaction_id == "a"
    assert await peer.ended() == b""
    assert site.client.submitted == []


async def test_one_chunk_of_any_announced_size_is_not_waited_for(site: Serving):
    peer = await site.connect()
    peer.send(request("PUT", "/v1/transactions/a", "Transfer-Encoding: chunked"), b"fffffffffff\r\n")
    peer.send(b"x" * (BODY_BYTES_MAX + 1))
    assert (await peer.reply()).status == 413


async def test_who_sends_on_after_413_is_cut_off(site: Serving):
    peer = await site.connect()
    peer.send(request("PUT", "/v1/transactions/a", "Content-Length: 999999999"))
    assert (await peer.reply()).status == 413
    with pytest.raises(ConnectionError):
        await peer.send_forever()


async def test_what_follows_a_body_that_was_too_large_is_not_executed(site: Serving):
    peer = await site.connect()
    peer.send(put("a", b"x" * (BODY_BYTES_MAX + 1)), put("b"))
    assert (await peer.reply()).status == 413
    await peer.ended()
    assert site.client.submitted == []


async def test_a_refused_request_with_too_large_a_body_is_told_the_first_reason(site: Serving):
    peer = await site.connect()
    reply = await peer.ask(put("a/b", b"x" * (BODY_BYTES_MAX + 1)))
    assert (reply.status, reply.headers["connection"]) == (404, "close")
    await peer.ended()


async def test_a_body_is_asked_for_where_the_head_is_good(site: Serving):
    peer = await site.connect()
    peer.send(request("PUT", "/v1/transactions/a", "Expect: 100-continue", "Content-Length: 4"))
    assert (await peer.reply()).status == 100
    assert (await peer.ask(b"body")).body == b"body"


@pytest.mark.parametrize(
    ("id", "length", "status"), [("a/b", 4, 404), ("a", BODY_BYTES_MAX + 1, 413), ("%", 4, 400)]
)
async def test_a_body_is_not_asked_for_where_it_is_not(site: Serving, id, length, status):
    peer = await site.connect()
    head = request("PUT", f"/v1/transactions/{id}", "Expect: 100-continue", f"Content-Length: {length}")
    reply = await peer.ask(head)
    assert (reply.status, reply.headers["connection"]) == (status, "close")
    assert await peer.ended() == b""


@pytest.mark.parametrize(
    "data",
    [
        b"\x00\xff\r\n\r\n",
        b"PUT\r\n\r\n",
        b"PUT /v1/transactions/a HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        b"PUT /v1/transactions/a HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
        b"PUT /v1/transactions/a HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n",
        b"PUT /v1/transactions/a HTTP/1.1\r\nHost: a\r\nBad Name: x\r\n\r\n",
        b"PUT /v1/transactions/a HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"PUT /v1/transactions/a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n",
        b"PUT /v1/transactions/a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
)
async def test_what_is_not_http_is_tornados_400_and_the_end(site: Serving, data):
    peer = await site.connect()
    reply = await peer.ask(data)
    assert (reply.status, site.client.submitted) == (400, [])
    assert await peer.ended() == b""
    assert (await site.ask(put("a", b"alive"))).body == b"alive"


async def test_a_head_over_the_limit_ends_the_connection_and_nothing_else(site: Serving):
    peer = await site.connect()
    peer.send(request("PUT", "/v1/transactions/a", "X: " + "x" * 70_000))
    with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
        await peer.reply()
    assert (await site.ask(put("a", b"alive"))).body == b"alive"


async def test_refusals_are_counted_by_status(site: Serving):
    for _ in range(2):
        await site.ask(request("GET", "/nowhere"))
    assert await site.metric('brokerbench_refusals_total{status="404"}') == 2
