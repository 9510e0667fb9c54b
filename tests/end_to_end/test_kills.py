"""What the loss of one of four workers costs, on real processes at half of the capacity: a PUT nothing that its client
would see, of POSTs only those that the lost worker held.
"""

from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

import pytest

from bench.ledger import Books, books, broken_laws
from bench.parquet import Database, open_run
from bench.run_record import Episode, Injected, read
from tests.end_to_end.command_line import BUSY, ROOT, started

pytestmark = [pytest.mark.alone, pytest.mark.timeout(120)]

LOSSES = ROOT / "tests" / "scenarios" / "losses.toml"
DISPATCHERS = {"paranoid-pirate": 1, "freelance": 2}
"""Who hands transactions to workers, at credit 1: the broker, or each of two fronts."""
LATE_S = 0.2
"""Twice what the slowest of an undisturbed run takes, and a quarter of the time for which the worker is frozen."""
LAG_MS_MAX = 20.0
"""A load process that is later than this itself, at its 99th percentile, shows a starved machine, on which anything is
late: the bench's own reason not to believe a latency."""
NOTICED_S = 0.5
"""By then a frozen worker is long given up (ZMTP heartbeat: 150 to 200 ms), and the next fault is yet to come."""


class Transaction(NamedTuple):
    """As its client saw it."""

    id: str
    fate: str
    sent_ns: int
    done_ns: int


class Execution(NamedTuple):
    """As its worker recorded it; ``finished_ns`` 0: never."""

    part: str
    begun_ns: int
    finished_ns: int


class Played:
    """One episode: a topology that lost two workers."""

    def __init__(self, episode: Episode, books: Books, database: Database) -> None:
        where = (episode.topology,)
        self.dispatchers = DISPATCHERS[episode.topology]
        self.faults = {fault.label: fault for fault in episode.faults}
        self.books = books
        self._lag_ms = max(step.lag_p99_us for step in episode.steps) / 1e3
        rows = database.execute(
            "SELECT id, fate, sent_ns, done_ns FROM transactions WHERE topology = ? ORDER BY sent_ns", where
        )
        self.transactions = [Transaction(*row) for row in rows.fetchall()]
        self.executions: dict[str, list[Execution]] = defaultdict(list)
        rows = database.execute(
            "SELECT id, part, begun_ns, finished_ns FROM executions WHERE topology = ?", where
        )
        for id, *row in rows.fetchall():
            self.executions[id].append(Execution(*row))
        rows = database.execute(
            "SELECT t_ns, subject FROM marks WHERE topology = ? AND kind IN ('failover', 'unknown')", where
        )
        self._taken_back: list[tuple[int, str]] = rows.fetchall()

    def held(self, fault: Injected) -> set[str]:
        """What the lost worker held, as told by the dispatchers that noticed its loss."""
        return {id for t_ns, id in self._taken_back if 0 <= t_ns - fault.t_ns < NOTICED_S * 1e9}

    def of(self, fate: str, fault: Injected) -> list[Transaction]:
        """Those of that fate that were under way when the worker was lost, or sent before that was noticed."""
        return [one for one in self.transactions if one.fate == fate and met(one, fault)]

    def late(self) -> set[str]:
        if self._lag_ms > LAG_MS_MAX:
            pytest.skip(f"a starved machine: the load was late by {self._lag_ms:.0f} ms itself")
        return {one.id for one in self.transactions if one.done_ns - one.sent_ns > LATE_S * 1e9}

    def ran_nowhere_but_at(self, part: str, id: str, until_ns: int) -> bool:
        return {one.part for one in self.executions[id] if one.begun_ns < until_ns} <= {part}


def met(transaction: Transaction, fault: Injected) -> bool:
    return transaction.done_ns > fault.t_ns and transaction.sent_ns < fault.t_ns + NOTICED_S * 1e9


