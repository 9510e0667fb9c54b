"""From what the processes of a run wrote down while it was played to its four tables.

Invariant: nothing is interpreted here and nothing whole is left out. What was being written when its
process was killed (a torn last entry or line) is skipped and told, so that the tables of an interrupted run
are as true as those of a finished one.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import msgspec
import numpy as np
import numpy.typing as npt

from bench import parquet, run_record
from bench.folders import EpisodeFolder
from bench.load import records
from bench.load.record_table import ENDINGS, read_records
from bench.parquet import Arrays, Database
from bench.run_record import Episode, PlayedStep, RunRecord
from bench.sampler import Sample
from common import executions
from common.executions import Execution

_SAMPLED = ("cpu_s", "rss_bytes", "threads", "fds")
"""Fields of a sample that become rows of their own."""

_METHODS = {code: name for name, code in records.METHODS.items()}
_LEVELS = {code: name for name, code in records.LEVELS.items()}

_Line = TypeVar("_Line", bound=msgspec.Struct)


class _Mark(msgspec.Struct):
    """A line of ``bench.jsonl`` or of a part's notes."""

    t_ns: int
    part: str
    kind: str
    subject: str = ""
    detail: str = ""


class _Gauges(msgspec.Struct):
    """A line of a part's gauges."""

    t_ns: int
    part: str
    gauges: dict[str, float]


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
        ValueError: a file is not one of ours.
    """
    record = run_record.read(folder)
    database = parquet.connect()
    parquet.create(database)
    torn: list[str] = []
    played = [
        (episode, files)
        for episode in record.episodes
        if (files := EpisodeFolder.of(folder, episode.name)).raw.is_dir()
    ]
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
        ("transactions", _transactions([step.name for step in steps], files, torn)),
        ("executions", _executions(files, torn)),
    ):
        if arrays:
            parquet.insert(database, table, arrays, nowhere)


def _convert(
    database: Database, record: RunRecord, episode: Episode, files: EpisodeFolder, torn: list[str]
) -> None:
    roles = {part.name: part.role for part in record.plans[episode.topology].parts}
    tables = (
        ("transactions", _transactions([step.name for step in episode.steps], files, torn)),
        ("executions", _executions(files, torn)),
        ("samples", _samples(files, roles, torn)),
        ("marks", _marks(files, torn)),
    )
    for table, arrays in tables:
        if arrays:
            _add(database, table, arrays, episode)
    _find_steps(database, episode)


def _transactions(names: Sequence[str], files: EpisodeFolder, torn: list[str]) -> Arrays:
    """``names`` are those of the episode's steps, in order."""
    if not files.records.exists():
        return {}
    table = read_records(files.records)
    if table.torn_bytes:
        torn.append(f"{_name(files, files.records)}: the last record is torn")
    rows = table.rows
    flags = rows["flags"]
    return {
        **{name: rows[name] for name, _ in records.LAYOUT if name in _AS_THEY_ARE},
        "retry_number": rows["retry"],
        "step": _words(dict(enumerate(names)), rows["step"]),
        "id": np.char.decode(rows["id"], "ascii").astype(object),
        "method": _words(_METHODS, rows["method"]),
        "level": _words(_LEVELS, rows["level"]),
        "fate": _words(ENDINGS, rows["ending"]),
        "front": np.array([f"front-{number}" for number in range(1, 257)], dtype=object)[rows["front"]],
        "definite": flags & records.DEFINITE > 0,
        "warmup": flags & records.WARMUP > 0,
        "answer_ok": flags & records.ANSWER_OK > 0,
        "named": flags & records.UNNAMED == 0,
    }


_AS_THEY_ARE = (
    "index",
    "origin",
    "status",
    "attempts",
    "scheduled_ns",
    "sent_ns",
    "done_ns",
    "deadline_ns",
    "bytes_out",
    "bytes_in",
    "waited_us",
    "slot_us",
    "worked_us",
    "timeout_ms",
)


