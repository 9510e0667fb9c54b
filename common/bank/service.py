"""The service ``transfer``: parses, has the books apply it, and answers only what it knows.

Invariant: *completed* is answered only for a transfer that is committed, *failed* only for one that never will be
applied under this id. Where the database leaves open which it is, the answer is ``Unsure``: at this moment another
delivery of the same transaction may be applied elsewhere.
"""

import time
from collections.abc import Callable

import msgspec

from common.bank.books import Answered, Books, NoAccount
from common.bank.database import DatabaseError, check_driver
from common.bank.settings import BankSpec
from common.bank.transfer import NoTransfer, Transfer, parse
from common.services import Refusal, Service, ServiceSpec, Unsure, transaction_id
from common.transaction import Frames

ATTEMPTS = 2
"""A connection that has died since the last transfer is found out by the next: that one is worth a second try on a new
connection, which is safe, for the id is the same."""


def transfer(spec: ServiceSpec, duration_s: Callable[[], float]) -> Service:
    """The service over the bank of ``spec``; ``duration_s`` is as for ``Teller``.

    Raises:
        ValueError: the database's driver is not installed.
    """
    check_driver(spec.bank)
    return Teller(spec.bank, duration_s).handle


def at_once() -> float:
    """No time beside the database's."""
    return 0.0


class Teller:
    """One worker's side of the bank. Belongs to the thread that executes."""

    def __init__(self, bank: BankSpec, duration_s: Callable[[], float] = at_once) -> None:
        """Connect to nothing yet: a connection belongs to the thread that opens it.

        ``duration_s`` says how long the transfer being handled takes beside the database: one half of it is before the
        transaction and one after, when it is done and nobody knows yet. There a death hurts most, and an SQLite
        transaction alone, some 0.2 ms, would hardly ever be hit.
        """
        self._bank = bank
        self._duration_s = duration_s
        self._books: Books | None = None

    def handle(self, body: Frames) -> Frames:
        """The service: see ``common.services.Service``.

        Raises:
            Refusal: this transfer was not applied, nor will be.
            Unsure: nobody knows.
        """
        try:
            wanted = parse(b"".join(body))
            half_s = self._duration_s() / 2
            time.sleep(half_s)
            answered = self._apply(transaction_id().decode("ascii"), wanted)
            time.sleep(half_s)
        except (NoTransfer, NoAccount) as error:
            raise Refusal(str(error).encode()) from None
        except DatabaseError as error:
            raise Unsure(f"the bank's database: {error}".encode()) from error
        return _answer(wanted, answered)

    def close(self) -> None:
        """Close the books, if they are open; the next transfer opens them again."""
        books, self._books = self._books, None
        if books is not None:
            books.close()

    def _apply(self, id: str, wanted: Transfer) -> Answered:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                if self._books is None:
                    self._books = Books(self._bank)
                return self._books.apply(id, wanted)
            except DatabaseError:
                self.close()
                if attempt == ATTEMPTS:
                    raise
        raise AssertionError("the last attempt returns or raises")


def _answer(wanted: Transfer, answered: Answered) -> Frames:
    """What was decided, in the words that every delivery gets.

    Raises:
        Refusal: the transfer was refused, or the id is another transfer's.
    """
    (source, target, amount), applied, balance = answered
    if answered.transfer != wanted:
        raise Refusal(b"this transaction id has been used for another transfer")
    if not applied:
        raise Refusal(f"insufficient funds: account {source} held {balance}, asked for {amount}".encode())
    return (msgspec.json.encode({"from": source, "to": target, "amount": amount, "balance": balance}),)
