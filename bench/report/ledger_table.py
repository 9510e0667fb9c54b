"""The tables of the accounts: the ledger, where what went wrong was seen last, fates, and a bank's books.

Invariant: all trials are in them, also invalid ones, and the warm-up.
"""

from bench.analysis.places import PLACES
from bench.analysis.summary import Level
from bench.ledger import FATES
from bench.report.numbers import NONE
from bench.report.table import Table, by_topology


def ledger_tables(names: list[str], levels: list[Level]) -> list[Table]:
    """In the order of the page; ``names``: of the topologies that ``levels`` are of."""
    return [
        _accounts(names, levels),
        _places(names, levels),
        _all_fates(names, levels),
        _bank(names, levels),
    ]


_LAWS = {
    "scheduled": "scheduled",
    "lost": "lost (must be 0)",
    "phantom": "phantom (must be 0)",
    "duplicate": "executed more than once",
    "duplicate_at_most_once": "of these, at most once was asked for (must be 0)",
    "unknown_executed": "unknown, and executed",
    "unknown_not_executed": "unknown, and not executed",
    "broken_executed": "broken, and executed",
    "broken_not_executed": "broken, and not executed",
    "late_execution": "executions begun after their deadline",
    "rejected_executed_late": "of these, rejected for their client",
    "unasked": "executed, on no client's record (must be 0)",
    "fateless": "without a fate (must be 0)",
    "repeated": "with a second fate (must be 0)",
    "opaque": "executions of messages without a header",
}


_LATE = {
    "overran": "executions begun before their deadline, and ended after it",
    "worker_ms": "worker time spent after deadlines, ms",
}


def _accounts(names: list[str], levels: list[Level]) -> Table:
    return by_topology(
        "The ledger: what clients and workers wrote down, joined",
        names,
        [
            *(
                (words, *(f"{getattr(level.ledger, name):,}" for level in levels))
                for name, words in _LAWS.items()
            ),
            *(
                (words, *(f"{getattr(level.late_work, name):,}" for level in levels))
                for name, words in _LATE.items()
            ),
        ],
        "All trials, also invalid ones, warm-up included.",
    )


def _places(names: list[str], levels: list[Level]) -> Table:
    rows = [
        (f"{name}, {what}", *(f"{by_place.get(place, 0):,}" for place in PLACES))
        for name, level in zip(names, levels, strict=True)
        for what, by_place in sorted(level.places.items())
    ]
    return Table(
        "Where transactions that went wrong were seen last",
        ("", *PLACES),
        rows,
        "All trials, warm-up included. client: never taken. front: unsent. queue: with a broker. link: handed to a"
        " worker that never began it. worker: begun, not finished. answer: finished, and not answered in time. late:"
        " completed, with an execution that outlasted its deadline.",
    )


_AUDIT = {
    "total_before": "in all accounts, when the bank opened",
    "total_after": "in all accounts, at the end (must be the same)",
    "accounts_off": "accounts that hold something else than the journal says (must be 0)",
    "applied": "transfers applied",
    "refused": "refused for want of funds",
    "completed_not_applied": "completed, and not applied (must be 0)",
    "misapplied": "applied otherwise than asked for (must be 0)",
    "rejected_applied": "rejected or refused, and applied (must be 0)",
    "failed_applied": "failed, and applied (must be 0)",
    "applied_twice": "applied more than once (must be 0)",
    "unasked_applied": "applied, asked for by nobody (must be 0)",
    "unknown_applied": "unknown, and applied",
    "unknown_not_applied": "unknown, and not applied",
    "broken_applied": "broken, and applied",
    "broken_not_applied": "broken, and not applied",
}


def _bank(names: list[str], levels: list[Level]) -> Table:
    audits = [level.audit for level in levels]
    return by_topology(
        "The bank's books, held against what its clients asked for",
        names,
        [
            (words, *(NONE if each is None else f"{getattr(each, name):,}" for each in audits))
            for name, words in _AUDIT.items()
        ],
        "All trials, also invalid ones, warm-up included.",
    )


def _all_fates(names: list[str], levels: list[Level]) -> Table:
    return by_topology(
        "How transactions ended for their clients",
        names,
        [(fate, *(f"{getattr(level.fates, fate):,}" for level in levels)) for fate in FATES],
        "All trials, warm-up included. Their sum is what was scheduled.",
    )