def _executions(files: EpisodeFolder, torn: list[str]) -> Arrays:
    rows: list[tuple[str, int, Execution]] = []
    for path in sorted(files.executions.glob("*.bin")):
        contents = executions.read(path)
        if contents.torn_bytes:
            torn.append(f"{_name(files, path)}: the last entry is torn")
        part, pid = executions.owner(path)
        rows += [(part, pid, execution) for execution in executions.join(contents.entries)]
    if not rows:
        return {}
    ran = [execution for _, _, execution in rows]
    return {
        "part": _texts([part for part, _, _ in rows]),
        "pid": np.array([pid for _, pid, _ in rows]),
        "id": _texts([execution.id.decode("ascii") for execution in ran]),
        "begun_ns": np.array([execution.begun_ns for execution in ran]),
        "finished_ns": np.array([execution.finished_ns for execution in ran]),
        "fate": _texts([execution.fate.value if execution.fate else "" for execution in ran]),
        "opaque": np.array([execution.opaque for execution in ran]),
        "deadline_ns": np.array([execution.deadline_ns for execution in ran]),
        "retry": np.array([execution.retry for execution in ran]),
    }


def _samples(files: EpisodeFolder, roles: dict[str, Any], torn: list[str]) -> Arrays:
    rows: list[tuple[int, str, str, str, float]] = []
    for sample in _lines(files, files.samples, Sample, torn):
        rows += [
            (sample.t_ns, sample.part, sample.role, name, float(getattr(sample, name))) for name in _SAMPLED
        ]
    for path in sorted(files.gauges.glob("*.jsonl")):
        for line in _lines(files, path, _Gauges, torn):
            role = roles.get(line.part, "")
            rows += [(line.t_ns, line.part, role, name, value) for name, value in line.gauges.items()]
    if not rows:
        return {}
    t_ns, part, role, name, value = zip(*rows, strict=True)
    return {
        "t_ns": np.array(t_ns),
        "part": _texts(part),
        "role": _texts(role),
        "name": _texts(name),
        "value": np.array(value, dtype=np.float64),
    }


def _marks(files: EpisodeFolder, torn: list[str]) -> Arrays:
    marks: list[_Mark] = []
    for path in (files.marks, *sorted(files.notes.glob("*.jsonl"))):
        marks += _lines(files, path, _Mark, torn)
    if not marks:
        return {}
    return {
        "t_ns": np.array([mark.t_ns for mark in marks]),
        "part": _texts([mark.part for mark in marks]),
        "kind": _texts([mark.kind for mark in marks]),
        "subject": _texts([mark.subject for mark in marks]),
        "detail": _texts([mark.detail for mark in marks]),
    }


def _lines(files: EpisodeFolder, path: Path, kind: type[_Line], torn: list[str]) -> Iterator[_Line]:
    """Every line of a file that may be missing; a last one without its end is torn."""
    if not path.exists():
        return
    *lines, rest = path.read_bytes().split(b"\n")
    if rest:
        torn.append(f"{_name(files, path)}: the last line is torn")
    decoder = msgspec.json.Decoder(kind)
    for number, line in enumerate(lines, 1):
        try:
            yield decoder.decode(line)
        except ValueError as error:
            raise ValueError(f"{_name(files, path)}, line {number}: {error}") from error


def _name(files: EpisodeFolder, path: Path) -> str:
    """``latency-direct-1/notes/front-1.jsonl``."""
    return str(path.relative_to(files.raw.parent))


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


def _words(words: dict[int, str], codes: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The word for each code. A code without a word is a bug of the writer's."""
    found: npt.NDArray[Any] = np.full(codes.shape, None, dtype=object)
    for code, word in words.items():
        found[codes == code] = word
    return found


def _texts(values: Sequence[str]) -> npt.NDArray[Any]:
    """DuckDB takes text from arrays of objects only."""
    return np.array(values, dtype=object)
