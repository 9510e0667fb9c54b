"""The laws, while a soak is still played: its books after each round.

Invariant: only what is settled is judged, which is the transactions of the rounds that are over, so that a law that is
broken here is broken for good. What a worker began later belongs to later rounds; a round's books are looked at
again with the next one's.
"""

import asyncio
from collections.abc import Callable, Sequence

from bench import ledger, parquet, raw
from bench.folders import EpisodeFolder
from bench.parquet import Database
from bench.run_record import PlayedStep

Look = Callable[[EpisodeFolder, Sequence[PlayedStep]], list[str]]


class RunningBooks:
    """Looks at the books of an episode while it is played, in a thread, one look at a time. Needs a running loop."""

    def __init__(self, files: EpisodeFolder, look: Look) -> None:
        """``look`` is ``broken_laws``, or what a test puts in its place."""
        self._files = files
        self._look = look
        self._looking: asyncio.Task[list[str]] | None = None
        """A look that is under way, or was not asked for its result yet."""

    def look(self, steps: Sequence[PlayedStep]) -> None:
        """Begin to look at the rounds that are over; not while another look is under way."""
        if self._looking is None:
            self._looking = asyncio.create_task(asyncio.to_thread(self._look, self._files, tuple(steps)))

    def broken(self) -> list[str]:
        """The laws that the last look found broken, told once; none where it is under way."""
        if self._looking is None or not self._looking.done():
            return []
        looked, self._looking = self._looking, None
        return looked.result()

    def cancel(self) -> None:
        """Do not ask any more; harmless where nothing is under way."""
        if self._looking:
            self._looking.cancel()


def broken_laws(files: EpisodeFolder, steps: Sequence[PlayedStep]) -> list[str]:
    """Every law that the rounds which are over have broken, in words. Takes seconds; needs no loop.

    ``files`` are the episode's, ``steps`` all of its rounds, those that are not over without their ``done_ns``.
    """
    over = [step for step in steps if step.done_ns]
    if not over:
        return []
    with parquet.connect() as database:
        parquet.create(database)
        raw.read_transactions(database, files, steps)
        _leave_out_what_is_not_settled(database, over)
        return [
            law for books in ledger.books(database).values() for law in ledger.broken_laws(books).values()
        ]


def _leave_out_what_is_not_settled(database: Database, over: Sequence[PlayedStep]) -> None:
    database.execute(
        "DELETE FROM transactions WHERE NOT list_contains(?, step)", [[step.name for step in over]]
    )
    database.execute("DELETE FROM executions WHERE begun_ns > ?", [max(step.done_ns for step in over)])
