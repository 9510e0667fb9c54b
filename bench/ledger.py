"""What the client side and the workers wrote down about every transaction, joined, and the laws it must obey.

Invariant: everything is counted, warm-up included; nothing here decides which trial a number is made of.

The laws, by episode (one topology, one trial, one phase). An episode that breaks one is invalid:

* **lost**: completed for its client, yet no worker ever began it, or the answer was another transaction's;
* **phantom**: rejected or refused, hence certain to have no effect, yet executed in time;
* **duplicate**: executed more than once although it may run at most once (POST). For what may be repeated
  (PUT) the number is a cost, not a crime;
* **one fate each**: no transaction twice, none without a fate, none with a fate that is none;
* **the sums balance**: scheduled is the sum over the fates, and no worker executed what nobody asked for.

An execution that began after its deadline is counted as *late* and makes no phantom: its holder could not
know. It has a count of its own where its client had been told a definite no. *Opaque* executions (of
messages without a header) have an id that their worker made, and no fate: they are counted apart and take
no part in any law.

A POST has its id from the front; a client that never got an answer does not know it (``named`` is false). Its
execution then stands in the books without a transaction, and pays for one such client whose connection broke.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple, TypeVar

import msgspec
from msgspec.structs import astuple

from bench.parquet import Database

FATES = ("completed", "failed", "rejected", "unknown", "refused", "broken", "dropped")
"""Every way in which a transaction can have ended for its client; the last three nobody but the client
sees, and the last is the generator's own failure to send it."""


class EpisodeKey(NamedTuple):
    """One topology, one trial, one phase: played on a deployment of its own."""

    phase: str
    topology: str
    trial: int

    def __str__(self) -> str:
        return f"{self.topology}, trial {self.trial}, phase {self.phase}"


class Fates(msgspec.Struct, frozen=True):
    """How many transactions ended in which way."""

    completed: int = 0
    failed: int = 0
    rejected: int = 0
    unknown: int = 0
    refused: int = 0
    broken: int = 0
    dropped: int = 0


class Ledger(msgspec.Struct, frozen=True):
    """The joined books of one episode, or of several added up.

    Numbers of transactions, but for the last two, which are numbers of executions.
    """

    scheduled: int = 0
    """Due by the schedule, or begun by a user of a closed loop: by the highest index on record."""
    recorded: int = 0
    """On record, each counted once."""
    lost: int = 0
    phantom: int = 0
    duplicate: int = 0
    """Executed more than once, whether that was allowed or not."""
    duplicate_at_most_once: int = 0
    """Of these, the ones that were to run at most once: a broken law."""
    fateless: int = 0
    """Without a fate that is one of ``FATES``."""
    repeated: int = 0
    """Records too many: a transaction with a second fate."""
    unknown_executed: int = 0
    unknown_not_executed: int = 0
    broken_executed: int = 0
    broken_not_executed: int = 0
    rejected_executed_late: int = 0
    """Definitely not done, their clients were told; begun all the same, after their deadline."""
    unasked: int = 0
    """Executed, yet on no client's record, even if every broken client that never learned its transaction's
    id is given one of them."""
    late_execution: int = 0
    """Executions begun after their deadline."""
    opaque: int = 0
    """Executions of messages without a header."""


class Books(NamedTuple):
    """One episode's ledger and the fates it joins."""

    ledger: Ledger
    fates: Fates


_JOINED = """
WITH
    ran AS (  -- what the workers wrote down, by transaction
        SELECT
            e.phase, e.topology, e.trial, e.id,
            count(*) AS times,
            count(*) FILTER (e.begun_ns > coalesce(nullif(e.deadline_ns, 0), t.deadline_ns)) AS late_times
        FROM executions e
        LEFT JOIN (SELECT phase, topology, trial, id, max(nullif(deadline_ns, 0)) AS deadline_ns
                   FROM transactions GROUP BY ALL) t
            ON (e.phase, e.topology, e.trial, e.id) = (t.phase, t.topology, t.trial, t.id)
        WHERE NOT e.opaque
        GROUP BY ALL
    ),
    joined AS (  -- beside what their clients did
        SELECT t.*, coalesce(ran.times, 0) AS times, coalesce(ran.late_times, 0) AS late_times
        FROM transactions t
        LEFT JOIN ran
            ON (t.phase, t.topology, t.trial, t.id) = (ran.phase, ran.topology, ran.trial, ran.id)
    )
"""
"""An execution is held to the deadline that came with it, else to its client's; where neither is known, it
was in time."""

_CLIENTS = (
    _JOINED
    + """
SELECT
    phase, topology, trial,
    count(DISTINCT id) AS recorded,
    count(*) FILTER (fate = 'completed' AND (times = 0 OR NOT answer_ok)) AS lost,
    count(*) FILTER (fate IN ('rejected', 'refused', 'dropped') AND times > late_times) AS phantom,
    count(*) FILTER (times > 1) AS duplicate,
    count(*) FILTER (times > 1 AND method = 'POST') AS duplicate_at_most_once,
    count(*) FILTER (fate IS NULL OR NOT list_contains(?, fate)) AS fateless,
    count(*) - count(DISTINCT id) AS repeated,
    count(*) FILTER (fate = 'unknown' AND times > 0) AS unknown_executed,
    count(*) FILTER (fate = 'unknown' AND times = 0) AS unknown_not_executed,
    count(*) FILTER (fate = 'broken' AND times > 0) AS broken_executed,
    count(*) FILTER (fate = 'broken' AND times = 0 AND named) AS broken_not_executed,
    count(*) FILTER (fate = 'broken' AND times = 0 AND NOT named) AS broken_unnamed,
    count(*) FILTER (fate IN ('rejected', 'refused') AND late_times > 0) AS rejected_executed_late
FROM joined
GROUP BY phase, topology, trial
ORDER BY phase, topology, trial
"""
)

