"""The bank in an SQLite file that all workers open.

* WAL: who reads is not held up by who writes, and a commit is one append.
* BEGIN IMMEDIATE: the right to write is taken first. A transaction that reads first and writes later would be refused
  (SQLITE_BUSY at once, whatever the time-out) as soon as another has written in between.
* busy_timeout ``WAIT_S``: writers take turns by waiting.
* synchronous NORMAL: a commit is in the file when it returns, so that SIGKILL takes nothing back, which is all that the
  bench does to a process; it is not flushed to the disk, so that a power cut could. FULL would add a flush to each
  commit and make the disk what is measured.
"""

import sqlite3
from contextlib import suppress

from common.bank.database import WAIT_S, DatabaseError, Rows
from common.bank.settings import BankSpec

FILE = "bank.sqlite"
"""Where nobody said another."""


class Sqlite:
    """See ``common.bank.database.Database``."""

    for_update = ""
    count_tables = "SELECT count(*) FROM sqlite_master WHERE name IN ('accounts', 'answers', 'journal')"

    def __init__(self, spec: BankSpec) -> None:
        """Open the file, or make it. Raises DatabaseError."""
        path = spec.database or FILE
        try:
            self._connection = sqlite3.connect(path, timeout=WAIT_S, isolation_level=None)
        except sqlite3.Error as error:
            raise DatabaseError(f"{path}: {error}") from error
        try:
            self.execute("PRAGMA journal_mode = WAL")
            self.execute("PRAGMA synchronous = NORMAL")
        except DatabaseError:
            self.close()
            raise

    def begin(self) -> None:
        self.execute("BEGIN IMMEDIATE")

    def commit(self) -> None:
        self.execute("COMMIT")

    def rollback(self) -> None:
        self.execute("ROLLBACK")

    def alone(self) -> None:
        """Who may write is alone."""

    def still(self) -> None:
        """Who may write is alone."""

    def execute(self, query: str, *values: object) -> Rows:
        try:
            return self._connection.execute(query, values).fetchall()
        except sqlite3.Error as error:
            raise DatabaseError(str(error)) from error

    def close(self) -> None:
        with suppress(sqlite3.Error):
            self._connection.close()
