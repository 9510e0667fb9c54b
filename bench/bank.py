"""The bank of one episode: opened before the parts start, read when they have ended.

Invariant: no episode meets another's money, and nothing is left in anybody's database: the SQLite file is in the
episode's raw folder, and a PostgreSQL schema is dropped however the episode ends.
"""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from msgspec.structs import replace

from bench.audit import Asked, Audit, audit
from bench.errors import BadInput, BenchError
from bench.folders import EpisodeFolder
from bench.load.record_table import ENDINGS, read_records
from bench.load.records import UNNAMED
from bench.load.schedule import transaction_id
from bench.load.transfers import drawn
from common.bank.books import Books, Statement
from common.bank.database import DatabaseError
from common.bank.settings import BankSpec
from common.services import ServiceSpec

_COLUMNS = ["id", "step", "origin", "retry", "ending", "flags"]


@contextmanager
def opened(service: ServiceSpec, folder: EpisodeFolder) -> Iterator[BankSpec | None]:
    """A fresh bank for one episode; None where the service keeps none. Its parts must have ended before this does.

    Raises:
        BadInput: the database cannot be reached or written.
        BenchError: what was made in it cannot be removed.
    """
    if not service.keeps_bank:
        yield None
        return
    bank = _own(service.bank, folder)
    try:
        Books(bank).close()
    except DatabaseError as error:
        raise BadInput(f"service.bank.database {service.bank.database!r}: {error}") from None
    try:
        yield bank
    except BaseException:
        with suppress(DatabaseError):
            _remove(bank)
        raise
    try:
        _remove(bank)
    except DatabaseError as error:
        raise BenchError(f"schema {bank.schema} could not be dropped: {error}") from None


def read(bank: BankSpec) -> Statement:
    """All that its books say, once nobody writes any more. Raises DatabaseError."""
    books = Books(bank)
    try:
        return books.statement()
    finally:
        books.close()


def audited(bank: BankSpec, records: Path, seed: int, prefix: str) -> Audit:
    """Its books, held against what the load asked for and was told. Raises DatabaseError."""
    return audit(bank, read(bank), asked(records, seed, prefix, bank))


def asked(records: Path, seed: int, prefix: str, bank: BankSpec) -> list[Asked]:
    """What the load asked for, by its records and the ids that it made: ``prefix.STEP-INDEX``."""
    rows = read_records(records).rows
    found = []
    for id, step, origin, retry, ending, flags in rows[_COLUMNS].tolist():
        own = transaction_id(f"{prefix}.{step}", origin, retry).encode()
        transfer = drawn(seed, own, bank.accounts)
        found.append(Asked(id.decode("ascii"), transfer, ENDINGS[ending], not flags & UNNAMED))
    return found


def _own(bank: BankSpec, folder: EpisodeFolder) -> BankSpec:
    if bank.postgresql:
        return replace(bank, schema=f"brokerbench_{secrets.token_hex(6)}")
    if bank.database:
        raise BadInput(
            "service.bank.database must be empty (a file of its own for each episode) or postgresql://...,"
            f" got {bank.database!r}"
        )
    return replace(bank, database=str(folder.bank))


def _remove(bank: BankSpec) -> None:
    if bank.postgresql:
        from common.bank.postgresql import drop_schema

        drop_schema(bank)
