"""What is running, which of how many, and how long it still takes: a live line on a terminal, plain lines elsewhere.

Invariant: only stderr is written to; stdout holds results.
"""

import time
from types import TracebackType
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, ProgressColumn, SpinnerColumn, Task, TextColumn
from rich.progress import Progress as Bar
from rich.text import Text

FINISH_S = 8.0
"""What converting and drawing take, about: most of it is importing what draws."""


class Progress(Protocol):
    """Somebody who is told."""

    def __enter__(self) -> "Progress": ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None: ...

    def begin(self, what: str, number: int, of: int, left_s: float) -> None:
        """The ``number``-th of ``of`` begins; all that is left takes about ``left_s``."""

    def finish(self, what: str) -> None:
        """All of them are over; the rest is ``what``."""

    def say(self, line: str) -> None:
        """Something worth a line happened."""


def progress() -> Progress:
    """The one that fits where stderr goes."""
    console = Console(stderr=True, highlight=False)
    return Live(console) if console.is_terminal else Lines(console)


class Lines:
    """For a log file or CI."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def __enter__(self) -> "Lines":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        pass

    def begin(self, what: str, number: int, of: int, left_s: float) -> None:
        self.say(f"[{number}/{of}] {what} (about {duration(left_s)} left)")

    def finish(self, what: str) -> None:
        self.say(what)

    def say(self, line: str) -> None:
        self._console.print(line, markup=False, soft_wrap=True)


class Live:
    """For a person at a terminal."""

    def __init__(self, console: Console) -> None:
        self._bar = Bar(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            _Left(),
            console=console,
        )
        self._task = self._bar.add_task("", total=None, ends_at=0.0)

    def __enter__(self) -> "Live":
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self._bar.stop()

    def begin(self, what: str, number: int, of: int, left_s: float) -> None:
        self._bar.update(
            self._task, description=what, completed=number - 1, total=of, ends_at=time.monotonic() + left_s
        )

    def finish(self, what: str) -> None:
        total = self._bar.tasks[0].total or 1
        ends_at = time.monotonic() + FINISH_S
        self._bar.update(self._task, description=what, completed=total, total=total, ends_at=ends_at)

    def say(self, line: str) -> None:
        self._bar.console.print(line, markup=False, soft_wrap=True)


class _Left(ProgressColumn):
    """Time to go, counted down between one episode and the next."""

    def render(self, task: Task) -> Text:
        return Text(f"about {duration(max(task.fields['ends_at'] - time.monotonic(), 0))} left")


def duration(seconds: float) -> str:
    """``4 min 5 s``."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
