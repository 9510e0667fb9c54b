"""When a deployment is up: every part has opened its sockets, every front answers and knows a live worker.

Invariant: nothing is slept for. It is a condition that is asked again and again, within a bound.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from bench.errors import PartFailed
from bench.supervisor import Supervisor
from common.observer import NoteLine

ASK_AGAIN_S = 0.02
ANSWER_S = 1.0
"""How long one front may take to answer one question."""


async def wait_until_ready(
    supervisor: Supervisor,
    notes: Path,
    parts: Sequence[str],
    fronts: Mapping[str, tuple[str, int]],
    within_s: float,
    able: bool = True,
) -> None:
    """Return as soon as it is up. ``fronts``: where each one's HTTP is; ``able``: whether the others are enough for
    them to be ready, else they must only answer.

    Raises:
        PartFailed: it is not up after ``within_s``, or a part cannot live; names the part and its last words.
    """
    try:
        async with asyncio.timeout(within_s):
            await supervisor.guard(_all_up(notes, parts, fronts, answers if able else listens))
    except TimeoutError:
        raise PartFailed(await _who_is_missing(supervisor, notes, parts, fronts, within_s)) from None


async def answers(host: str, port: int) -> bool:
    """Whether a front says that it is ready."""
    return await _status(host, port) == 200


async def listens(host: str, port: int) -> bool:
    """Whether a front says anything."""
    return await _status(host, port) != 0


async def _all_up(
    notes: Path,
    parts: Sequence[str],
    fronts: Mapping[str, tuple[str, int]],
    is_up: Callable[[str, int], Awaitable[bool]],
) -> None:
    waiting = list(parts)
    unready = dict(fronts)
    while True:
        waiting = [part for part in waiting if not started(notes, part)]
        unready = {front: at for front, at in unready.items() if front in waiting or not await is_up(*at)}
        if not waiting and not unready:
            return
        await asyncio.sleep(ASK_AGAIN_S)


def started(notes: Path, part: str, since_ns: int = 0) -> bool:
    """Whether the part has said that its sockets are open, and has done so since that instant."""
    try:
        lines = (notes / f"{part}.jsonl").read_bytes().splitlines()
    except OSError:
        return False
    said = (msgspec.json.decode(line, type=NoteLine) for line in reversed(lines) if b'"started"' in line)
    return any(note.kind == "started" and note.t_ns >= since_ns for note in said)


async def _status(host: str, port: int) -> int:
    """Of ``/readyz``; 0 where there was no answer."""
    with suppress(OSError, TimeoutError, ValueError, IndexError):
        async with asyncio.timeout(ANSWER_S):
            return await _asked(host, port)
    return 0


async def _asked(host: str, port: int) -> int:
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
