"""What each fault cost, over trials."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from bench.analysis.recording import NS_PER_MS, Step, key_of
from bench.analysis.recovery import Mark, Recovery, recoveries
from bench.analysis.timeline import Timeline, overlay
from bench.analysis.trials import by_kind, keys, within_trial
from bench.ledger import EpisodeKey


class Fault(NamedTuple):
    """One fault in all trials: the same phase, the same step."""

    key: str
    """As in the summary: ``kill-worker``; with the phase and step behind it where another phase has the same."""
    label: str
    """``kill-worker``."""
    step: str
    """The load or rate under which it came."""
    rate_per_s: float
    trials: list[list[Recovery]]
    """For each trial, as many as it had such faults."""
    timeline: Timeline | None
    lasted_ms: list[float | None]
    """For each trial, how long it was kept up; None: over at once."""


def faults(
    steps: Sequence[Step], noted: Mapping[EpisodeKey, list[Mark]], parts: Sequence[str]
) -> list[Fault]:
    """In the order in which they were played."""
    kinds = [
        (label, phase, name, trials)
        for (phase, name), trials in by_kind([step for step in steps if step.faults]).items()
        for label in dict.fromkeys(fault.label for step in trials for fault in step.faults)
    ]
    names = keys(
        [kind[:3] for kind in kinds], lambda kind: kind[0], lambda kind: f"{kind[0]} ({kind[1]}, {kind[2]})"
    )
    return [
        _fault(names[label, phase, name], label, trials, noted, parts) for label, phase, name, trials in kinds
    ]


def _fault(
    key: str, label: str, trials: list[Step], noted: Mapping[EpisodeKey, list[Mark]], parts: Sequence[str]
) -> Fault:
    recovered = [
        [
            recovery
            for recovery in recoveries(step, noted.get(key_of(step.episode), []), parts)
            if recovery.label == label
        ]
        for step in trials
    ]
    events = [
        (step, fault, end_ns)
        for step in trials
        for fault, end_ns in zip(step.faults, step.fault_ends_ns, strict=True)
        if fault.label == label
    ]
    played = trials[0].played
    lasted = [_lasted_ms(step, label) for step in trials]
    return Fault(key, label, played.name, played.rate_per_s, recovered, overlay(events), lasted)


def _lasted_ms(step: Step, label: str) -> float | None:
    mine = [fault for fault in step.faults if fault.label == label]
    return within_trial(
        (fault.healed_ns - fault.t_ns) / NS_PER_MS if fault.healed_ns else None for fault in mine
    )
