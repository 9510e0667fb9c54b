"""The laws, while a soak is still played: its books after each round.

Invariant: only what is settled is judged, which is the transactions of the rounds that are over, so that a law that is
broken here is broken for good. What a worker began later belongs to later rounds; a round's books are looked at
again with the next one's.
"""

from collections.abc import Sequence

from bench import ledger, parquet, raw
from bench.folders import EpisodeFolder
from bench.parquet import Database
from bench.run_record import PlayedStep


def broken_laws(files: EpisodeFolder, steps: Sequence[PlayedStep]) -> list[str]:
    """Every law that the rounds which are over have broken, in words. Takes seconds; needs no loop.

    ``files`` are the episode's, ``steps`` all of its rounds, those that are not over without their ``done_ns``.
    """
    over = [step for step in steps if step.done_ns]
    if not over:
        return []
    database = parquet.connect()
    try:
        parquet.create(database)
        raw.read_transactions(database, files, steps)
        _leave_out_what_is_not_settled(database, over)
        return [
            law for books in ledger.books(database).values() for law in ledger.broken_laws(books).values()
        ]
    finally:
        database.close()


def _leave_out_what_is_not_settled(database: Database, over: Sequence[PlayedStep]) -> None:
    database.execute(
        "DELETE FROM transactions WHERE NOT list_contains(?, step)", [[step.name for step in over]]
    )
    database.execute("DELETE FROM executions WHERE begun_ns > ?", [max(step.done_ns for step in over)])
