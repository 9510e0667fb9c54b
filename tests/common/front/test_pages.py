"""What the front says of itself."""

import msgspec
import pytest

from common.settings import Settings
from common.transaction import Answer, Fate
from tests.common.front.serving import SETTINGS, Serving, put, request

PAGES = ["/livez", "/readyz", "/metrics", "/openapi.json", "/topology"]


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_can_be_got_and_headed(site: Serving, path):
    peer = await site.connect()
    got = await peer.ask(request("GET", path + "?x=y"))
    assert (got.status, got.headers["cache-control"]) == (200, "no-store")
    head = await peer.ask(request("HEAD", path), bodiless=True)
    assert (head.status, head.headers["content-type"]) == (200, got.headers["content-type"])
    if path != "/metrics":  # which counts the seconds
        assert int(head.headers["content-length"]) == len(got.body)


async def test_ready_is_what_the_client_says(site: Serving):
    assert (await site.ask(request("GET", "/readyz"))).body == b"ready\n"
    site.client.ready = False
    reply = await site.ask(request("GET", "/readyz"))
    assert (reply.status, reply.problem.type) == (503, "urn:brokerbench:problem:not-ready")
    assert reply.headers["retry-after"] == "1"
    assert (await site.ask(request("GET", "/livez"))).body == b"alive\n"


async def test_topology_shows_where_the_front_stands_and_how_things_are(site: Serving):
    site.client.service = None
    waiting = await site.connect()
    waiting.send(put("a"))
    await site.client.has(1)
    page = msgspec.json.decode((await site.ask(request("GET", "/topology"))).body)
    assert (page["ready"], page["draining"], page["gauges"]) == (True, False, {"queued": 3, "front": 1})
    about = page["about"]
    assert msgspec.convert(about.pop("settings"), Settings) == SETTINGS
    assert about == {
        "topology": "freelance",
        "family": "brokerless",
        "part": "front-1",
        "endpoints": ["tcp://127.0.0.1:1"],
    }


async def test_metrics_count_what_was_answered(site: Serving):
    await site.ask(put("a"))
    site.client.service = lambda t: Answer(Fate.FAILED)
    await site.ask(put("b"))
    assert await site.metric('brokerbench_answers_total{fate="completed"}') == 1
    assert await site.metric('brokerbench_answers_total{fate="failed"}') == 1
    assert await site.metric('brokerbench_answer_seconds_bucket{le="+Inf"}') == 2
    assert await site.metric('brokerbench_depth{place="queued"}') == 3
    assert await site.metric("process_open_fds") > 0


async def test_an_unknown_page_names_the_known_ones(site: Serving):
    detail = (await site.ask(request("GET", "/favicon.ico"))).problem.detail
    assert all(path in detail for path in PAGES)
    assert "got '/favicon.ico'" in detail
