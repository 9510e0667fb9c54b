"""Rows of the four tables, a few at a time, with everything that a test does not care about filled in."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from bench import parquet
from bench.ledger import EpisodeKey
from bench.parquet import Database

MS = 1_000_000
S = 1000 * MS
EPISODE = EpisodeKey("latency", "paranoid-pirate", 1)


class Facts:
    """What was written down, row by row; ``database`` joins it up."""

    def __init__(self, episode: EpisodeKey = EPISODE, step: str = "0.5") -> None:
        self._where = {**episode._asdict(), "step": step}
        self._rows: dict[str, list[Mapping[str, Any]]] = {table: [] for table in parquet.TABLES}

    def transaction(self, id: str, fate: str = "completed", **columns: object) -> None:
        index = len(self._rows["transactions"])
        self._add(
            "transactions",
            {
                "id": id,
                "index": index,
                "method": "PUT",
                "level": "rest",
                "scheduled_ns": index * MS,
                "sent_ns": index * MS,
                "done_ns": (index + 10) * MS,
                "status": 200,
                "fate": fate,
                "definite": fate not in ("unknown", "broken"),
                "warmup": False,
                "front": "front-1",
                "bytes_out": 64,
                "bytes_in": 64,
                "waited_us": 0,
                "slot_us": 10_000,
                "worked_us": 9_000,
                "attempts": 1,
                "answer_ok": fate == "completed",
                "named": True,
                "timeout_ms": 5000,
                "deadline_ns": (index + 5000) * MS,
                "origin": index,
                "retry_number": 0,
            },
            columns,
        )

    def execution(self, id: str, **columns: object) -> None:
        self._add(
            "executions",
            {
                "id": id,
                "part": "worker-1",
                "pid": 100,
                "begun_ns": 1 * MS,
                "finished_ns": 10 * MS,
                "fate": "completed",
                "opaque": False,
                "deadline_ns": 5000 * MS,
                "retry": True,
            },
            columns,
        )

    def sample(self, t_ns: int, part: str, name: str, value: float, **columns: object) -> None:
        role = part.partition("-")[0]
        self._add(
            "samples", {"t_ns": t_ns, "part": part, "role": role, "name": name, "value": value}, columns
        )

    def mark(self, t_ns: int, part: str, kind: str, subject: str = "", detail: str = "") -> None:
        self._add(
            "marks", {"t_ns": t_ns, "part": part, "kind": kind, "subject": subject, "detail": detail}, {}
        )

    def executed(self, id: str, fate: str = "completed", **columns: object) -> None:
        """A transaction and its one execution."""
        self.transaction(id, fate, **columns)
        self.execution(id)

    def database(self) -> Database:
        database = parquet.connect()
        parquet.create(database)
        for table, rows in self._rows.items():
            if rows:
                parquet.insert(database, table, _columns(rows), {})
        return database

    def _add(self, table: str, row: Mapping[str, Any], changes: Mapping[str, Any]) -> None:
        assert not set(changes) - set(row) - set(self._where), f"{table} has no {changes}"
        self._rows[table].append({**self._where, **row, **changes})


def _columns(rows: list[Mapping[str, Any]]) -> dict[str, Any]:
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    return {
        name: np.array(values, dtype=object) if isinstance(values[0], str) else np.array(values)
        for name, values in columns.items()
    }
