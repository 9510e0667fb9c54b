"""When a deployment is up: every part has opened its sockets, every front answers and knows a live worker.

Invariant: nothing is slept for. It is a condition that is asked again and again, within a bound.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from bench.errors import PartFailed
from bench.supervisor import Supervisor

ASK_AGAIN_S = 0.02
ANSWER_S = 1.0
"""How long one front may take to answer one question."""


async def wait_until_ready(
    supervisor: Supervisor,
    notes: Path,
    parts: Sequence[str],
    fronts: Mapping[str, tuple[str, int]],
    within_s: float,
) -> None:
    """Return as soon as it is up. ``fronts``: where each one's HTTP is.

    Raises:
        PartFailed: it is not up after ``within_s``, or a part cannot live; names the part and its last words.
    """
    try:
        async with asyncio.timeout(within_s):
            await supervisor.guard(_all_up(notes, parts, fronts))
    except TimeoutError:
        raise PartFailed(await _who_is_missing(supervisor, notes, parts, fronts, within_s)) from None


async def answers(host: str, port: int) -> bool:
    """Whether a front says that it is ready."""
    with suppress(OSError, TimeoutError, ValueError, IndexError):
        async with asyncio.timeout(ANSWER_S):
            return await _status(host, port) == 200
    return False


async def _all_up(notes: Path, parts: Sequence[str], fronts: Mapping[str, tuple[str, int]]) -> None:
    waiting = list(parts)
    unready = dict(fronts)
    while True:
        waiting = [part for part in waiting if not started(notes, part)]
        unready = {front: at for front, at in unready.items() if front in waiting or not await answers(*at)}
        if not waiting and not unready:
            return
        await asyncio.sleep(ASK_AGAIN_S)


def started(notes: Path, part: str) -> bool:
    """Whether the part has said that its sockets are open."""
    try:
        return b'"started"' in (notes / f"{part}.jsonl").read_bytes()
    except OSError:
        return False


async def _status(host: str, port: int) -> int:
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(f"GET /readyz HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n".encode())
        return int((await reader.readline()).split()[1])
    finally:
        writer.close()


async def _who_is_missing(
    supervisor: Supervisor,
    notes: Path,
    parts: Sequence[str],
    fronts: Mapping[str, tuple[str, int]],
    within_s: float,
) -> str:
    missing = [part for part in parts if not started(notes, part)]
    if missing:
        return f"{missing[0]} was not up within {within_s:g} s (log: {supervisor.log(missing[0])})"
    unready = [front for front, at in fronts.items() if not await answers(*at)]
    front = unready[0] if unready else next(iter(fronts), "the deployment")
    return f"{front} knew no live worker within {within_s:g} s"
