"""Where an episode's files are, while it is played and until they are converted to tables.

Invariant: nobody else spells these names; ``bench.raw`` reads what is written here.
"""

from pathlib import Path
from typing import NamedTuple


class EpisodeFolder(NamedTuple):
    """``raw/<episode>/`` and ``logs/<episode>/`` of a run folder."""

    raw: Path
    logs: Path

    @classmethod
    def of(cls, run: Path, episode: str) -> "EpisodeFolder":
        """The folders of an episode, not made yet."""
        return cls(run / "raw" / episode, run / "logs" / episode)

    def make(self) -> None:
        """Make all of them; they must not exist."""
        self.raw.mkdir(parents=True)
        for folder in (self.parts, self.notes, self.gauges, self.executions):
            folder.mkdir()
        self.logs.mkdir(parents=True)

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

    @property
    def spec(self) -> Path:
        """What the load process was told."""
        return self.raw / "spec.json"

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
