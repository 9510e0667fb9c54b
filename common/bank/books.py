"""The bank's books: accounts, a journal of what was applied, and the answer that each transaction got.

Invariant: an answer, what it did to two accounts and its line in the journal are one database transaction, so that
there are all of them or none. An id that has an answer gets the same one for ever, and nothing is done for it again.

The journal has no unique key on purpose: the audit is to see what was applied twice, not the database to hide it.
"""

from typing import NamedTuple

from common.bank.database import Database, DatabaseError, Rows, open_database
from common.bank.settings import BankSpec
from common.bank.transfer import Transfer

_TABLES = (
    "CREATE TABLE accounts (number INTEGER PRIMARY KEY, balance BIGINT NOT NULL CHECK (balance >= 0))",
    "CREATE TABLE answers (id VARCHAR(64) PRIMARY KEY, source BIGINT NOT NULL, target BIGINT NOT NULL,"
    " amount BIGINT NOT NULL, applied INTEGER NOT NULL, balance BIGINT NOT NULL)",
    "CREATE TABLE journal (id VARCHAR(64) NOT NULL, source BIGINT NOT NULL, target BIGINT NOT NULL,"
    " amount BIGINT NOT NULL)",
)

_BALANCES = "SELECT number, balance FROM accounts WHERE number IN (?, ?) ORDER BY number"
_ANSWER = "SELECT source, target, amount, applied, balance FROM answers WHERE id = ?"


class Answered(NamedTuple):
    """What became of a transaction, once and for all."""

    transfer: Transfer
    applied: bool
    """False: the source account did not hold the amount."""
    balance: int
    """Of the source account: after the transfer, or too small for it."""


class NoAccount(LookupError):
    """There is no account of that number, and there never will be."""


class Statement(NamedTuple):
    """All that the books say."""

    balances: dict[int, int]
    """{account: balance}"""
    journal: list[tuple[str, Transfer]]
    """(id, what was applied), once for each time."""
    refused: int
    """Answers that said no."""


class Books:
    """One worker's access to the bank. Not thread-safe."""

    def __init__(self, spec: BankSpec) -> None:
        """Open them; made and opened anew where there are none yet.

        Raises:
            DatabaseError: that was not possible.
        """
        self._database: Database = open_database(spec)
        try:
            if not self._exist():
                self._make(spec)
        except DatabaseError:
            self.close()
            raise

    def apply(self, id: str, transfer: Transfer) -> Answered:
        """Move the money, or refuse to where it is not there; or say again what was answered before.

        Raises:
            NoAccount: one of the two is unknown; nothing was done.
            DatabaseError: nobody knows whether it was done. Close these books; the same call on new ones will tell.
        """
        database = self._database
        database.begin()
        held = database.execute(_BALANCES + database.for_update, transfer.source, transfer.target)
        answered = self._answered(id)
        if answered is None:
            try:
                answered = _decide(transfer, dict(held))
            except NoAccount:
                database.rollback()
                raise
            self._write(id, answered)
        database.commit()
        return answered

    def statement(self) -> Statement:
        """Everything, at one instant between transfers. Raises DatabaseError."""
        execute = self._database.execute
        self._database.begin()
        self._database.still()
        journal = execute("SELECT id, source, target, amount FROM journal")
        statement = Statement(
            dict(execute("SELECT number, balance FROM accounts")),
            [(id, Transfer(*moved)) for id, *moved in journal],
            int(execute("SELECT count(*) FROM answers WHERE applied = 0")[0][0]),
        )
        self._database.rollback()
        return statement

    def close(self) -> None:
        """Close them."""
        self._database.close()

    def _answered(self, id: str) -> Answered | None:
        rows: Rows = self._database.execute(_ANSWER, id)
        if not rows:
            return None
        source, target, amount, applied, balance = rows[0]
        return Answered(Transfer(source, target, amount), bool(applied), balance)

    def _write(self, id: str, answered: Answered) -> None:
        execute = self._database.execute
        transfer, applied, balance = answered
        execute("INSERT INTO answers VALUES (?, ?, ?, ?, ?, ?)", id, *transfer, int(applied), balance)
        if applied:
            source, target, amount = transfer
            execute("UPDATE accounts SET balance = balance - ? WHERE number = ?", amount, source)
            execute("UPDATE accounts SET balance = balance + ? WHERE number = ?", amount, target)
            execute("INSERT INTO journal VALUES (?, ?, ?, ?)", id, *transfer)

    def _exist(self) -> bool:
        return int(self._database.execute(self._database.count_tables)[0][0]) == len(_TABLES)

    def _make(self, spec: BankSpec) -> None:
        if spec.postgresql:
            from common.bank.postgresql import create_schema

            create_schema(spec)
        database = self._database
        database.begin()
        database.alone()
        if not self._exist():
            for table in _TABLES:
                database.execute(table)
            database.execute(
                "WITH RECURSIVE numbers (number) AS"
                " (SELECT 1 UNION ALL SELECT number + 1 FROM numbers WHERE number < ?)"
                " INSERT INTO accounts SELECT number, ? FROM numbers",
                spec.accounts,
                spec.balance,
            )
        database.commit()


def _decide(transfer: Transfer, balances: dict[int, int]) -> Answered:
    for account in (transfer.source, transfer.target):
        if account not in balances:
            raise NoAccount(f"there is no account {account}")
    held = balances[transfer.source]
    applied = held >= transfer.amount
    return Answered(transfer, applied, held - transfer.amount * applied)
