"""What the bank needs of a database: one connection, transactions, the same SQL on each.

Invariant: a driver is imported only where its kind of database was asked for: the others cost a worker nothing.
"""

from typing import Any, Protocol

from common.bank.settings import BankSpec

WAIT_S = 5.0
"""How long a statement waits for what another worker holds: longer than the pause of a worker that holds it (SIGSTOP
in the middle of a transaction), and no longer than a transaction's usual time to live."""

Rows = list[tuple[Any, ...]]


class DatabaseError(Exception):
    """The database did not do it, or it is not known whether it did: busy, away, broken off."""


class Database(Protocol):
    """One connection, used by the thread that opened it. Every method raises DatabaseError."""

    for_update: str
    """What makes a SELECT hold its rows until the transaction's end; empty where the whole database is held."""
    count_tables: str
    """The query for how many of the bank's tables there are."""

    def begin(self) -> None:
        """Begin a transaction that means to write."""

    def commit(self) -> None:
        """Make it last: from here on no death of a process takes it back. Raised from here, nobody knows."""

    def rollback(self) -> None:
        """Undo it."""

    def alone(self) -> None:
        """Within a transaction: wait until no other makes tables."""

    def still(self) -> None:
        """Within a transaction: wait until nobody is in the middle of a transfer, and let nobody begin one."""

    def execute(self, query: str, *values: object) -> Rows:
        """Rows of a query, whose values stand as ``?``."""

    def close(self) -> None:
        """Close it; what was not committed is undone."""


def open_database(spec: BankSpec) -> Database:
    """A connection of its own.

    Raises:
        DatabaseError: it cannot be opened.
        ValueError: its driver is not installed.
    """
    if spec.postgresql:
        from common.bank.postgresql import Postgresql

        return Postgresql(spec)
    from common.bank.sqlite import Sqlite

    return Sqlite(spec)


def check_driver(spec: BankSpec) -> None:
    """Import the driver, connect to nothing.

    Raises:
        ValueError: it is not installed; says how to get it.
    """
    if spec.postgresql:
        import common.bank.postgresql
    else:
        import common.bank.sqlite  # noqa: F401
