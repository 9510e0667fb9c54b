import asyncio
import socket
from contextlib import contextmanager

from tornado.iostream import IOStream

from common.front.closing import turn_away

RESPONSE = b"HTTP/1.1 413 Content Too Large\r\n\r\n"


@contextmanager
def pair(kind=IOStream):
    ours, peers = socket.socketpair()
    stream, peer = kind(ours), IOStream(peers)
    yield stream, peer
    peer.close()
    assert stream.closed()


async def test_a_peer_reads_why_and_then_the_end():
    with pair() as (stream, peer):
        turning = asyncio.create_task(turn_away(stream, RESPONSE, 100))
        assert await peer.read_until_close() == RESPONSE
        await turning


async def test_a_peer_that_sends_on_is_cut_off():
    with pair() as (stream, peer):
        await peer.write(b"x" * 1000)
        await turn_away(stream, RESPONSE, 100)


class ClosedMeanwhile(IOStream):
    """What a peer's reset does between the last byte and whoever waited for it."""

    def write(self, data):
        written = super().write(data)
        self.close()
        return written


async def test_a_connection_that_breaks_as_the_response_is_out_raises_nothing():
    with pair(ClosedMeanwhile) as (stream, _):
        await turn_away(stream, RESPONSE, 100)


async def test_a_connection_that_is_closed_already_raises_nothing():
    with pair() as (stream, _):
        stream.close()
        await turn_away(stream, RESPONSE, 100)
