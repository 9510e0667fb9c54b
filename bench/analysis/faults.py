"""What each fault cost, over trials."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from bench.analysis.absences import Absence
from bench.analysis.depths import Depth, Held, around
from bench.analysis.floors import Floor, Floors, Hit, floor, ingredients
from bench.analysis.recording import Step, key_of
from bench.analysis.recovery import Mark, Recovery, recoveries
from bench.analysis.timeline import Timeline, overlay
from bench.analysis.trials import by_kind, keys, within_trial
from bench.faults.network import peers
from bench.ledger import EpisodeKey
from bench.scenario import Scenario
from common.topology import Plan


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
    depth: Depth | None
    """Who held how many meanwhile."""
    floor: Floor
    floors: Floors


class Heard(NamedTuple):
    """What is on record beside the transactions of a step, by episode."""

    notes: Mapping[EpisodeKey, list[Mark]]
    absences: Mapping[EpisodeKey, list[Absence]]
    held: Mapping[EpisodeKey, Held]


def faults(steps: Sequence[Step], heard: Heard, plan: Plan, scenario: Scenario) -> list[Fault]:
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
        _fault(names[label, phase, name], label, trials, heard, plan, scenario)
        for label, phase, name, trials in kinds
    ]


def _fault(key: str, label: str, trials: list[Step], heard: Heard, plan: Plan, scenario: Scenario) -> Fault:
    recovered = [
        [
            recovery
            for recovery in recoveries(
                step,
                heard.notes.get(key_of(step.episode), []),
                [part.name for part in plan.parts],
                heard.absences.get(key_of(step.episode), []),
            )
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
    hit = _hit(label, [each for trial in recovered for each in trial], plan, scenario)
    cold_start_ms = _cold_start_ms(hit.role, heard, plan)
    made_of = ingredients(hit, scenario.settings, scenario.supervision.restart.delay_s, cold_start_ms)
    return Fault(
        key,
        label,
        played.name,
        played.rate_per_s,
        [trial for trial in recovered if trial],
        overlay(events),
        around(events, heard.held),
        floor(hit, scenario.settings, made_of),
        made_of,
    )


def _hit(label: str, every: Sequence[Recovery], plan: Plan, scenario: Scenario) -> Hit:
    role = label.rpartition("-")[2]
    same = [part for part in plan.parts if part.role == role]
    pinged = any("heartbeat_ivl" in socket.options for part in plan.parts for socket in part.sockets)
    return Hit(
        label,
        parts=len(same),
        watched=pinged or not scenario.settings.network.zmtp_heartbeat_ms,
        lasts_ms=within_trial(recovery.healed_ms for recovery in every),
        paired=any(peers(plan, part.name, part.role) for part in same),
    )


def _cold_start_ms(role: str, heard: Heard, plan: Plan) -> float | None:
    """Of all parts of a role that came back in the run."""
    mine = {part.name for part in plan.parts if part.role == role}
    return within_trial(
        absence.cold_start_ms
        for key, every in heard.absences.items()
        for absence in every
        if key.topology == plan.topology and absence.part in mine
    )
