"""What whoever played an episode told by itself: counted here, so that it is known to have been looked at."""

from collections.abc import Callable, Iterator

from bench.checks.check import Check, Figure
from bench.checks.recorded import Recorded
from bench.run_record import Cause


def _told(cause: Cause) -> Callable[[Recorded], Iterator[Figure]]:
    def figures(recorded: Recorded) -> Iterator[Figure]:
        told = [doubt.text for doubt in recorded.episode.doubts if doubt.cause == cause]
        yield Figure("", len(told), "; ".join(told))

    return figures


def _audited(recorded: Recorded) -> Iterator[Figure]:
    """Only where there is a bank."""
    if recorded.scenario.service.keeps_bank:
        yield from _told("audit")(recorded)


def _check(cause: Cause, title: str, why: str) -> Check[Recorded]:
    return Check(title=title, why=why, judges="episodes", unit="", setting="", figures=_told(cause))


NO_EFFECT = _check("fault", "faults without effect", "who was to be broken was not")
UNASKED_ENDS = _check(
    "part", "processes that ended by themselves", "it was another deployment that was measured"
)
LOAD_FAILED = _check("load", "failures of the load process", "the schedule was not played to its end")
AUDIT = _check("audit", "violations in the bank's books", "money was made, lost or moved twice")._replace(
    judges="episodes with a bank", figures=_audited
)
