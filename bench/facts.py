"""The raw facts of one episode as columns: what its processes wrote, file by file.

Invariant: nothing is interpreted here and nothing whole is left out. What was being written when its process was killed
(a torn last entry or line) is skipped and told to the caller, in words for people.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import numpy as np
import numpy.typing as npt

from bench.folders import EpisodeFolder
from bench.load import records
from bench.load.record_table import ENDINGS, read_records
from bench.parquet import Arrays
from bench.sampler import Sample
from common.executions import Execution, join, owner, read

_SAMPLED = (
    "cpu_s",
    "rss_bytes",
    "threads",
    "fds",
    "ctx_voluntary",
    "ctx_involuntary",
    "run_delay_s",
    "wall_ahead_s",
    "boot_ahead_s",
)
"""Fields of a sample that become rows of their own, where they are known."""

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


def transactions(names: Sequence[str], files: EpisodeFolder, torn: list[str]) -> Arrays:
    """What the load wrote down; ``names`` are those of the episode's steps, in order."""
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


def executions(files: EpisodeFolder, torn: list[str]) -> Arrays:
    """What the workers wrote down; empty where nothing was. What is ``torn`` is added there, as below."""
    rows: list[tuple[str, int, Execution]] = []
    for path in sorted(files.executions.glob("*.bin")):
        contents = read(path)
        if contents.torn_bytes:
            torn.append(f"{_name(files, path)}: the last entry is torn")
        part, pid = owner(path)
        rows += [(part, pid, execution) for execution in join(contents.entries)]
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


def samples(files: EpisodeFolder, roles: dict[str, Any], torn: list[str]) -> Arrays:
    """What was sampled of each process, and what the parts' gauges told; ``roles`` by part."""
    rows: list[tuple[int, str, str, str, float]] = []
    for sample in _lines(files, files.samples, Sample, torn):
        rows += [
            (sample.t_ns, sample.part, sample.role, name, float(value))
            for name in _SAMPLED
            if (value := getattr(sample, name)) is not None
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


def marks(files: EpisodeFolder, torn: list[str]) -> Arrays:
    """What the bench and the parts noted."""
    found: list[_Mark] = []
    for path in (files.marks, *sorted(files.notes.glob("*.jsonl"))):
        found += _lines(files, path, _Mark, torn)
    if not found:
        return {}
    return {
        "t_ns": np.array([mark.t_ns for mark in found]),
        "part": _texts([mark.part for mark in found]),
        "kind": _texts([mark.kind for mark in found]),
        "subject": _texts([mark.subject for mark in found]),
        "detail": _texts([mark.detail for mark in found]),
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


def _words(words: dict[int, str], codes: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The word for each code. A code without a word is a bug of the writer's."""
    found: npt.NDArray[Any] = np.full(codes.shape, None, dtype=object)
    for code, word in words.items():
        found[codes == code] = word
    return found


def _texts(values: Sequence[str]) -> npt.NDArray[Any]:
    """DuckDB takes text from arrays of objects only."""
    return np.array(values, dtype=object)
