"""One fault over trials, as the summary, the charts and a comparison tell it.

Invariant: the faults of one trial share a deployment and a moment of the machine, so they give one value: their median,
of a figure in which None means *never* with never as the latest of all.
"""

from collections import Counter

from msgspec.structs import astuple

from bench.analysis.faults import Fault
from bench.analysis.recovery import Recovery
from bench.analysis.summary import RecoverySummary
from bench.analysis.trials import (
    over_trials,
    over_trials_or_never,
    within_trial,
    within_trial_or_never,
)
from bench.ledger import Fates
from bench.statistics import Estimate


def recovery_summary(fault: Fault) -> RecoverySummary:
    """One fault over trials: the median within a trial first, where it had several."""
    trials = fault.trials
    every = [recovery for trial in trials for recovery in trial]
    judged = [[each for each in trial if not each.unjudged] for trial in trials]
    healed = [[each for each in trial if each.healed_ms is not None] for trial in judged]
    noticed_by = Counter(each.detected_by for each in every if each.detected_by)
    return RecoverySummary(
        detected_ms=_or_never(trials, "detected_ms"),
        first_failure_ms=_known(trials, "first_failure_ms"),
        first_success_ms=_or_never(trials, "first_success_ms"),
        recovered_ms=_or_never(judged, "recovered_ms"),
        harmed=over_trials(within_trial(sum(astuple(each.harmed)) for each in trial) for trial in trials),
        goodput_lost=_known(judged, "goodput_lost"),
        last_failure_ms=_known(trials, "last_failure_ms"),
        drained_ms=_or_never(judged, "drained_ms"),
        after_healing_ms=_or_never(healed, "after_healing_ms"),
        returned_ms=_known(trials, "returned_ms"),
        delayed=_known(judged, "delayed"),
        attempts_before=_known(judged, "attempts_before"),
        attempts=_known(trials, "attempts"),
        resent=_known(trials, "resent"),
        detected_by=sorted(noticed_by),
        detected_by_counts=dict(sorted(noticed_by.items())),
        harmed_fates=Fates(*map(sum, zip(*(astuple(each.harmed) for each in every), strict=True))),
        not_recovered=sum(not each.unjudged and each.recovered_ms is None for each in every),
        not_back_after_healing=sum(each.after_healing_ms is None for trial in healed for each in trial),
        left_again=sum(each.left_again for each in every),
        unjudged=dict(sorted(Counter(each.unjudged for each in every if each.unjudged).items())),
        n=len(every),
        label=fault.label,
        load=fault.step,
        floor_ms=fault.floor,
        floors_ms=fault.floors,
        lasted_ms=_known(trials, "healed_ms"),
    )


def _known(trials: list[list[Recovery]], figure: str) -> Estimate | None:
    return over_trials(within_trial(getattr(recovery, figure) for recovery in trial) for trial in trials)


def _or_never(trials: list[list[Recovery]], figure: str) -> Estimate | None:
    """Of a figure in which None means *never*; a trial that has no fault to ask says nothing."""
    return over_trials_or_never(
        within_trial_or_never(getattr(recovery, figure) for recovery in trial) for trial in trials if trial
    )
