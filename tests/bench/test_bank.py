"""An episode's bank: fresh, its own, and gone from whatever database it was in, however the episode ends."""

import pytest

from bench import bank
from bench.errors import BadInput, BenchError
from bench.folders import EpisodeFolder
from common.bank.settings import BankSpec
from common.services import ServiceSpec
from tests.postgresql import serving


@pytest.fixture(scope="module")
def server():
    with serving() as url:
        yield url


@pytest.fixture
def folder(tmp_path) -> EpisodeFolder:
    folder = EpisodeFolder.of(tmp_path, "kill-worker-direct-1")
    folder.make()
    return folder


def transfers(database: str = "") -> ServiceSpec:
    return ServiceSpec("transfer", bank=BankSpec(database, accounts=3, balance=10))


def schemas(url: str) -> set[str]:
    import psycopg

    connection = psycopg.connect(url)
    try:
        rows = connection.execute(
            "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'brokerbench%'"
        ).fetchall()
    finally:
        connection.close()
    return {name for (name,) in rows}


def test_a_service_that_moves_no_money_has_no_bank(folder):
    with bank.opened(ServiceSpec("sleep"), folder) as none:
        assert none is None
    assert not folder.bank.exists()


def test_an_sqlite_bank_is_a_file_in_the_episode_s_folder(folder):
    with bank.opened(transfers(), folder) as its_bank:
        assert its_bank is not None
        assert bank.read(its_bank).balances == {1: 10, 2: 10, 3: 10}
    assert folder.bank.exists()


def test_a_file_that_episodes_would_share_is_refused(folder):
    with pytest.raises(BadInput, match="must be empty"), bank.opened(transfers("mine.sqlite"), folder):
        pass


def test_a_file_that_cannot_be_made_is_told(folder):
    folder.bank.mkdir()
    with pytest.raises(BadInput, match="unable to open database file"), bank.opened(transfers(), folder):
        pass


def test_each_episode_has_a_schema_of_its_own_that_is_dropped(server, folder):
    with bank.opened(transfers(server), folder) as one, bank.opened(transfers(server), folder) as other:
        assert one is not None
        assert other is not None
        assert schemas(server) == {one.schema, other.schema}
        assert len({one.schema, other.schema}) == 2
        assert bank.read(one).balances == {1: 10, 2: 10, 3: 10}
    assert schemas(server) == set()


def test_the_schema_is_dropped_where_the_episode_is_broken_off(server, folder):
    def broken_off():
        with bank.opened(transfers(server), folder):
            assert len(schemas(server)) == 1
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        broken_off()
    assert schemas(server) == set()


def test_a_schema_that_cannot_be_dropped_is_told(server, folder, monkeypatch):
    from common.bank import postgresql
    from common.bank.database import DatabaseError

    def gone(spec: BankSpec) -> None:
        raise DatabaseError("the server has gone")

    dropped = postgresql.drop_schema
    monkeypatch.setattr(postgresql, "drop_schema", gone)
    with (
        pytest.raises(BenchError, match="could not be dropped: the server has gone"),
        bank.opened(transfers(server), folder) as its_bank,
    ):
        pass
    assert its_bank is not None
    dropped(its_bank)