def play(method: str, folder: Path) -> dict[str, Played]:
    """A run of both topologies, by name."""
    arguments = ("--set", f"method={method}", "--out", "results", "--no-report", *BUSY)
    with started(folder, "run", str(LOSSES), *arguments) as process:
        assert process.wait(100) == 0, (folder / "out").read_text() + (folder / "err").read_text()
    database = open_run(folder / "results")
    try:
        by_topology = {key.topology: each for key, each in books(database).items()}
        return {
            episode.topology: Played(episode, by_topology[episode.topology], database)
            for episode in read(folder / "results").episodes
        }
    finally:
        database.close()


@pytest.fixture(scope="module")
def put(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Played]:
    return play("PUT", tmp_path_factory.mktemp("put"))


@pytest.fixture(scope="module")
def post(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Played]:
    return play("POST", tmp_path_factory.mktemp("post"))


every = pytest.mark.parametrize("topology", DISPATCHERS)


def in_order(played: Played) -> None:
    ledger, fates = played.books
    assert broken_laws(played.books) == {}
    assert ledger.lost == ledger.phantom == ledger.duplicate_at_most_once == 0
    assert ledger.scheduled == ledger.recorded == len(played.transactions) > 500
    assert fates.completed + fates.unknown == ledger.scheduled, f"nothing but these two: {fates}"
    for fault in played.faults.values():
        assert any(
            one.part == fault.part and one.begun_ns > max(fault.t_ns, fault.healed_ns) + NOTICED_S * 1e9
            for executions in played.executions.values()
            for one in executions
        ), f"{fault.part} works again"


# --- PUT --------------------------------------------------------------------------------------------------


@every
def test_no_put_ends_in_an_error_and_the_books_are_in_order(put, topology):
    in_order(put[topology])
    assert put[topology].books.fates.unknown == 0


@every
def test_what_a_lost_worker_held_of_puts_is_one_a_dispatcher_and_does_not_wait_for_its_return(put, topology):
    played = put[topology]
    killed, frozen = played.faults["kill-worker"], played.faults["pause-worker"]
    assert len(played.held(killed)) <= played.dispatchers
    assert 1 <= len(played.held(frozen)) <= played.dispatchers
    for one in played.transactions:
        assert one.id not in played.held(frozen) or one.done_ns < frozen.healed_ns, one


@every
def test_only_those_puts_are_late_that_the_frozen_worker_held(put, topology):
    """The killed one's are not even that: its end is noticed at once."""
    assert put[topology].late() <= put[topology].held(put[topology].faults["pause-worker"])


# --- POST -------------------------------------------------------------------------------------------------


@every
def test_no_post_is_executed_twice_and_the_books_are_in_order(post, topology):
    in_order(post[topology])
    assert post[topology].books.ledger.duplicate == 0
    assert {len(executions) for executions in post[topology].executions.values()} == {1}


@every
@pytest.mark.parametrize(("label", "at_least"), [("kill-worker", 0), ("pause-worker", 1)])
def test_of_posts_only_what_the_lost_worker_held_is_unknown(post, topology, label, at_least):
    played = post[topology]
    fault = played.faults[label]
    unknown = played.of("unknown", fault)
    assert at_least <= len(unknown) <= played.dispatchers
    assert {one.id for one in unknown} == played.held(fault)
    for one in unknown:
        assert one.done_ns - fault.t_ns < NOTICED_S * 1e9, f"it is known at once, not at its deadline: {one}"
        assert played.ran_nowhere_but_at(fault.part, one.id, one.done_ns)


@every
def test_of_posts_nothing_else_is_unknown(post, topology):
    played = post[topology]
    harmed = {one.id for fault in played.faults.values() for one in played.of("unknown", fault)}
    assert played.books.fates.unknown == len(harmed)


@every
def test_of_posts_nothing_else_is_late(post, topology):
    played = post[topology]
    assert played.late() <= {one.id for one in played.transactions if one.fate == "unknown"}
