"""Why a trial is not to be believed: the bench's own doubts of when it was played, and what the tables show.

Invariant: a reason names the figure and what it should have been. A trial (one topology, one number) is invalid if
one of its episodes is: its numbers are left out, its accounts are not.
"""

from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple

from msgspec.structs import replace

from bench.analysis.little import Law
from bench.analysis.recording import Step, key_of
from bench.checks.check import Check, Checked, judge
from bench.checks.played import Played
from bench.checks.recorded import Recorded
from bench.checks.registry import AS_PLAYED, CHECKS, FAULTS, LAWS, RECORDS, TOLD
from bench.ledger import Books, EpisodeKey
from bench.run_record import Cause, Episode, RunRecord
from bench.sweep import phase_and_cell

Kind = Literal[Cause, "record", "growth"]
"""What kind of reason: ``bench.run_record.Cause``, from when it was played, or a broken law; facts that are missing; a
process that grew in a soak."""

AS_RECORDED: Mapping[Kind, Mapping[str, Check[Recorded]]] = {"law": LAWS, "fault": FAULTS, "record": RECORDS}
"""What kind of reason those who fail give."""


class Reason(NamedTuple):
    """Why one episode, and with it its trial, is invalid."""

    episode: EpisodeKey
    kind: Kind
    text: str

    def __str__(self) -> str:
        return f"{self.episode}: {self.text}"


class Looked(NamedTuple):
    """What all checks found in a run."""

    reasons: list[Reason]
    """Against every episode that was played, in their order."""
    checked: dict[EpisodeKey, dict[str, Checked]]
    """{episode: {check: what it found}}."""

    def together(self) -> dict[str, Checked]:
        """What each check found in all of them; where its worst figure was, with the episode."""
        total = dict.fromkeys(CHECKS, Checked(0))
        for key, checked in self.checked.items():
            for name in total.keys() & checked.keys():
                total[name] += replace(checked[name], at=_in(key, checked[name]))
        return total


def look(
    record: RunRecord,
    books: Mapping[EpisodeKey, Books],
    steps: list[Step],
    queues: Mapping[tuple[EpisodeKey, str], Law],
) -> Looked:
    """Hold every episode to every check; ``queues`` are those of ``bench.checks.little.queues``."""
    looked = Looked([], {})
    for episode in record.episodes:
        key = key_of(episode)
        recorded = Recorded(
            record.scenario,
            episode,
            books.get(key),
            [step for step in steps if step.episode is episode],
            {step: found for (where, step), found in queues.items() if where == key},
        )
        checked = looked.checked[key] = _as_played(record, episode)
        looked.reasons.extend(Reason(key, doubt.cause, doubt.text) for doubt in episode.doubts)
        for kind, checks in AS_RECORDED.items():
            verdict = judge(checks, record.scenario, recorded)
            checked.update(verdict.checked)
            looked.reasons.extend(
                Reason(key, kind, text) for texts in verdict.reasons.values() for text in texts
            )
        checked.update(judge(TOLD, record.scenario, recorded).checked)
    return looked


def invalid_trials(reasons: list[Reason]) -> set[tuple[str, int]]:
    """The trials (topology, number) that have one."""
    return {(reason.episode.topology, reason.episode.trial) for reason in reasons}


def invalid_in_cells(reasons: Iterable[Reason]) -> set[tuple[str, int, str]]:
    """The trials of each cell (topology, number, cell) that have one; the cell is empty where there is no sweep."""
    return {
        (each.episode.topology, each.episode.trial, phase_and_cell(each.episode.phase)[1]) for each in reasons
    }


def _in(key: EpisodeKey, found: Checked) -> str:
    """Where a worst figure was, in which episode; nowhere if it is none, or nothing at all."""
    return ", ".join(filter(None, (str(key), found.at))) if found.worst else ""


def _as_played(record: RunRecord, episode: Episode) -> dict[str, Checked]:
    """As it was found then; of a run that kept no such account, what its steps still tell."""
    if episode.checked:
        return dict(episode.checked)
    return judge(AS_PLAYED, record.scenario, Played(record.scenario, episode.steps, {})).checked
