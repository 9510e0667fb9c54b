"""The service ``transfer`` on real databases: once for each id, whoever delivers it how often, and whoever dies."""

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import msgspec
import pytest

from common.bank.books import Books
from common.bank.database import DatabaseError
from common.bank.service import Teller
from common.bank.settings import BankSpec
from common.services import Refusal, ServiceSpec, Unsure, handling, load_service

ROOT = Path(__file__).parents[3]
BOUND_S = 20.0


@pytest.fixture
def teller(bank):
    teller = Teller(bank)
    yield teller
    teller.close()


def ask(teller: Teller, id: str, source: int, target: int, amount: int) -> dict[str, int]:
    handling(id.encode())
    body = b'{"from": %d, "to": %d, "amount": %d}' % (source, target, amount)
    (answer,) = teller.handle((body,))
    return json.loads(answer)


def refusal(teller: Teller, *words) -> str:
    with pytest.raises(Refusal) as refusal:
        ask(teller, *words)
    return refusal.value.body[0].decode()


def statement(bank: BankSpec):
    books = Books(bank)
    try:
        return books.statement()
    finally:
        books.close()


def test_money_moves_from_one_account_to_the_other(teller, bank):
    assert ask(teller, "a", 1, 2, 30) == {"from": 1, "to": 2, "amount": 30, "balance": 70}
    assert statement(bank).balances == {1: 70, 2: 130, 3: 100, 4: 100}
    assert statement(bank).journal == [("a", (1, 2, 30))]


def test_a_repeated_delivery_has_no_second_effect_and_gets_the_first_answer(teller, bank):
    first = ask(teller, "a", 1, 2, 30)
    ask(teller, "b", 1, 3, 5)
    assert ask(teller, "a", 1, 2, 30) == first
    assert statement(bank).balances == {1: 65, 2: 130, 3: 105, 4: 100}


def test_a_refusal_is_for_ever_also_where_the_money_has_come_since(teller, bank):
    refused = refusal(teller, "a", 1, 2, 101)
    assert refused == "insufficient funds: account 1 held 100, asked for 101"
    ask(teller, "b", 3, 1, 50)
    assert refusal(teller, "a", 1, 2, 101) == refused
    assert statement(bank).refused == 1
    assert statement(bank).balances[1] == 150


def test_what_cannot_be_is_refused_and_leaves_the_books_usable(teller, bank):
    assert refusal(teller, "a", 1, 5, 1) == "there is no account 5"
    assert refusal(teller, "b", 2, 2, 1) == "from and to must be two accounts, got 2 twice"
    ask(teller, "c", 1, 2, 1)
    assert statement(bank).journal == [("c", (1, 2, 1))]


def test_an_id_stands_for_one_transfer(teller, bank):
    ask(teller, "a", 1, 2, 30)
    assert refusal(teller, "a", 3, 4, 30) == "this transaction id has been used for another transfer"
    assert statement(bank).balances == {1: 70, 2: 130, 3: 100, 4: 100}


def test_another_worker_and_a_restarted_one_know_the_answers(teller, bank):
    first = ask(teller, "a", 1, 2, 30)
    other = Teller(bank)
    try:
        assert ask(other, "a", 1, 2, 30) == first
    finally:
        other.close()


PROCESS = """
import os, signal, sys
import msgspec
from common.bank.database import Database
from common.bank.settings import BankSpec
from common.services import Refusal, ServiceSpec, handling, load_service

bank, ids, killed = msgspec.json.decode(sys.stdin.read(), type=tuple[BankSpec, list[str], str])
handle = load_service(ServiceSpec("transfer", bank=bank))
database = "postgresql:Postgresql" if bank.postgresql else "sqlite:Sqlite"
module, _, name = database.partition(":")
kind = getattr(__import__(f"common.bank.{module}", fromlist=[name]), name)
commit = kind.commit

def die_after_commit(self):
    if killed == "after":
        commit(self)
    if killed:
        os.kill(os.getpid(), signal.SIGKILL)
    commit(self)

for id in ids:
    handling(id.encode())
    if id == "fatal":
        kind.commit = die_after_commit
    number = int(id) if id != "fatal" else 0
    body = b'{"from": %d, "to": %d, "amount": 1}' % (1 + number % 2, 2 - number % 2)
    try:
        print(id, handle((body,))[0].decode(), flush=True)
    except Refusal as refusal:
        print(id, refusal.body[0].decode(), flush=True)
"""


