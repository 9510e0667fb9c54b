"""The bank in a schema of a PostgreSQL database, by psycopg, which the extra ``brokerbench[postgres]`` brings.

* READ COMMITTED, the default, is enough: a transfer holds both accounts' rows (FOR UPDATE, in the order of their
  numbers, so that two that cross never wait for each other) before it looks whether it was answered before.
* lock_timeout ``WAIT_S``: a worker that stands still in the middle of a transfer holds up who wants the same account,
  for a bounded time.
* synchronous_commit on: a commit that returned outlives the server, too.
"""

from contextlib import suppress

from common.bank.database import WAIT_S, DatabaseError, Rows
from common.bank.settings import BankSpec

try:
    import psycopg
except ImportError as error:
    raise ValueError(
        f"a postgresql:// database needs psycopg: pip install 'brokerbench[postgres]' ({error})"
    ) from error

CONNECT_S = 5
CREATE_LOCK = 0x62616E6B
"""The advisory lock of who makes tables: ``bank``."""


class Postgresql:
    """See ``common.bank.database.Database``."""

    for_update = " FOR UPDATE"
    count_tables = (
        "SELECT count(*) FROM pg_tables WHERE schemaname = current_schema()"
        " AND tablename IN ('accounts', 'answers', 'journal')"
    )

    def __init__(self, spec: BankSpec) -> None:
        """Connect. Raises DatabaseError."""
        options = (
            f"-c search_path={spec.schema} -c lock_timeout={WAIT_S * 1e3:.0f}"
            " -c synchronous_commit=on -c client_min_messages=warning"
        )
        try:
            self._connection = psycopg.connect(
                spec.database, autocommit=True, connect_timeout=CONNECT_S, options=options
            )
        except psycopg.Error as error:
            raise DatabaseError(" ".join(str(error).split())) from error

    def begin(self) -> None:
        self.execute("BEGIN")

    def commit(self) -> None:
        self.execute("COMMIT")

    def rollback(self) -> None:
        self.execute("ROLLBACK")

    def alone(self) -> None:
        self.execute("SELECT pg_advisory_xact_lock(?)", CREATE_LOCK)

    def still(self) -> None:
        # A server may still be at a commit whose client was killed.
        self.execute("LOCK TABLE accounts, answers, journal IN EXCLUSIVE MODE")

    def execute(self, query: str, *values: object) -> Rows:
        text = query.replace("?", "%s")  # ours alone: nothing in it comes from outside
        try:
            cursor = self._connection.execute(text, values)
            return cursor.fetchall() if cursor.description else []
        except psycopg.Error as error:
            raise DatabaseError(" ".join(str(error).split())) from error

    def close(self) -> None:
        with suppress(psycopg.Error):
            self._connection.close()


def create_schema(spec: BankSpec) -> None:
    """Make the schema, where there is none. Raises DatabaseError."""
    _run(spec, f"CREATE SCHEMA IF NOT EXISTS {spec.schema}")


def drop_schema(spec: BankSpec) -> None:
    """Drop it with all that is in it. Raises DatabaseError."""
    _run(spec, f"DROP SCHEMA IF EXISTS {spec.schema} CASCADE")


def _run(spec: BankSpec, statement: str) -> None:
    database = Postgresql(spec)
    try:
        database.execute(statement)
    finally:
        database.close()
