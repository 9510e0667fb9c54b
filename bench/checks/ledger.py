"""Whether the books are in order: the laws of ``bench.ledger``, and a record for each transaction."""

from collections.abc import Callable, Iterator, Mapping

from bench.checks.check import Check, Figure
from bench.checks.recorded import Recorded
from bench.ledger import LAWS, broken_laws

TITLES = {
    "lost": "transactions completed, yet never executed, or with another's answer",
    "phantom": "transactions rejected or refused, yet executed",
    "duplicate": "transactions executed again that may run once at most",
    "fateless": "transactions without a fate",
    "repeated": "transactions with more than one fate",
    "unasked": "executions that nobody asked for",
    "balance": "transactions by which the sums do not balance",
}
WHY = {
    "lost": "a client believes what never happened",
    "phantom": "a client believes that something did not happen, which did",
    "duplicate": "what may happen once at most happened twice",
    "fateless": "how a transaction ended is not known",
    "repeated": "a transaction ended in two ways",
    "unasked": "a worker did what nobody asked for",
    "balance": "transactions that were due are missing from the books",
}
"""By the law's name in ``bench.ledger``: how many broke it, and what that means."""


def _broken(name: str) -> Callable[[Recorded], Iterator[Figure]]:
    def figures(recorded: Recorded) -> Iterator[Figure]:
        if recorded.books is not None:
            says = broken_laws(recorded.books).get(name, "")
            yield Figure("", LAWS[name].broken(recorded.books), says)

    return figures


def _missing(recorded: Recorded) -> Iterator[Figure]:
    for step in recorded.steps:
        there, sent = step.transactions.scheduled_ns.size, step.played.sent - step.played.retried
        says = f"{there} load records, expected one for each of {sent} transactions"
        yield Figure(f"step {step.played.name}", abs(there - sent), says)


LAW_CHECKS: Mapping[str, Check[Recorded]] = {
    name: Check(
        title=TITLES[name],
        why=WHY[name],
        judges="episodes",
        unit="",
        setting="",
        figures=_broken(name),
    )
    for name in LAWS
}
RECORDS = Check(
    title="load records that are missing, or too many",
    why="figures are made of records: what has none is in no figure",
    judges="steps",
    unit="",
    setting="",
    figures=_missing,
)
