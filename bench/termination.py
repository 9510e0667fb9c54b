"""SIGTERM in a part's process: from the first moment to the last it asks for a drain, and never ends the process.

Invariant: between ``__enter__`` and the end of the process SIGTERM is either remembered, or passed on, or of no use any
more; a part that is told to stop while it starts, or once more while it ends, ends in good order and with status 0.

What comes before Python runs a line of ours is up to the parent: a process that is started with SIGTERM blocked
(``bench.child.Launch.holds_sigterm``) gets it here.
"""

import signal
from collections.abc import Callable
from types import TracebackType
from typing import Self

TOLD = {signal.SIGTERM}


class Termination:
    """Takes SIGTERM from the main thread, which enters it once, for the rest of the process."""

    def __init__(self) -> None:
        self._told = False
        self._react: Callable[[], object] | None = None

    def __enter__(self) -> Self:
        signal.signal(signal.SIGTERM, self._take)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, TOLD)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Not back to the default: from here to its exit the process would die of a second SIGTERM.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)

    def then(self, react: Callable[[], object]) -> None:
        """Do this when SIGTERM comes for the first time, in the signal handler; now, if it has come already."""
        self._react = react
        if self._told:
            react()

    def over(self) -> None:
        """There is nothing left to be stopped: whatever comes now changes nothing."""
        self._react = None

    def _take(self, *_: object) -> None:
        again, self._told = self._told, True
        if self._react and not again:
            self._react()