def worker(bank: BankSpec, ids: list[str], killed: str = "") -> "subprocess.Popen[bytes]":
    """A process that delivers transfers; killed within the one called fatal, before or after its commit."""
    process = subprocess.Popen(
        [sys.executable, "-P", "-c", PROCESS],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert process.stdin
    process.stdin.write(msgspec.json.encode((bank, ids, killed)))
    process.stdin.close()
    process.stdin = None
    return process


def said(process: "subprocess.Popen[bytes]") -> list[str]:
    try:
        return process.communicate(timeout=BOUND_S)[0].decode().splitlines()
    finally:
        process.kill()
        process.wait()


def test_deliveries_by_many_processes_at_once_are_one_transfer_each(bank):
    Books(bank).close()
    ids = [str(number) for number in range(60)]
    processes = [worker(bank, ids) for _ in range(4)]
    answers = [said(process) for process in processes]
    assert all(sorted(answer) == sorted(answers[0]) for answer in answers), (
        "each delivery got the same answer"
    )
    assert len(answers[0]) == len(ids)
    found = statement(bank)
    assert Counter(id for id, _ in found.journal) == dict.fromkeys(ids, 1)
    assert found.balances == dict.fromkeys((1, 2, 3, 4), 100), "as many went there as came back"


@pytest.mark.parametrize(("killed", "applied"), [("before", 0), ("after", 1)])
def test_a_worker_killed_around_its_commit_and_the_delivery_repeated_is_one_transfer(bank, killed, applied):
    Books(bank).close()
    dying = worker(bank, ["1", "fatal"], killed)
    assert [line.split()[0] for line in said(dying)] == ["1"], "nobody was answered"
    assert dying.returncode == -signal.SIGKILL
    assert Counter(id for id, _ in statement(bank).journal)["fatal"] == applied
    assert len(said(worker(bank, ["fatal"]))) == 1
    found = statement(bank)
    assert Counter(id for id, _ in found.journal) == {"1": 1, "fatal": 1}
    assert found.balances == {1: 100, 2: 100, 3: 100, 4: 100}


def test_many_workers_that_find_no_bank_make_one(bank):
    processes = [worker(bank, [str(number)]) for number in range(4)]
    assert all(len(said(process)) == 1 for process in processes)
    assert sum(statement(bank).balances.values()) == 400


def test_a_connection_that_died_is_replaced_and_the_transfer_done(teller, bank):
    ask(teller, "a", 1, 2, 1)
    assert teller._books
    teller._books.close()
    ask(teller, "b", 1, 2, 1)
    assert len(statement(bank).journal) == 2


def test_a_commit_that_broke_off_is_asked_for_again_not_done_again(teller, bank, monkeypatch):
    ask(teller, "a", 1, 2, 1)
    assert teller._books
    kind = type(teller._books._database)
    commit = kind.commit
    broken: list[bool] = []

    def commit_and_break(self):
        commit(self)
        if not broken:
            broken.append(True)
            raise DatabaseError("the connection broke off at the commit")

    monkeypatch.setattr(kind, "commit", commit_and_break)
    assert ask(teller, "b", 1, 2, 1)["balance"] == 98
    assert broken
    assert [id for id, _ in statement(bank).journal] == ["a", "b"]


def test_a_worker_that_stands_still_in_a_transfer_makes_others_unsure_and_never_refused(
    bank, teller, monkeypatch
):
    ask(teller, "a", 1, 2, 1)
    for module in ("common.bank.sqlite", "common.bank.postgresql"):
        monkeypatch.setattr(f"{module}.WAIT_S", 0.2)
    teller.close()  # the next connection waits for that long
    frozen = Books(bank)
    try:
        frozen._database.begin()
        frozen._database.execute("UPDATE accounts SET balance = balance WHERE number = 1")
        with pytest.raises(Unsure):
            ask(teller, "b", 1, 2, 1)
        frozen._database.rollback()
        assert ask(teller, "b", 1, 2, 1)["balance"] == 98
    finally:
        frozen.close()


def test_a_database_that_is_not_there_makes_unsure(tmp_path):
    teller = Teller(BankSpec(str(tmp_path / "no-such-folder" / "bank.sqlite")))
    with pytest.raises(Unsure, match="unable to open database file"):
        ask(teller, "a", 1, 2, 1)


def test_a_server_that_is_not_there_makes_unsure(tmp_path):
    pytest.importorskip("psycopg")
    teller = Teller(BankSpec(f"postgresql:///bank?host={tmp_path}"))
    with pytest.raises(Unsure, match=r"the bank.*s database: connection"):
        ask(teller, "a", 1, 2, 1)


def test_a_missing_driver_is_told_with_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    monkeypatch.delitem(sys.modules, "common.bank.postgresql", raising=False)
    with pytest.raises(ValueError, match=r"needs psycopg: pip install 'brokerbench\[postgres\]'"):
        load_service(ServiceSpec("transfer", bank=BankSpec("postgresql:///bank")))


def test_who_moves_no_money_loads_no_database():
    program = (
        "import sys, bench.part; from common.services import *; load_service(ServiceSpec('sleep'));"
        "print(*sorted({'sqlite3', 'psycopg', 'common.bank.books'} & set(sys.modules)))"
    )
    loaded = subprocess.run(
        [sys.executable, "-P", "-c", program],
        check=True, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert loaded.stdout.split() == []
