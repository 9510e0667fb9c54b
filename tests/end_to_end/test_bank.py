"""Money moved by real processes that are killed and paused: the books balance, and books that do not are found out."""

import json
import os
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from bench.audit import audit
from bench.bank import asked, read
from common.bank.settings import BankSpec
from tests.end_to_end.test_run import ENVIRONMENT, ROOT, started
from tests.postgresql import serving

BANK = ROOT / "tests" / "scenarios" / "small-bank.toml"

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(scope="module")
def server():
    """The URL of a real PostgreSQL server."""
    with serving() as url:
        yield url


def run(folder: Path, *arguments: str, status: int = 0) -> dict[str, Any]:
    """Play the small bank; returns its summary."""
    with started(folder, "run", str(BANK), "--out", "bank", "--keep-raw", *arguments) as process:
        assert process.wait(90) == status, (folder / "err").read_text() + (folder / "out").read_text()
    summary: dict[str, Any] = json.loads((folder / "bank" / "summary.json").read_text())
    return summary


def in_order(summary: dict[str, Any]) -> None:
    for topology in summary["topologies"].values():
        found, fates = topology["audit"], topology["fates"]
        assert found["total_before"] == found["total_after"] > 0
        assert found["applied"] == fates["completed"] + found["unknown_applied"] + found["broken_applied"]
        assert found["applied"] > 100, "money was moved"
        assert fates["failed"] > 0, "and was refused"
        assert {"kill-worker", "pause-worker"} == set(topology["recovery"])
    assert summary["valid"], summary["why_invalid"]


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    """The folder of a run on SQLite."""
    folder: Path = tmp_path_factory.mktemp("bank")
    run(folder)
    return folder / "bank"


def test_the_books_balance_on_sqlite_and_the_report_says_so(whole):
    summary = json.loads((whole / "summary.json").read_text())
    in_order(summary)
    record = json.loads((whole / "run.json").read_text())
    assert all(episode["audit"]["applied"] for episode in record["episodes"])
    assert "applied, asked for by nobody (must be 0)" in (whole / "report.html").read_text()


def test_each_topology_was_asked_for_the_same(whole):
    bank = BankSpec(accounts=20, balance=200)
    found = [
        {each.id: each.transfer for each in asked(whole / "raw" / episode / "load.bin", 1, "worker.1", bank)}
        for episode in ("worker-paranoid-pirate-1", "worker-freelance-1")
    ]
    assert found[0] == found[1]
    assert len(found[0]) > 100


def test_real_books_that_were_tampered_with_are_found_out(whole, tmp_path):
    raw = whole / "raw" / "worker-freelance-1"
    path = tmp_path / "bank.sqlite"
    path.write_bytes((raw / "bank.sqlite").read_bytes())
    bank = BankSpec(str(path), accounts=20, balance=200)
    clients = asked(raw / "load.bin", 1, "worker.1", bank)
    assert audit(bank, read(bank), clients).accounts_off == 0
    connection = sqlite3.connect(path)
    with connection:
        connection.execute("INSERT INTO journal SELECT * FROM journal LIMIT 1")
        connection.execute("UPDATE accounts SET balance = balance - 1 WHERE number = 1")
    connection.close()
    found = audit(bank, read(bank), clients)
    assert found.applied_twice == 1
    assert found.total_after == found.total_before - 1


def test_the_books_balance_on_postgresql_and_nothing_is_left_in_it(server, tmp_path):
    import psycopg

    elsewhere = f'service.bank.database="{server}"'
    in_order(run(tmp_path, "--no-report", "--topology", "paranoid-pirate", "--set", elsewhere))
    with psycopg.connect(server) as connection:
        schemas = connection.execute(
            "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'brokerbench%'"
        ).fetchall()
    connection.close()
    assert schemas == []


THIEF = """
from common.bank.books import Books

write = Books._write

def steal(self, id, answered):
    write(self, id, answered)
    self._database.execute("UPDATE accounts SET balance = balance - 1 WHERE balance > 0 AND number = 7")

Books._write = steal
"""


def test_a_worker_that_steals_makes_the_run_invalid_and_that_is_told(tmp_path, monkeypatch):
    (tmp_path / "sitecustomize.py").write_text(THIEF)
    monkeypatch.setitem(ENVIRONMENT, "PYTHONPATH", os.pathsep.join((str(ROOT), str(tmp_path))))
    changes = ["--no-report", "--topology", "freelance", "--set", "phase.worker.duration_s=2.2"]
    summary = run(tmp_path, *changes, status=1)
    assert not summary["valid"]
    (total,) = [why for why in summary["why_invalid"] if "in all accounts, it opened with 4000" in why]
    assert f"invalid: {total}" in (tmp_path / "out").read_text()
    assert "is repeated once" not in (tmp_path / "err").read_text()
    assert summary["topologies"]["freelance"]["audit"]["total_after"] < 4000


def test_a_database_that_is_not_there_is_told_in_one_line(tmp_path):
    url = f"postgresql:///bank?host={tmp_path}"
    with started(
        tmp_path, "run", str(BANK), "--out", "bank", "--set", f'service.bank.database="{url}"'
    ) as process:
        assert process.wait(30) == 2
    err = (tmp_path / "err").read_text()
    assert "service.bank.database" in err
    assert "Traceback" not in err
