"""What holds for every test: it leaves nothing over, no process, thread, task, socket or other descriptor.

This process is compared before a test and after it, when the test's own fixtures are gone. What is still on
its way out has ``SETTLE_S`` to go; a test that leaves nothing pays about a millisecond.
"""

import asyncio
import contextlib
import gc
import os
import signal
import threading
import time
from collections.abc import Iterator

import hypothesis
import psutil
import pytest
import zmq
from zmq.utils import garbage

SETTLE_S = 2.0
MARK = "BROKERBENCH_TEST_RUN"
"""Environment variable by which a process of this test run is known, also when its parent has died."""


def pytest_configure() -> None:
    os.environ[MARK] = str(os.getpid())
    hypothesis.settings.register_profile("patient", hypothesis.settings(), deadline=None)
    hypothesis.settings.load_profile("patient")  # slow on a busy machine is no bug


@pytest.fixture(autouse=True)
def leaves_nothing_over() -> Iterator[None]:
    """Fail the test that leaves something over. First fixture to start, so last to look."""
    before = Inventory()
    with pytest.MonkeyPatch.context() as patch:
        tasks = watch_tasks(patch)
        yield
    left = tasks + settle(before)
    if left:
        pytest.fail("left over:\n" + "\n".join(left), pytrace=False)


class Inventory:
    """What this process had at one moment; what has come since is left over."""

    def __init__(self) -> None:
        self.pids = set(psutil.pids())
        self.threads = set(threading.enumerate())
        self.descriptors = descriptors()

    def left_over(self) -> list[str]:
        """One line for each thing that has come since and is still there."""
        threads = [thread for thread in threading.enumerate() if thread not in self.threads]
        opened = descriptors() - self.descriptors
        return [
            *(f"process {pid}: {command}" for pid, command in self.new_processes().items()),
            *(f"thread {thread!r}" for thread in threads),
            *(f"descriptor {number} -> {target}" for number, target in sorted(opened)),
        ]

    def new_processes(self) -> dict[int, str]:
        """``{pid: command line}`` of what this test run has started since, directly or not."""
        commands = {pid: own_command(pid) for pid in set(psutil.pids()) - self.pids}
        return {pid: command for pid, command in commands.items() if command is not None}


def own_command(pid: int) -> str | None:
    """The command line of a living process that this test run started. A zombie lives no more."""
    try:
        process = psutil.Process(pid)
        own = process.ppid() == os.getpid() or process.environ().get(MARK) == os.environ[MARK]
        alive = process.status() != psutil.STATUS_ZOMBIE
        return " ".join(process.cmdline()) if own and alive else None
    except psutil.Error:
        return None


def settle(before: Inventory) -> list[str]:
    """What is left over after ``SETTLE_S``; processes among it are ended, lest they disturb other tests."""
    if not before.left_over():
        return []
    gc.collect()  # an open socket in a dead cycle says so by its ResourceWarning, which is an error
    if not garbage.gc.refs:
        garbage.gc.stop()  # pyzmq's thread for zero-copy sends, which starts again when it is needed
    deadline = time.monotonic() + SETTLE_S
    while (left := before.left_over()) and time.monotonic() < deadline:
        time.sleep(0.01)
    for pid in before.new_processes():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return left + open_sockets() if left else []


def descriptors() -> set[tuple[int, str]]:
    """Open file descriptors and what they are, sockets of libzmq's among them."""
    found = set()
    for number in os.listdir("/proc/self/fd"):
        try:
            found.add((int(number), os.readlink(f"/proc/self/fd/{number}")))
        except OSError:  # the one that listed them
            continue
    return found


def open_sockets() -> list[str]:
    """Open ZeroMQ sockets and contexts, since their descriptors alone tell nobody whose they are. Slow."""
    kinds = (zmq.Socket, zmq.Context)
    found = [thing for thing in gc.get_objects() if issubclass(type(thing), kinds) and not thing.closed]
    return [f"open now: {thing!r}" for thing in found]


def watch_tasks(patch: pytest.MonkeyPatch) -> list[str]:
    """A list that gets the tasks which still run when a loop closes, where asyncio cancels them silently."""
    left: list[str] = []
    cancel_all_tasks = asyncio.runners._cancel_all_tasks  # type: ignore[attr-defined]

    def note_and_cancel(loop: asyncio.AbstractEventLoop) -> None:
        if pending := asyncio.all_tasks(loop):
            loop.run_until_complete(asyncio.wait(pending, timeout=SETTLE_S))
        left.extend(f"task {task!r}" for task in pending if not task.done())
        cancel_all_tasks(loop)

    patch.setattr(asyncio.runners, "_cancel_all_tasks", note_and_cancel)
    return left
