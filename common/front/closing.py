"""Turning a peer away in the middle of what it sends, so that it reads why.

A socket closed with unread data in it answers with a reset, which may take the response from under the
peer's eyes: so first the response, then our end of the stream, then whatever still comes is read and thrown
away, within limits (RFC 9112, 9.6).
"""

import asyncio
import socket

from tornado.iostream import IOStream, StreamClosedError

LINGER_S = 2.0
"""How long a peer that was turned away may take to notice."""
_CHUNK_BYTES = 65536


async def turn_away(stream: IOStream, response: bytes, discarded_bytes_max: int) -> None:
    """Write ``response``, then close ``stream`` as soon as the peer has closed its end, or a limit is
    reached. Never raises for what a peer can do; afterwards the stream is closed.
    """
    ours = stream.socket  # a stream that a peer's reset closes meanwhile has none any more
    try:
        async with asyncio.timeout(LINGER_S):
            await stream.write(response)
            ours.shutdown(socket.SHUT_WR)
            await _discard(stream, discarded_bytes_max)
    except (StreamClosedError, TimeoutError, OSError):
        pass
    finally:
        stream.close()


async def _discard(stream: IOStream, bytes_max: int) -> None:
    left = bytes_max
    while left > 0:
        left -= len(await stream.read_bytes(_CHUNK_BYTES, partial=True))
        await asyncio.sleep(0)  # what is there already is read without leaving the loop to anyone else