_SCHEDULED = """
SELECT phase, topology, trial, sum(scheduled)::BIGINT AS scheduled
FROM (SELECT phase, topology, trial, step, greatest(max("index") + 1, count(DISTINCT "index")) AS scheduled
      FROM transactions GROUP BY ALL)
GROUP BY phase, topology, trial
"""

_WORKERS = (
    _JOINED
    + """
SELECT
    e.phase, e.topology, e.trial,
    count(DISTINCT e.id) FILTER (NOT e.opaque AND j.id IS NULL) AS unasked,
    count(*) FILTER (e.opaque) AS opaque,
    coalesce(max(ran.late), 0)::BIGINT AS late_execution
FROM executions e
LEFT JOIN (SELECT DISTINCT phase, topology, trial, id FROM transactions) j
    ON (e.phase, e.topology, e.trial, e.id) = (j.phase, j.topology, j.trial, j.id)
LEFT JOIN (SELECT phase, topology, trial, sum(late_times) AS late FROM ran GROUP BY ALL) ran
    ON (e.phase, e.topology, e.trial) = (ran.phase, ran.topology, ran.trial)
GROUP BY e.phase, e.topology, e.trial
"""
)

_FATES = "SELECT phase, topology, trial, fate, count(*) FROM transactions GROUP BY ALL"


def books(database: Database) -> dict[EpisodeKey, Books]:
    """Join the tables ``transactions`` and ``executions``: {episode: its books}, in the order of episodes."""
    columns: dict[EpisodeKey, dict[str, int]] = {}
    for query, parameters in ((_CLIENTS, [list(FATES)]), (_SCHEDULED, []), (_WORKERS, [])):
        result = database.execute(query, parameters)
        names = [column[0] for column in result.description or ()][3:]
        for phase, topology, trial, *counts in result.fetchall():
            columns.setdefault(EpisodeKey(phase, topology, trial), {}).update(zip(names, counts, strict=True))
    fates = _fates(database)
    return {
        episode: Books(_settle(**columns[episode]), fates.get(episode, Fates()))
        for episode in sorted(columns)
    }


class Law(NamedTuple):
    """What may not be."""

    broken: Callable[[Books], int]
    """How often it is broken."""
    says: str
    """In words, around ``{count}``, and ``{scheduled}`` and ``{told}``, which are to be the same."""


LAWS: Mapping[str, Law] = {
    "lost": Law(
        lambda books: books.ledger.lost,
        "{count} lost: completed, yet never executed, or answered with another's answer",
    ),
    "phantom": Law(lambda books: books.ledger.phantom, "{count} phantom: rejected or refused, yet executed"),
    "duplicate": Law(
        lambda books: books.ledger.duplicate_at_most_once,
        "{count} executed more than once, although at most once was asked for",
    ),
    "fateless": Law(lambda books: books.ledger.fateless, "{count} without a fate"),
    "repeated": Law(lambda books: books.ledger.repeated, "{count} with more than one fate"),
    "unasked": Law(lambda books: books.ledger.unasked, "{count} executed, yet on no client's record"),
    "balance": Law(
        lambda books: _out_of_balance(books),  # which comes further down
        "the sums do not balance: {scheduled} scheduled, {told} with a fate",
    ),
}
"""By name; the module says what each of them means."""


def broken_laws(books: Books) -> dict[str, str]:
    """Every law that is broken, by name, in words with its number; empty where the books are in order."""
    told = sum(astuple(books.fates))
    return {
        name: law.says.format(count=count, scheduled=books.ledger.scheduled, told=told)
        for name, law in LAWS.items()
        if (count := law.broken(books))
    }


def total(every: Iterable[Books]) -> Books:
    """The books of several episodes as one."""
    ledger, fates = Ledger(), Fates()
    for books in every:
        ledger, fates = _add(ledger, books.ledger), _add(fates, books.fates)
    return Books(ledger, fates)


def _out_of_balance(books: Books) -> int:
    """By how many; 0 where another law says it already."""
    ledger, fates = books
    if ledger.fateless or ledger.repeated:
        return 0
    told: int = sum(astuple(fates))
    return abs(ledger.scheduled - told)


def _settle(*, broken_unnamed: int = 0, unasked: int = 0, **counts: int) -> Ledger:
    """Give the executions that nobody seems to have asked for to those who never learned their id."""
    executed = min(unasked, broken_unnamed)
    counts["broken_executed"] = counts.get("broken_executed", 0) + executed
    counts["broken_not_executed"] = counts.get("broken_not_executed", 0) + broken_unnamed - executed
    return Ledger(unasked=unasked - executed, **counts)


def _fates(database: Database) -> dict[EpisodeKey, Fates]:
    counts: dict[EpisodeKey, dict[str, int]] = {}
    for phase, topology, trial, fate, count in database.execute(_FATES).fetchall():
        if fate in FATES:
            counts.setdefault(EpisodeKey(phase, topology, trial), {})[fate] = count
    return {episode: Fates(**by_fate) for episode, by_fate in counts.items()}


_Counts = TypeVar("_Counts", Ledger, Fates)


def _add(one: _Counts, other: _Counts) -> _Counts:
    return type(one)(*map(sum, zip(astuple(one), astuple(other), strict=True)))
