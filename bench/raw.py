"""From what the processes of a run wrote down while it was played to its four tables.

Invariant: what is torn in the raw facts (``bench.facts``) is told, so that the tables of an interrupted run are as true
as those of a finished one; each row says whose it is: the episode, and the step that had begun then.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from bench import facts, parquet, run_record
from bench.errors import BadInput
from bench.folders import EpisodeFolder
from bench.parquet import Arrays, Database
from bench.run_record import Episode, PlayedStep, RunRecord


class Converted(NamedTuple):
    """What became of the raw facts."""

    episodes: int
    """How many had any."""
    torn: tuple[str, ...]
    """What could not be read to its end, for people."""


def to_parquet(folder: Path) -> Converted:
    """Write the four tables of a run folder from ``raw/``, which is left as it is.

    Episodes are taken from ``run.json``; one that is not in it was under way when the run ended, and is not
    whole.

    Raises:
        OSError: ``run.json`` is missing, or a file can't be read or written.
        ValueError: ``run.json`` is not the record of a run.
        BadInput: another file is not one of ours.
    """
    record = run_record.read(folder)
    torn: list[str] = []
    played = [
        (episode, files)
        for episode in record.episodes
        if (files := EpisodeFolder.of(folder, episode.name)).raw.is_dir()
    ]
    with parquet.connect() as database:
        parquet.create(database)
        for episode, files in played:
            _convert(database, record, episode, files, torn)
        parquet.write(database, folder)
    return Converted(len(played), tuple(torn))


def read_transactions(database: Database, files: EpisodeFolder, steps: Sequence[PlayedStep]) -> None:
    """Fill the tables ``transactions`` and ``executions`` with what an episode has on disk by now; it may still be
    played, and a torn last entry is one that is being written. The rows say of no episode whose they are.
    """
    nowhere = {"phase": "", "topology": "", "trial": 0}
    torn: list[str] = []
    # Executions last: who has a record of a transaction's end finds that of its execution.
    for table, arrays in (
        ("transactions", facts.transactions([step.name for step in steps], files, torn)),
        ("executions", facts.executions(files, torn)),
    ):
        if arrays:
            parquet.insert(database, table, arrays, nowhere)


def _convert(
    database: Database, record: RunRecord, episode: Episode, files: EpisodeFolder, torn: list[str]
) -> None:
    roles = {part.name: part.role for part in record.plans[episode.topology].parts}
    try:
        tables = (
            ("transactions", facts.transactions([step.name for step in episode.steps], files, torn)),
            ("executions", facts.executions(files, torn)),
            ("samples", facts.samples(files, roles, torn)),
            ("marks", facts.marks(files, torn)),
        )
    except ValueError as error:
        raise BadInput(f"{files.raw} must hold what a run wrote down, got: {error}") from error
    for table, arrays in tables:
        if arrays:
            _add(database, table, arrays, episode)
    _find_steps(database, episode)


def _add(database: Database, table: str, arrays: Arrays, episode: Episode) -> None:
    where = {"phase": episode.phase, "topology": episode.topology, "trial": episode.trial}
    parquet.insert(database, table, arrays, where)


def _find_steps(database: Database, episode: Episode) -> None:
    """Give each execution the step of its transaction, and what has only a time the step that had begun
    then.
    """
    where = "phase = $phase AND topology = $topology AND trial = $trial AND step IS NULL"
    here = {"phase": episode.phase, "topology": episode.topology, "trial": episode.trial}
    database.execute(
        f"""UPDATE executions SET step = t.step FROM transactions t WHERE executions.id = t.id
            AND t.phase = $phase AND t.topology = $topology AND t.trial = $trial
            AND executions.{where.replace(" AND ", " AND executions.")}""",
        here,
    )
    for table, instant in (("executions", "begun_ns"), ("samples", "t_ns"), ("marks", "t_ns")):
        for step in sorted(episode.steps, key=lambda step: step.begin_ns, reverse=True):
            if step.begin_ns:
                database.execute(
                    f"UPDATE {table} SET step = $step WHERE {where} AND {instant} >= $begin_ns",
                    {**here, "step": step.name, "begin_ns": step.begin_ns},
                )
        database.execute(f"UPDATE {table} SET step = '' WHERE {where}", here)
