"""Why a trial is not to be believed: the bench's own doubts of when it was played, and the laws of the ledger.

Invariant: a reason names the figure and what it should have been. A trial (one topology, one number) is invalid if
one of its episodes is: its numbers are left out, its accounts are not.
"""

from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple

from bench.analysis.recording import Step, key_of
from bench.ledger import Books, EpisodeKey, broken_laws
from bench.phases import Soak
from bench.run_record import Cause, Episode, RunRecord

Kind = Literal[Cause, "record", "growth"]
"""What kind of reason: ``bench.run_record.Cause``, from when it was played, or a broken law; facts that are missing; a
process that grew in a soak."""

FAULT_LATE_MS_MAX = 250.0
"""A fault later than this hits another moment of the schedule than in the trials it is laid over."""


class Reason(NamedTuple):
    """Why one episode, and with it its trial, is invalid."""

    episode: EpisodeKey
    kind: Kind
    text: str

    def __str__(self) -> str:
        return f"{self.episode}: {self.text}"


def reasons(record: RunRecord, books: Mapping[EpisodeKey, Books], steps: list[Step]) -> list[Reason]:
    """Every reason against every episode that was played, in their order."""
    found: list[Reason] = []
    for episode in record.episodes:
        key = key_of(episode)
        found += (Reason(key, doubt.cause, doubt.text) for doubt in episode.doubts)
        if key in books:
            found += (Reason(key, "law", law) for law in broken_laws(books[key]))
        if not isinstance(record.scenario.phase(episode.phase), Soak):  # whose faults are laid over no others
            found += (Reason(key, "fault", text) for text in _late_faults(episode))
        found += (
            Reason(key, "record", text)
            for step in steps
            if step.episode is episode
            for text in _missing(step)
        )
    return found


def invalid_trials(reasons: list[Reason]) -> set[tuple[str, int]]:
    """The trials (topology, number) that have one."""
    return {(reason.episode.topology, reason.episode.trial) for reason in reasons}


def _late_faults(episode: Episode) -> Iterator[str]:
    for fault in episode.faults:
        late_ms = (fault.t_ns - fault.planned_ns) / 1e6
        if late_ms > FAULT_LATE_MS_MAX:
            yield (
                f"step {fault.step}: {fault.label} came {late_ms:.0f} ms after it was due,"
                f" at most {FAULT_LATE_MS_MAX:.0f} ms is allowed"
            )
        end_ns = next((step.end_ns for step in episode.steps if step.name == fault.step), fault.healed_ns)
        outlasting_ms = (fault.healed_ns - end_ns) / 1e6
        if outlasting_ms > FAULT_LATE_MS_MAX:
            yield (
                f"step {fault.step}: {fault.label} was over {outlasting_ms:.0f} ms after the step was,"
                " duration_s must be longer"
            )


def _missing(step: Step) -> Iterator[str]:
    recorded, sent = step.transactions.scheduled_ns.size, step.played.sent - step.played.retried
    if recorded != sent:
        yield f"step {step.played.name}: {recorded} load records, expected one for each of {sent} transactions"
