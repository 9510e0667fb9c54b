"""The front over real HTTP: every answer of the contract, peers that misbehave, and stopping in good order."""

import asyncio
import os
import sys
from pathlib import Path

import msgspec
import pytest

from common.front.problem import Problem
from common.settings import Limits, Settings
from common.transaction import Answer, Fate
from tests.common.front.serving import (
    BODY_BYTES_MAX,
    BOUND_S,
    Reply,
    Serving,
    chunked,
    post,
    put,
    request,
    serving,
)

DONE = Answer(Fate.COMPLETED, (b"done",))
CHUNKED = "Transfer-Encoding: chunked"
SCHEMATHESIS_S = 25.0


def refused(reply: Reply, status: int, id: str | None = None, fate: str = "rejected") -> Problem:
    """The problem document of ``reply``, which has everything the contract asks of an error."""
    assert reply.status == status
    assert set(msgspec.json.decode(reply.body)) >= {"fate", "definite", "transaction_id"}
    problem = reply.problem
    assert (problem.fate, problem.definite, problem.transaction_id) == (fate, fate != "unknown", id)
    assert reply.headers.get("transaction-id") == id
    assert ("retry-after" in reply.headers) == (status == 503)
    return problem


async def shows(site: Serving, text: str) -> None:
    """Wait until the front's picture of itself has ``text`` in it."""
    async with asyncio.timeout(BOUND_S):
        while text not in repr(site.front):
            await asyncio.sleep(0)


# --- fates ---


async def test_put_is_answered_with_its_id_and_where_its_time_went(site):
    site.client.service = lambda _: Answer(
        Fate.COMPLETED, (b"do", b"ne"), waited_us=1500, slot_us=9000, worked_us=2500
    )
    reply = await site.ask(put("a-1", b"\x00\r\n\xff", "Request-Timeout: 60", "X-Request-ID: for people"))
    assert (reply.status, reply.body) == (200, b"done")
    assert reply.headers["content-type"] == "application/octet-stream"
    assert reply.headers["transaction-id"] == "a-1"
    assert reply.headers["x-request-id"] == "for people"
    assert reply.headers["server-timing"].startswith(
        "queue;dur=1.500, work;dur=2.500, slot;dur=9.000, net;dur="
    )
    [transaction] = site.client.submitted
    assert (transaction.id, transaction.body, transaction.retry) == (b"a-1", (b"\x00\r\n\xff",), True)
    assert 0 < transaction.deadline - asyncio.get_running_loop().time() <= 60


async def test_post_runs_at_most_once_under_an_id_of_its_own(site):
    peer = await site.connect()
    replies = [await peer.ask(post()), await peer.ask(post())]
    assert [reply.status for reply in replies] == [200, 200]
    assert [transaction.retry for transaction in site.client.submitted] == [False, False]
    ids = [transaction.id.decode() for transaction in site.client.submitted]
    assert ids == [reply.headers["transaction-id"] for reply in replies]
    assert len(set(ids)) == 2


async def test_post_with_an_idempotency_key_may_be_retried_under_it(site):
    reply = await site.ask(post(b"body", "Idempotency-Key: k1"))
    assert (reply.status, reply.headers["transaction-id"]) == (200, "k1")
    assert [(transaction.id, transaction.retry) for transaction in site.client.submitted] == [(b"k1", True)]


async def test_a_body_in_chunks_and_no_body_at_all_are_bodies(site):
    peer = await site.connect()
    data = request("PUT", "/v1/transactions/a", CHUNKED) + chunked(b"one", b"two", b"")[:-2] + b"\r\n"
    assert (await peer.ask(data)).body == b"onetwo"
    assert (await peer.ask(request("PUT", "/v1/transactions/a"))).body == b""


@pytest.mark.parametrize(("fate", "status"), [(Fate.FAILED, 422), (Fate.REJECTED, 503), (Fate.UNKNOWN, 504)])
async def test_any_other_fate_is_a_problem(site, fate, status):
    site.client.service = lambda _: Answer(fate, (b"why",) if fate is Fate.FAILED else (), reason="why")
    reply = await site.ask(put("a"))
    assert refused(reply, status, "a", fate.value).detail == "why"
    assert "server-timing" in reply.headers
    assert await site.metric(f'brokerbench_answers_total{{fate="{fate.value}"}}') == 1


# --- refusals ---


