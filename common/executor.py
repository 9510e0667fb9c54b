"""Runs the service in a thread of its own, so that a worker beats and answers while its service works; one that is over
at once (``common.services.at_once``) in the worker's own, which spares it two switches of threads a transaction.

Invariant: every submitted ``Execute`` becomes exactly one ``Finished``, whatever the service does short of
never returning; the service is called only between the two entries of its execution record.
"""

import logging
import os
import socket
import time
from collections import deque
from contextlib import suppress
from queue import SimpleQueue
from threading import Thread

from common.executions import ExecutionLog, NoExecutions
from common.machine import Execute, Finished
from common.services import NotFrames, Refusal, Service, Unsure, frames, handling, is_at_once
from common.settings import Limits
from common.transaction import Fate, Frames, Transaction

_logger = logging.getLogger(__name__)

_Outcome = tuple[Fate, Frames]

_DEFAULT_LIMITS = Limits()


class _Executing:
    """One service, one transaction after the other.

    ``fileno`` is readable as long as results wait that nobody was told of: poll it, then take ``results``.
    """

    def __init__(
        self, handle: Service, log: ExecutionLog | NoExecutions, limits: Limits = _DEFAULT_LIMITS
    ) -> None:
        """From here on it owns ``log`` and closes it."""
        self._handle = handle
        self._log = log
        self._frame_bytes_max = limits.body_bytes
        self._results: deque[Finished] = deque()
        self._doorbell = Doorbell()

    def fileno(self) -> int:
        """What to poll for reading, level-triggered; the same until ``close``."""
        return self._doorbell.fileno()

    def results(self) -> list[Finished]:
        """Everything finished since the last call, in order; empty where nothing is."""
        self._doorbell.silence()  # first: what is appended from here on rings again
        finished = []
        while self._results:
            finished.append(self._results.popleft())
        return finished

    def _do(self, execute: Execute) -> None:
        self._results.append(self._execute(execute))
        if len(self._results) == 1:  # else it was rung for, and who takes results takes all
            self._doorbell.ring()

    def _release(self) -> None:
        self._log.close()
        self._doorbell.close()

    def _execute(self, execute: Execute) -> Finished:
        job, transaction, opaque = execute
        try:
            self._log.begun(transaction, opaque, time.monotonic_ns())
        except OSError as error:  # what the ledger can't know of must not happen
            _logger.error("transaction %s was not executed: %s", transaction.id.decode(), error)
            return Finished(job, Fate.FAILED, (b"the worker can't write its execution record",), 0)
        started_ns = time.monotonic_ns()
        fate, body = self._outcome(transaction)
        finished_ns = time.monotonic_ns()
        try:
            self._log.finished(transaction.id, fate, finished_ns)
        except OSError as error:  # that it began is on record
            _logger.error("the end of transaction %s was not recorded: %s", transaction.id.decode(), error)
        return Finished(job, fate, body, (finished_ns - started_ns) // 1000)

    def _outcome(self, transaction: Transaction) -> _Outcome:
        handling(transaction.id)
        try:
            return Fate.COMPLETED, self._checked(frames(self._handle(transaction.body)))
        except Refusal as refusal:
            return Fate.FAILED, self._shortened(refusal.body or (b"",))
        except Unsure as doubt:
            return Fate.UNKNOWN, self._shortened(doubt.body or (b"",))
        except NotFrames as error:
            _logger.warning("transaction %s failed: %s", transaction.id.decode(), error)
            return Fate.FAILED, (str(error).encode(),)
        # SystemExit too, which would leave a worker that beats and never works.
        except BaseException as error:
            _logger.warning("transaction %s failed", transaction.id.decode(), exc_info=True)
            return Fate.FAILED, (f"the service raised {type(error).__name__}".encode(),)

    def _checked(self, body: Frames) -> Frames:
        """A body that may be sent: a frame above MAXMSGSIZE breaks the connection, at each attempt again."""
        longest = max(map(len, body))
        if longest > self._frame_bytes_max:
            raise NotFrames(f"a frame of an answer has at most {self._frame_bytes_max} bytes, got {longest}")
        return body

    def _shortened(self, body: Frames) -> Frames:
        return tuple(frame[: self._frame_bytes_max] for frame in body)


class Executor(_Executing):
    """In a thread of its own."""

    def __init__(
        self, handle: Service, log: ExecutionLog | NoExecutions, limits: Limits = _DEFAULT_LIMITS
    ) -> None:
        """Start the thread, which from here on owns ``log`` and closes it."""
        super().__init__(handle, log, limits)
        self._submitted: SimpleQueue[Execute | None] = SimpleQueue()
        # A daemon: a service that never returns must not keep the process from ending.
        self._thread = Thread(target=self._run, name="service", daemon=True)
        self._thread.start()

    def submit(self, execute: Execute) -> None:
        """Hand in a transaction; never blocks."""
        self._submitted.put(execute)

    def close(self, patience_s: float = 1.0) -> bool:
        """Let the thread end after what was submitted; returns whether it did within ``patience_s``.

        Do not poll ``fileno`` any more. A thread that is still in its service keeps its files open until it
        or the process ends.
        """
        self._submitted.put(None)
        self._thread.join(patience_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while (execute := self._submitted.get()) is not None:
            self._do(execute)
        self._release()


class AtOnce(_Executing):
    """In the caller's thread, for a service that is over within microseconds."""

    def submit(self, execute: Execute) -> None:
        """Do it; the result waits as any other."""
        self._do(execute)

    def close(self, patience_s: float = 1.0) -> bool:
        """Do not poll ``fileno`` any more. There is nothing to wait for."""
        self._release()
        return True


def executor(
    handle: Service, log: ExecutionLog | NoExecutions, limits: Limits = _DEFAULT_LIMITS
) -> Executor | AtOnce:
    """The one that suits the service."""
    return (AtOnce if is_at_once(handle) else Executor)(handle, log, limits)


class _EventFd:
    """Wakes a poll by an eventfd: one descriptor, eight bytes."""

    def __init__(self) -> None:
        self._fd = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)

    def fileno(self) -> int:
        return self._fd

    def ring(self) -> None:
        os.eventfd_write(self._fd, 1)

    def silence(self) -> None:
        with suppress(BlockingIOError):  # was silent
            os.eventfd_read(self._fd)

    def close(self) -> None:
        os.close(self._fd)


class _SocketPair:
    """The same where there is no eventfd."""

    def __init__(self) -> None:
        self._out, self._in = socket.socketpair()
        self._out.setblocking(False)
        self._in.setblocking(False)

    def fileno(self) -> int:
        return self._out.fileno()

    def ring(self) -> None:
        with suppress(BlockingIOError):  # full of rings already
            self._in.send(b"\0")

    def silence(self) -> None:
        with suppress(BlockingIOError):
            while self._out.recv(4096):
                pass

    def close(self) -> None:
        self._in.close()
        self._out.close()


Doorbell = _EventFd if hasattr(os, "eventfd") else _SocketPair
