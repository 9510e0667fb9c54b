"""Where an episode's files are, while it is played and until they are converted to tables.

Invariant: nobody else spells these names; ``bench.raw`` reads what is written here.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

HEADLINE = "=== "
"""What the line that begins an episode in a log begins with."""


class EpisodeFolder(NamedTuple):
    """``raw/<episode>/`` of a run folder, and its ``logs/``, which all episodes share."""

    raw: Path
    logs: Path

    @classmethod
    def of(cls, run: Path, episode: str) -> "EpisodeFolder":
        """The folders of an episode, not made yet."""
        return cls(run / "raw" / episode, run / "logs")

    def make(self) -> None:
        """Make all of the episode's; they must not exist."""
        self.raw.mkdir(parents=True)
        for folder in (self.parts, self.notes, self.gauges, self.executions):
            folder.mkdir()
        self.logs.mkdir(parents=True, exist_ok=True)

    def begin_logs(self, parts: Iterable[str], attempt: int) -> None:
        """Say in the log of each part, which goes on from episode to episode, which one begins."""
        again = f", attempt {attempt}" if attempt > 1 else ""
        for part in parts:
            with (self.logs / f"{part}.log").open("a") as log:
                log.write(f"{HEADLINE}{self.raw.name}{again}\n")

    @property
    def parts(self) -> Path:
        """``<part>.json``: what each part was told."""
        return self.raw / "parts"

    @property
    def notes(self) -> Path:
        """``<part>.jsonl``: what each part noticed."""
        return self.raw / "notes"

    @property
    def gauges(self) -> Path:
        """``<part>.jsonl``: its depths over time."""
        return self.raw / "gauges"

    @property
    def executions(self) -> Path:
        """``<worker>-<pid>.bin``: what each worker did."""
        return self.raw / "executions"

    def hindrance(self, part: str) -> Path:
        """What a worker shares with a fault that hinders its service; there only where a phase has such a fault."""
        return self.raw / f"{part}.hindrance"

    @property
    def bank(self) -> Path:
        """The accounts, where the service keeps a bank in a file."""
        return self.raw / "bank.sqlite"

    @property
    def spec(self) -> Path:
        """What the load process was told."""
        return self.raw / "spec.json"

    @property
    def relay(self) -> Path:
        """What the relay was told."""
        return self.raw / "relay.json"

    @property
    def records(self) -> Path:
        """One record a transaction, from the load process."""
        return self.raw / "load.bin"

    @property
    def report(self) -> Path:
        """What the load process told meanwhile."""
        return self.raw / "load.jsonl"

    @property
    def marks(self) -> Path:
        """What the bench did or saw."""
        return self.raw / "bench.jsonl"

    @property
    def samples(self) -> Path:
        """CPU, memory, threads and descriptors over time."""
        return self.raw / "samples.jsonl"
