"""Each law of the audit broken once, in books and records that are otherwise in order."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.audit import Asked, Audit, audit, total, violations
from common.bank.books import Statement
from common.bank.settings import BankSpec
from common.bank.transfer import Transfer

BANK = BankSpec(accounts=3, balance=100)


def books(*applied: tuple[str, int, int, int], refused: int = 0) -> Statement:
    """Books that agree with themselves, after these transfers."""
    balances = dict.fromkeys((1, 2, 3), 100)
    for _, source, target, amount in applied:
        balances[source] -= amount
        balances[target] += amount
    return Statement(balances, [(id, Transfer(*moved)) for id, *moved in applied], refused)


def asked(id: str, fate: str = "completed", moved=(1, 2, 10), named: bool = True) -> Asked:
    return Asked(id, Transfer(*moved), fate, named)


def found(statement: Statement, *clients: Asked) -> Audit:
    return audit(BANK, statement, clients)


def test_books_in_order_break_no_law():
    audited = found(
        books(("a", 1, 2, 10), ("b", 2, 3, 5), refused=1),
        asked("a"),
        asked("b", moved=(2, 3, 5)),
        asked("c", "failed", (1, 3, 1000)),
        asked("d", "rejected"),
        asked("e", "refused"),
    )
    assert violations(audited) == []
    assert audited == Audit(total_before=300, total_after=300, applied=2, refused=1)


def test_an_empty_bank_that_nobody_asked_anything_of_is_in_order():
    assert violations(found(books())) == []


@pytest.mark.parametrize(
    ("statement", "clients", "law"),
    [
        (books(), [asked("a")], "1 completed, yet not applied"),
        (books(("a", 1, 2, 11)), [asked("a")], "1 applied otherwise than asked for"),
        (books(("a", 2, 1, 10)), [asked("a")], "1 applied otherwise than asked for"),
        (books(("a", 1, 2, 10)), [asked("a", "rejected")], "1 rejected or refused, yet applied"),
        (books(("a", 1, 2, 10)), [asked("a", "refused")], "1 rejected or refused, yet applied"),
        (books(("a", 1, 2, 10)), [asked("a", "failed")], "1 failed, yet applied"),
        (books(("a", 1, 2, 10), ("a", 1, 2, 10)), [asked("a")], "1 applied more than once"),
        (books(("a", 1, 2, 10), ("a", 1, 2, 10)), [asked("a", "unknown")], "1 applied more than once"),
        (books(("a", 1, 2, 10)), [], "1 applied, yet asked for by nobody"),
    ],
)
def test_a_broken_law_is_told_and_no_other(statement, clients, law):
    assert violations(found(statement, *clients)) == [f"the bank's books: {law}"]


def test_money_that_vanished_is_told_with_both_totals():
    statement = books(("a", 1, 2, 10))
    statement.balances[3] -= 7
    assert violations(found(statement, asked("a"))) == [
        "the bank's books: 1 accounts hold something else than the journal says",
        "the bank's books: 293 in all accounts, it opened with 300",
    ]


def test_money_in_the_wrong_account_is_told_though_the_total_is_right():
    statement = books(("a", 1, 2, 10))
    statement.balances[2] -= 10
    statement.balances[3] += 10
    (law,) = violations(found(statement, asked("a")))
    assert law == "the bank's books: 2 accounts hold something else than the journal says"


def test_a_transfer_applied_twice_with_one_line_in_the_journal_is_found_by_the_balances():
    statement = books(("a", 1, 2, 10))
    statement.balances[1] -= 10
    statement.balances[2] += 10
    assert found(statement, asked("a")).accounts_off == 2


def test_an_account_that_was_lost_or_made_is_told():
    fewer, more = books(), books()
    del fewer.balances[1]
    more.balances[4] = 0
    assert found(fewer).accounts_off == found(more).accounts_off == 1


def test_what_nobody_can_be_sure_of_is_counted_and_breaks_no_law():
    audited = found(
        books(("a", 1, 2, 10), ("c", 1, 2, 10)),
        asked("a", "unknown"),
        asked("b", "unknown"),
        asked("c", "broken"),
        asked("d", "broken"),
        asked("e", "broken"),
    )
    assert violations(audited) == []
    assert (audited.unknown_applied, audited.unknown_not_applied) == (1, 1)
    assert (audited.broken_applied, audited.broken_not_applied) == (1, 2)


def test_a_client_that_never_learned_its_id_pays_for_one_transfer_without_a_client():
    nameless = [asked("mine-1", "broken", named=False), asked("mine-2", "broken", named=False)]
    audited = found(books(("given-by-the-front", 1, 2, 10)), *nameless)
    assert violations(audited) == []
    assert (audited.broken_applied, audited.broken_not_applied) == (1, 1)
    three = found(books(("x", 1, 2, 1), ("y", 1, 2, 1), ("z", 1, 2, 1)), *nameless)
    assert three.unasked_applied == 1


fates = st.sampled_from(("completed", "failed", "rejected", "unknown", "refused", "broken"))


@given(st.lists(st.tuples(fates, st.integers(0, 2)), max_size=12))
def test_each_transfer_is_counted_in_exactly_one_place(outcomes):
    """The client's fate and how often it was applied decide, and the laws hold exactly where they should."""
    applied = [(f"t{n}", 1, 2, 1) for n, (_, times) in enumerate(outcomes) for _ in range(times)]
    audited = found(
        books(*applied), *(asked(f"t{n}", fate, (1, 2, 1)) for n, (fate, _) in enumerate(outcomes))
    )
    assert audited.unknown_applied + audited.unknown_not_applied == sum(f == "unknown" for f, _ in outcomes)
    assert audited.broken_applied + audited.broken_not_applied == sum(f == "broken" for f, _ in outcomes)
    allowed = {"completed": (1,), "unknown": (0, 1), "broken": (0, 1)}
    assert bool(violations(audited)) == any(times not in allowed.get(fate, (0,)) for fate, times in outcomes)


def test_the_total_over_episodes_is_the_sum_of_each_figure():
    one = found(books(("a", 1, 2, 10)), asked("a", "unknown"))
    added = total([one, one])
    assert added is not None
    assert (added.total_before, added.applied, added.unknown_applied) == (600, 2, 2)
    assert total([]) is None
