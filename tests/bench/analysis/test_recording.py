"""What a client tried several times is one transaction for the analysis, and as many as it was for the ledger."""

from bench.analysis.recording import CODES, transactions_of
from bench.ledger import books, broken_laws
from tests.bench.facts import EPISODE, MS, Facts


def tried(facts: Facts, origin: int, *fates: str) -> None:
    """First tries are due at their own millisecond, retries a hundred after the end of the one before."""
    for retry, fate in enumerate(fates):
        id = f"t-{origin}~{retry}"
        at_ms = origin + 110 * retry
        facts.transaction(
            id, fate, origin=origin, retry_number=retry,
            scheduled_ns=at_ms * MS, sent_ns=at_ms * MS, done_ns=(at_ms + 10) * MS,
        )  # fmt: skip
        if fate == "completed":
            facts.execution(id)


def facts_with_retries() -> Facts:
    facts = Facts()
    tried(facts, 0, "completed")
    tried(facts, 1, "rejected", "unknown", "completed")
    tried(facts, 4, "unknown", "rejected")
    return facts


def test_tries_of_one_transaction_are_one_row_due_first_and_done_last():
    rows = transactions_of(facts_with_retries().database(), EPISODE, "0.5")
    assert rows.scheduled_ns.tolist() == [0, 1 * MS, 4 * MS]
    assert rows.sent_ns.tolist() == [0, 1 * MS, 4 * MS]
    assert rows.done_ns.tolist() == [10 * MS, (1 + 220 + 10) * MS, (4 + 110 + 10) * MS]
    assert rows.fate.tolist() == [CODES["completed"], CODES["completed"], CODES["rejected"]]


def test_to_the_ledger_each_try_is_a_transaction():
    found = books(facts_with_retries().database())[EPISODE]
    assert broken_laws(found) == {}
    assert found.ledger.scheduled == found.ledger.recorded == 6
    assert (found.fates.completed, found.fates.rejected, found.fates.unknown) == (2, 2, 2)
