"""The four tables of a run: what columns they have, how they are written, and how they are opened again.

Invariant: a table that is opened has exactly these columns, also where its file is missing: then it is empty,
so that whoever analyses an interrupted run meets no special case.

Instants are nanoseconds of CLOCK_MONOTONIC, durations carry their unit in their name, 0 stands for *did not
happen* or *was not measured*.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb
import numpy.typing as npt

from bench.errors import BadInput

_WHERE = "phase VARCHAR, topology VARCHAR, trial INTEGER, step VARCHAR"
"""In every table: which episode, and in it which step (``16`` users, ``0.5`` of the capacity); empty before
any."""

TABLES = {
    "transactions": f"""{_WHERE},
        id VARCHAR, "index" INTEGER, method VARCHAR, level VARCHAR,
        scheduled_ns BIGINT, sent_ns BIGINT, done_ns BIGINT,
        status SMALLINT, fate VARCHAR, definite BOOLEAN, warmup BOOLEAN, front VARCHAR,
        bytes_out INTEGER, bytes_in INTEGER, waited_us BIGINT, slot_us BIGINT, worked_us BIGINT,
        attempts INTEGER, answer_ok BOOLEAN, named BOOLEAN, timeout_ms INTEGER, deadline_ns BIGINT,
        origin INTEGER, retry_number INTEGER""",
    "executions": f"""{_WHERE},
        id VARCHAR, part VARCHAR, pid INTEGER, begun_ns BIGINT, finished_ns BIGINT,
        fate VARCHAR, opaque BOOLEAN, deadline_ns BIGINT, retry BOOLEAN""",
    "samples": f"{_WHERE}, t_ns BIGINT, part VARCHAR, role VARCHAR, name VARCHAR, value DOUBLE",
    "marks": f"{_WHERE}, t_ns BIGINT, part VARCHAR, kind VARCHAR, subject VARCHAR, detail VARCHAR",
}
"""Table to columns, as SQL."""

Database = duckdb.DuckDBPyConnection
Arrays = Mapping[str, npt.NDArray[Any]]
"""Columns of one length; text as arrays of objects, which is what DuckDB takes."""


def connect() -> Database:
    """An empty database in memory, one thread, that loads no extension from anywhere."""
    return duckdb.connect(
        config={
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "threads": "1",
        }
    )


def create(database: Database) -> None:
    """Make the four tables, empty."""
    for table, columns in TABLES.items():
        database.execute(f"CREATE TABLE {table} ({columns})")


def insert(database: Database, table: str, arrays: Arrays, constants: Mapping[str, object]) -> None:
    """Append rows; ``constants`` are columns with one value for all of them."""
    selected = ", ".join([*(f"${name} AS {name}" for name in constants), "*"])
    database.register("arrays", dict(arrays))
    try:
        database.execute(f"INSERT INTO {table} BY NAME SELECT {selected} FROM arrays", dict(constants))
    finally:
        database.unregister("arrays")


def write(database: Database, folder: Path) -> None:
    """Write the four tables to ``folder``, each as a whole or not at all.

    Raises:
        OSError: one can't be written.
    """
    for table in TABLES:
        path = folder / f"{table}.parquet"
        half = folder / f".{table}.parquet.half"
        try:
            database.execute(
                f"COPY (SELECT * FROM {table} ORDER BY phase, topology, trial) TO {_quoted(half)}"
                " (FORMAT parquet, PARQUET_VERSION v2, COMPRESSION zstd)"
            )
        except duckdb.IOException as error:
            raise OSError(str(error)) from error
        half.replace(path)


def open_run(folder: Path) -> Database:
    """The four tables of a run folder, under their names; a column that an older run did not have is null.

    Raises:
        BadInput: a file is no such table.
    """
    database = connect()
    create(database)
    for table in TABLES:
        path = folder / f"{table}.parquet"
        try:
            if path.exists():
                _read(database, table, path)
        except duckdb.Error as error:
            database.close()
            what = str(error).split("\n")[0]
            raise BadInput(f"{path} must be a table of a run, got: {what}") from None
    return database


def _read(database: Database, table: str, path: Path) -> None:
    there = column_names(database, f"SELECT * FROM read_parquet({_quoted(path)})")
    columns = ", ".join(f'"{name}"' for name in column_names(database, table) if name in there)
    database.execute(f"INSERT INTO {table} BY NAME SELECT {columns} FROM read_parquet({_quoted(path)})")


def column_names(database: Database, table: str) -> list[str]:
    """The columns of a table or query, in order."""
    return [name for name, *_ in database.execute(f"DESCRIBE {table}").fetchall()]


def _quoted(path: Path) -> str:
    text = str(path).replace("'", "''")
    return f"'{text}'"