@pytest.mark.parametrize(
    ("data", "id"),
    [
        (put("a%20b"), None),
        (put("x" * 65), None),
        (post(b"", "Idempotency-Key: a b"), None),
        (put("a", b"", "Request-Timeout: 0.0009"), "a"),
        (put("a", b"", "Request-Timeout: 3601"), "a"),
        (put("a", b"", "Request-Timeout: nan"), "a"),
        (put("a", b"", "Request-Timeout: 1", "Request-Timeout: 2"), "a"),
        (b"GET /livez HTTP/1.1\r\n\r\n", None),
    ],
)
async def test_what_is_malformed_is_refused_and_not_submitted(site, data, id):
    refused(await site.ask(data), 400, id)
    assert site.client.submitted == []
    assert await site.metric('brokerbench_refusals_total{status="400"}') == 1


@pytest.mark.parametrize("target", ["/", "/v1", "/v1/transactions/", "/v1/transactions/a/b", "*"])
async def test_what_is_nowhere_is_not_found(site, target):
    refused(await site.ask(request("PUT", target, body=b"")), 404)


@pytest.mark.parametrize(
    ("method", "target", "allow"),
    [
        ("GET", "/v1/transactions", "POST"),
        ("GET", "/v1/transactions/a", "PUT"),
        ("DELETE", "/v1/transactions/a", "PUT"),
        ("POST", "/livez", "GET, HEAD"),
    ],
)
async def test_another_method_is_told_which_are_allowed(site, method, target, allow):
    reply = await site.ask(request(method, target))
    refused(reply, 405)
    assert reply.headers["allow"] == allow


async def test_a_refusal_leaves_the_connection_usable(site):
    peer = await site.connect()
    refused(await peer.ask(put("a%20b", b"a body to be skipped")), 400)
    assert (await peer.ask(put("a"))).status == 200


async def test_a_length_over_the_limit_is_refused_before_the_body_comes(site):
    peer = await site.connect()
    reply = await peer.ask(request("PUT", "/v1/transactions/a", f"Content-Length: {BODY_BYTES_MAX + 1}"))
    refused(reply, 413, "a")
    assert reply.headers["connection"] == "close"
    assert await peer.ended() == b""
    assert site.client.submitted == []


