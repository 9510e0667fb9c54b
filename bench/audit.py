"""Whether a bank's books agree with what its clients asked for and were told. Pure.

Invariant: everything is counted, warm-up included; every law is checked from the books and the clients' records alone,
whatever the workers believe to have done.

The laws, by episode. An episode that breaks one is invalid:

* the **total** over all accounts is what the bank opened with, and each account holds what it opened with and what
  the journal says it got and gave;
* a **completed** transfer was applied, exactly once, and as it was asked for;
* one that was **rejected**, **refused** or **failed** was not applied;
* none was applied **twice**, and none that **nobody asked for**.

What is *unknown* or *broken* for its client may have been applied or not: that is counted.

A POST has its id from the front; a client that never got an answer does not know it. What it had applied then stands in
the books without a client, and pays for one such client whose connection broke.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec
from msgspec.structs import astuple

from common.bank.books import Statement
from common.bank.settings import BankSpec
from common.bank.transfer import Transfer


class Asked(NamedTuple):
    """A transaction as its client knows it."""

    id: str
    transfer: Transfer
    fate: str
    named: bool = True
    """Whether the bank knows it by that id."""


class Audit(msgspec.Struct, frozen=True):
    """What was found, for one episode or several added up: numbers of transfers, but for the first three."""

    total_before: int = 0
    """Money in the bank when it opened."""
    total_after: int = 0
    accounts_off: int = 0
    """Accounts whose balance is not what the journal implies."""
    applied: int = 0
    """Each counted once."""
    refused: int = 0
    """For want of funds."""
    completed_not_applied: int = 0
    misapplied: int = 0
    """Applied with other accounts or another amount than asked for."""
    rejected_applied: int = 0
    """Rejected, refused or never sent."""
    failed_applied: int = 0
    applied_twice: int = 0
    """More than once."""
    unasked_applied: int = 0
    unknown_applied: int = 0
    unknown_not_applied: int = 0
    broken_applied: int = 0
    broken_not_applied: int = 0


NEVER_HANDED_ON = ("rejected", "refused", "dropped")


def audit(bank: BankSpec, statement: Statement, asked: Sequence[Asked]) -> Audit:
    """Hold what ``statement`` says of ``bank`` against what was asked for."""
    times = Counter(id for id, _ in statement.journal)
    moved = dict(statement.journal)
    applied = Counter(each.fate for each in asked if each.id in times)
    known = {each.id for each in asked}
    nameless = sum(each.fate == "broken" and not each.named for each in asked)
    unasked = len(times.keys() - known)
    adopted = min(unasked, nameless)
    total = Counter(each.fate for each in asked)
    return Audit(
        total_before=bank.accounts * bank.balance,
        total_after=sum(statement.balances.values()),
        accounts_off=_accounts_off(bank, statement),
        applied=len(times),
        refused=statement.refused,
        completed_not_applied=total["completed"] - applied["completed"],
        misapplied=sum(moved.get(each.id, each.transfer) != each.transfer for each in asked),
        rejected_applied=sum(applied[fate] for fate in NEVER_HANDED_ON),
        failed_applied=applied["failed"],
        applied_twice=sum(count > 1 for count in times.values()),
        unasked_applied=unasked - adopted,
        unknown_applied=applied["unknown"],
        unknown_not_applied=total["unknown"] - applied["unknown"],
        broken_applied=applied["broken"] + adopted,
        broken_not_applied=total["broken"] - applied["broken"] - adopted,
    )


def violations(found: Audit) -> list[str]:
    """Every law that is broken, in words, with its number; empty where the books are in order."""
    laws = (
        (found.accounts_off, "accounts hold something else than the journal says"),
        (found.completed_not_applied, "completed, yet not applied"),
        (found.misapplied, "applied otherwise than asked for"),
        (found.rejected_applied, "rejected or refused, yet applied"),
        (found.failed_applied, "failed, yet applied"),
        (found.applied_twice, "applied more than once"),
        (found.unasked_applied, "applied, yet asked for by nobody"),
    )
    broken = [f"the bank's books: {count} {what}" for count, what in laws if count]
    if found.total_after != found.total_before:
        broken.append(
            f"the bank's books: {found.total_after} in all accounts, it opened with {found.total_before}"
        )
    return broken


def total(every: Iterable[Audit]) -> Audit | None:
    """Those of several episodes as one; None where there is none."""
    added = [sum(column) for column in zip(*map(astuple, every), strict=True)]
    return Audit(*added) if added else None


def _accounts_off(bank: BankSpec, statement: Statement) -> int:
    expected = dict.fromkeys(range(1, bank.accounts + 1), bank.balance)
    for _, (source, target, amount) in statement.journal:
        expected[source] = expected.get(source, 0) - amount
        expected[target] = expected.get(target, 0) + amount
    accounts = expected.keys() | statement.balances.keys()
    return sum(expected.get(account) != statement.balances.get(account) for account in accounts)
