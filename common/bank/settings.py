"""Which bank a deployment's workers share: where its database is, and what it opens with.

Invariant: no driver is imported here, and nothing here holds a secret: a scenario is written into ``run.json``.
"""

import re
from urllib.parse import parse_qs, urlsplit

import msgspec

POSTGRESQL = ("postgresql://", "postgres://")
ACCOUNTS_MAX = 1_000_000

_SCHEMA = re.compile(r"[a-z_][a-z0-9_]{0,62}")


class BankSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One bank."""

    database: str = ""
    """The path of an SQLite file, or ``postgresql://...``. Empty: in a run, a file that the bench makes for each
    episode; elsewhere ``bank.sqlite`` in the current folder."""
    schema: str = "brokerbench"
    """PostgreSQL: where the tables are. In a run each episode has a schema of its own, whatever stands here."""
    accounts: int = 100
    """Numbered from 1. Few enough that transfers meet at the same account."""
    balance: int = 500
    """What each account opens with. A transfer moves 1 to 100, so that some accounts run dry: the service's own no
    is a part of the experiment."""

    def __post_init__(self) -> None:
        if not 2 <= self.accounts <= ACCOUNTS_MAX:
            raise ValueError(f"accounts must be 2 to {ACCOUNTS_MAX}, got {self.accounts}")
        if not 0 <= self.balance <= 10**9:
            raise ValueError(f"balance must be 0 to 10^9, got {self.balance}")
        if not _SCHEMA.fullmatch(self.schema):
            raise ValueError(f"schema must be 1 to 63 of [a-z0-9_], no digit first, got {self.schema!r}")
        self._check_database()

    def _check_database(self) -> None:
        scheme = self.database.partition("://")[0]
        if not self.postgresql:
            if scheme != self.database:
                raise ValueError(f"database must be a path or postgresql://..., got {scheme}://...")
            return
        url = urlsplit(self.database)
        if url.password is not None or "password" in parse_qs(url.query):
            raise ValueError(
                "database must hold no password, which run.json would tell: use PGPASSWORD or ~/.pgpass"
            )

    @property
    def postgresql(self) -> bool:
        """Whether it is a PostgreSQL database; else an SQLite file."""
        return self.database.startswith(POSTGRESQL)