async def test_a_body_over_the_limit_in_chunks_is_refused_when_it_gets_there(site):
    peer = await site.connect()
    half = b"x" * (BODY_BYTES_MAX // 2 + 1)
    reply = await peer.ask(request("PUT", "/v1/transactions/a", CHUNKED) + chunked(half, half))
    refused(reply, 413, "a")
    assert await peer.ended() == b""
    assert site.client.submitted == []


async def test_the_largest_body_is_taken(site):
    body = b"x" * BODY_BYTES_MAX
    assert (await site.ask(put("a", body))).body == body


# --- repeats in flight ---


async def test_a_repeat_in_flight_gets_the_same_answer_and_is_submitted_once(site):
    site.client.service = None
    first, second = await site.connect(), await site.connect()
    first.send(put("a"))
    await site.client.has(1)
    second.send(post(b"body", "Idempotency-Key: a"))
    await shows(site, "2 requests open")
    await site.metric_becomes("brokerbench_repeats_total", 1)
    site.client.answer(b"a", DONE)
    assert [(await peer.reply()).body for peer in (first, second)] == [b"done", b"done"]
    assert len(site.client.submitted) == 1


async def test_another_body_in_flight_is_a_conflict_and_spoils_nothing(site):
    site.client.service = None
    first = await site.connect()
    first.send(put("a"))
    await site.client.has(1)
    refused(await site.ask(put("a", b"another")), 409, "a")
    site.client.answer(b"a", DONE)
    assert (await first.reply()).body == b"done"
    site.client.service = lambda _: DONE
    assert (await site.ask(put("a", b"another"))).status == 200  # nothing is kept


# --- pages ---


async def test_alive_and_ready_are_two_things(site):
    assert (await site.ask(request("GET", "/livez"))).body == b"alive\n"
    assert (await site.ask(request("GET", "/readyz"))).body == b"ready\n"
    site.client.ready = False
    assert (await site.ask(request("GET", "/livez"))).status == 200
    refused(await site.ask(request("GET", "/readyz")), 503)


async def test_metrics_count_what_happened(site):
    await site.ask(put("a"))
    assert await site.metric('brokerbench_answers_total{fate="completed"}') == 1
    assert await site.metric('brokerbench_depth{place="queued"}') == 3
    assert await site.metric('brokerbench_depth{place="front"}') == 0
    assert await site.metric("brokerbench_answer_seconds_count") == 1


async def test_the_interface_describes_itself(site):
    reply = await site.ask(request("GET", "/openapi.json"))
    assert reply.headers["content-type"] == "application/json"
    document = msgspec.json.decode(reply.body)
    assert document["openapi"] == "3.1.0"
    assert {"/v1/transactions", "/v1/transactions/{id}", "/topology"} <= set(document["paths"])


async def test_topology_says_where_the_front_stands(site):
    page = msgspec.json.decode((await site.ask(request("GET", "/topology"))).body)
    assert (page["about"]["topology"], page["about"]["part"]) == ("freelance", "front-1")
    assert (page["ready"], page["draining"], page["gauges"]) == (True, False, {"queued": 3, "front": 0})


async def test_head_is_get_without_the_body(site):
    peer = await site.connect()
    reply = await peer.ask(request("HEAD", "/livez"), bodiless=True)
    assert (reply.status, reply.headers["content-length"]) == (200, "6")
    assert (await peer.ask(request("GET", "/livez"))).body == b"alive\n"


# --- peers that misbehave, and pipelining ---


async def test_pipelined_requests_are_answered_in_order(site):
    peer = await site.connect()
    peer.send(put("a", b"1"), put("a%20b", b"2"), post(b"3"), request("GET", "/livez"))
    replies = [await peer.reply() for _ in range(4)]
    assert [reply.status for reply in replies] == [200, 400, 200, 200]
    assert [replies[place].body for place in (0, 2, 3)] == [b"1", b"3", b"alive\n"]


async def test_an_answer_whose_client_has_gone_is_dropped_and_counted(site):
    site.client.service = None
    peer = await site.connect()
    peer.send(put("a"))
    await site.client.has(1)
    peer.reset()
    await shows(site, "0 requests open")
    site.client.answer(b"a", DONE)
    assert await site.metric("brokerbench_dropped_total") == 1
    await shows(site, "<Desk 0 in flight>, 0 requests open")
    site.client.service = lambda _: DONE
    assert (await site.ask(put("a"))).body == b"done"


@pytest.mark.parametrize(
    "start",
    [
        request("PUT", "/v1/transactions/a", "Content-Length: 10") + b"part",
        request("PUT", "/v1/transactions/a", CHUNKED) + chunked(b"part"),
    ],
    ids=["length", "chunks"],
)
async def test_part_of_a_body_and_then_nothing_is_not_submitted(site, start):
    peer = await site.connect()
    peer.send(start)
    await shows(site, "1 requests open")
    await peer.hang_up()
    await shows(site, "0 requests open")
    assert site.client.submitted == []


# --- stopping ---


async def test_draining_answers_what_is_in_flight_takes_nothing_new_and_frees_the_port():
    async with serving(Settings(limits=Limits(drain_s=BOUND_S))) as site:
        site.client.service = None
        waiting, late = await site.connect(), await site.connect()
        assert (await late.ask(request("GET", "/livez"))).status == 200
        waiting.send(put("a"))
        await site.client.has(1)
        drain = asyncio.create_task(site.front.drain())
        await shows(site, "draining")
        reply = await late.ask(put("b"))
        assert "stopping" in refused(reply, 503, "b").detail
        assert await late.ended() == b""
        with pytest.raises(ConnectionRefusedError):
            await site.connect()
        assert not drain.done()
        site.client.answer(b"a", DONE)
        reply = await waiting.reply()
        assert (reply.status, reply.body, reply.headers["connection"]) == (200, b"done", "close")
        assert await waiting.ended() == b""
        await asyncio.wait_for(drain, BOUND_S)
        assert [transaction.id for transaction in site.client.submitted] == [b"a"]


async def test_what_has_no_answer_when_draining_ends_is_unknown(site):
    site.client.service = None
    peer = await site.connect()
    peer.send(put("a"))
    await site.client.has(1)
    await asyncio.wait_for(site.front.drain(), BOUND_S)
    refused(await peer.reply(), 504, "a", "unknown")
    site.client.answer(b"a", DONE)  # too late, and nobody is told twice
    assert await peer.ended() == b""


# --- the interface, as a stranger's tool reads it ---


@pytest.mark.timeout(40)
async def test_schemathesis_finds_no_answer_that_the_document_does_not_foresee(site, tmp_path):
    tool = Path(sys.executable).with_name("schemathesis")
    if not tool.exists():
        pytest.skip("schemathesis is not installed")
    process = await asyncio.create_subprocess_exec(
        tool, "run", f"http://127.0.0.1:{site.port}/openapi.json", "--max-examples=5", "--seed=1",
        "--phases=examples,coverage,fuzzing", "--no-color",
        cwd=tmp_path, env={**os.environ, "NO_COLOR": "1"},
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    try:
        async with asyncio.timeout(SCHEMATHESIS_S):
            output, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()
    assert process.returncode == 0, output.decode()
