"""Runs something asynchronous until it is done or somebody says stop.

Invariant: when it returns, the work has run its ``finally`` clauses. Ctrl-C is Python's own KeyboardInterrupt; SIGTERM
becomes ``Terminated``.
"""

import asyncio
import signal
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class Terminated(Exception):
    """SIGTERM came."""


def run_until_told(work: Coroutine[Any, Any, T]) -> T:
    """Run ``work`` on a loop of its own.

    Raises:
        KeyboardInterrupt: Ctrl-C.
        Terminated: SIGTERM.
    """
    return asyncio.run(_until_told(work))


async def _until_told(work: Coroutine[Any, Any, T]) -> T:
    told = False
    task = asyncio.ensure_future(work)

    def stop() -> None:
        nonlocal told
        told = True
        task.cancel()

    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop)
    try:
        return await task
    except asyncio.CancelledError:
        if told:
            raise Terminated from None
        raise
    finally:
        loop.remove_signal_handler(signal.SIGTERM)
