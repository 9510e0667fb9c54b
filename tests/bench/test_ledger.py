"""Each law of the ledger is broken once, and is seen to be; all else stays in order."""

from msgspec.structs import asdict

from bench.ledger import Books, EpisodeKey, Fates, Ledger, books, broken_laws, total
from tests.bench.facts import EPISODE, MS, Facts


def joined(facts: Facts) -> Books:
    return books(facts.database())[EPISODE]


def counted(ledger: Ledger) -> dict[str, int]:
    """What the ledger holds beyond the sums."""
    return {
        name: count
        for name, count in asdict(ledger).items()
        if count and name not in ("scheduled", "recorded")
    }


def test_books_in_order_break_no_law():
    facts = Facts()
    for index in range(5):
        facts.executed(f"t-{index}")
    facts.transaction("t-5", "rejected")
    facts.transaction("t-6", "refused")
    facts.executed("t-7", "failed")

    ledger, fates = found = joined(facts)

    assert broken_laws(found) == {}
    assert counted(ledger) == {}
    assert ledger.scheduled == ledger.recorded == 8
    assert fates == Fates(completed=5, failed=1, rejected=1, refused=1)


def test_completed_but_never_executed_is_lost():
    facts = Facts()
    facts.executed("t-0")
    facts.transaction("t-1")
    assert counted(joined(facts).ledger) == {"lost": 1}
    assert [*broken_laws(joined(facts)).values()] == [
        "1 lost: completed, yet never executed, or answered with another's answer"
    ]


def test_an_answer_that_is_anothers_is_lost():
    facts = Facts()
    facts.executed("t-0", answer_ok=False)
    assert joined(facts).ledger.lost == 1


def test_rejected_yet_executed_is_a_phantom():
    facts = Facts()
    facts.executed("t-0", "rejected")
    facts.executed("t-1", "refused")
    assert counted(joined(facts).ledger) == {"phantom": 2}
    assert [*broken_laws(joined(facts)).values()] == ["2 phantom: rejected or refused, yet executed"]


def test_rejected_and_begun_after_its_deadline_is_late_and_no_phantom():
    facts = Facts()
    facts.transaction("t-0", "rejected")
    facts.execution("t-0", begun_ns=5001 * MS)
    assert counted(joined(facts).ledger) == {"late_execution": 1, "rejected_executed_late": 1}
    assert broken_laws(joined(facts)) == {}


def test_without_a_deadline_of_its_own_an_execution_is_held_to_its_clients():
    facts = Facts()
    facts.transaction("t-0", deadline_ns=100 * MS)
    facts.execution("t-0", begun_ns=101 * MS, deadline_ns=0)
    assert joined(facts).ledger.late_execution == 1


def test_without_any_deadline_an_execution_is_in_time():
    facts = Facts()
    facts.transaction("t-0", "rejected", deadline_ns=0)
    facts.execution("t-0", deadline_ns=0)
    assert counted(joined(facts).ledger) == {"phantom": 1}


def test_a_post_executed_twice_breaks_the_law_and_a_put_only_costs():
    facts = Facts()
    facts.executed("t-0")
    facts.execution("t-0", part="worker-2")
    assert counted(joined(facts).ledger) == {"duplicate": 1}
    assert broken_laws(joined(facts)) == {}

    facts.executed("t-1", method="POST")
    facts.execution("t-1", part="worker-2")
    assert counted(joined(facts).ledger) == {"duplicate": 2, "duplicate_at_most_once": 1}
    assert [*broken_laws(joined(facts)).values()] == [
        "1 executed more than once, although at most once was asked for"
    ]


def test_two_fates_for_one_transaction_break_the_law():
    facts = Facts()
    facts.executed("t-0")
    facts.transaction("t-0", "unknown", index=0)
    assert joined(facts).ledger.repeated == 1
    assert "1 with more than one fate" in broken_laws(joined(facts)).values()


def test_a_fate_that_is_none_breaks_the_law():
    facts = Facts()
    facts.executed("t-0", "vanished")
    assert joined(facts).ledger.fateless == 1
    assert [*broken_laws(joined(facts)).values()] == ["1 without a fate"]


def test_a_record_that_is_missing_in_the_middle_unbalances_the_sums():
    facts = Facts()
    facts.executed("t-0", index=0)
    facts.executed("t-2", index=2)
    assert [*broken_laws(joined(facts)).values()] == ["the sums do not balance: 3 scheduled, 2 with a fate"]


def test_an_execution_that_no_client_asked_for_breaks_the_law():
    facts = Facts()
    facts.executed("t-0")
    facts.execution("stranger")
    assert counted(joined(facts).ledger) == {"unasked": 1}
    assert [*broken_laws(joined(facts)).values()] == ["1 executed, yet on no client's record"]


def test_an_execution_of_unknown_id_is_given_to_a_client_that_never_learned_its_own():
    facts = Facts()
    facts.transaction("t-0", "broken", method="POST", named=False)
    facts.transaction("t-1", "broken", method="POST", named=False)
    facts.execution("made-by-the-front")
    assert counted(joined(facts).ledger) == {"broken_executed": 1, "broken_not_executed": 1}
    assert broken_laws(joined(facts)) == {}


def test_unknown_and_broken_are_split_into_executed_and_not():
    facts = Facts()
    facts.executed("t-0", "unknown")
    facts.transaction("t-1", "unknown")
    facts.transaction("t-2", "unknown")
    facts.executed("t-3", "broken")
    facts.transaction("t-4", "broken")
    assert counted(joined(facts).ledger) == {
        "unknown_executed": 1,
        "unknown_not_executed": 2,
        "broken_executed": 1,
        "broken_not_executed": 1,
    }
    assert broken_laws(joined(facts)) == {}


def test_opaque_executions_are_counted_apart_and_take_no_part_in_any_law():
    facts = Facts()
    facts.executed("t-0")
    facts.execution("opaque-1", opaque=True)
    facts.execution("opaque-1", opaque=True, begun_ns=9000 * MS)
    assert counted(joined(facts).ledger) == {"opaque": 2}
    assert broken_laws(joined(facts)) == {}


def test_warm_up_counts_for_the_laws_too():
    facts = Facts()
    facts.transaction("t-0", warmup=True)
    assert joined(facts).ledger.lost == 1


def test_an_execution_that_never_finished_was_an_execution():
    facts = Facts()
    facts.transaction("t-0", "unknown")
    facts.execution("t-0", finished_ns=0, fate="")
    assert joined(facts).ledger.unknown_executed == 1


def test_the_same_id_in_another_trial_is_another_transaction():
    facts = Facts()
    facts.transaction("t-0")
    facts.execution("t-0", trial=2)
    every = books(facts.database())
    assert every[EPISODE].ledger.lost == 1
    assert every[EpisodeKey("latency", "paranoid-pirate", 2)].ledger.unasked == 1


def test_indices_begin_anew_in_each_step():
    facts = Facts()
    facts.executed("t-0", index=0)
    facts.executed("u-0", index=0, step="0.8")
    assert joined(facts).ledger.scheduled == 2


def test_a_run_without_transactions_has_no_books():
    assert books(Facts().database()) == {}


def test_books_add_up():
    ledger, fates = total(
        [
            Books(Ledger(scheduled=2, lost=1), Fates(completed=2)),
            Books(Ledger(scheduled=3, opaque=4), Fates(completed=1, unknown=2)),
        ]
    )
    assert ledger == Ledger(scheduled=5, lost=1, opaque=4)
    assert fates == Fates(completed=3, unknown=2)
