from collections.abc import Iterator

import pytest

from common.bank.settings import BankSpec
from tests.postgresql import serving


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def server(request) -> Iterator[str]:
    """The URL of a real server, which outlives each test; empty for SQLite, which has none."""
    if request.param == "sqlite":
        yield ""
        return
    with serving() as url:
        yield url


@pytest.fixture
def bank(server, tmp_path) -> Iterator[BankSpec]:
    """A small bank that does not exist yet, on either database; gone with the test."""
    if not server:
        yield BankSpec(str(tmp_path / "bank.sqlite"), accounts=4, balance=100)
        return
    from common.bank.postgresql import drop_schema

    spec = BankSpec(server, "of_a_test", accounts=4, balance=100)
    yield spec
    drop_schema(spec)
