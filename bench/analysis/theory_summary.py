"""What the summary says of theory beside the measurement: replays, closed forms, Little's law, and two predictions.

Invariant: nothing is found out here. What has one value a trial becomes an estimate over trials.
"""

from collections.abc import Sequence
from statistics import mean

from bench.analysis.agreement import Agreement, agreement
from bench.analysis.closed_form import Predicted
from bench.analysis.little import Law
from bench.analysis.queueing import Beside, Comparison
from bench.analysis.stability import Slowed
from bench.analysis.steady import LoadPoint
from bench.analysis.stuck import Missing
from bench.analysis.summary import (
    AbsentSummary,
    ClosedForm,
    Deviation,
    Interval,
    LittleSummary,
    Model,
    PredictedFigure,
    Predictions,
    SlowSummary,
    StabilitySummary,
)
from bench.analysis.trials import over_trials
from bench.statistics import mean_interval


def models(points: Sequence[LoadPoint]) -> dict[str, dict[str, Model]]:
    """By load and model of ``bench.analysis.queueing``; loads of which no path is known are left out."""
    return {point.key: _models(point.queueing) for point in points if point.queueing}


def agreements(points: Sequence[LoadPoint]) -> dict[str, Agreement]:
    """By load, with the topology's own model."""
    return {point.key: found for point in points if (found := agreement(point.queueing))}


def closed_forms(points: Sequence[LoadPoint]) -> dict[str, ClosedForm]:
    """By load, where there is one."""
    return {point.key: closed_form(point.closed_form) for point in points if point.closed_form}


def laws(points: Sequence[LoadPoint]) -> dict[str, dict[str, LittleSummary]]:
    """Little's law by load and place."""
    return {point.key: found for point in points if (found := _little(point.little))}


def predictions(slowed: Sequence[Slowed], missing: Sequence[Missing]) -> Predictions:
    """What follows from how the topology chooses a worker, by phase."""
    return Predictions(
        {each.phase: _slow(each) for each in slowed},
        {each.phase: _absent(each) for each in missing},
    )


def _models(comparisons: list[Comparison]) -> dict[str, Model]:
    names = dict.fromkeys(comparison.model for comparison in comparisons)
    return {name: _model([each for each in comparisons if each.model == name]) for name in names}


def _model(trials: list[Comparison]) -> Model:
    return Model(
        _deviation([each.mean_wait for each in trials]),
        _deviation([each.p99_response for each in trials]),
        sum(each.n for each in trials),
    )


def _deviation(trials: list[Beside]) -> Deviation:
    return Deviation(
        over_trials(each.measured_ms for each in trials),
        over_trials(each.replayed_ms for each in trials),
        over_trials(each.deviation for each in trials),
    )


def closed_form(trials: Sequence[Predicted]) -> ClosedForm:
    """One load over trials, one at least. The interval is of all their batches, since each queue forgot the others."""
    interval = _interval([batch for trial in trials for batch in trial.batches_ms])
    predicted_ms = mean(trial.wait_predicted_ms for trial in trials)
    return ClosedForm(
        model=trials[0].form.name,
        load=over_trials(trial.at.load for trial in trials),
        service_ms=over_trials(trial.at.service_ms for trial in trials),
        besides_ms=over_trials(trial.at.besides_ms for trial in trials),
        mean_wait=_predicted([(trial.wait_ms, trial.wait_predicted_ms) for trial in trials]),
        p99_response=_predicted(
            [(trial.p99_ms, trial.p99_predicted_ms) for trial in trials if trial.p99_predicted_ms is not None]
        )
        if trials[0].form.exponential
        else None,
        interval=interval,
        inside=interval.low <= predicted_ms <= interval.high if interval else None,
        n=sum(trial.n for trial in trials),
    )


def _interval(batches_ms: Sequence[float]) -> Interval | None:
    return Interval(*mean_interval(batches_ms), len(batches_ms)) if batches_ms else None


def _predicted(trials: Sequence[tuple[float, float]]) -> PredictedFigure:
    return PredictedFigure(
        over_trials(measured for measured, _ in trials),
        over_trials(predicted for _, predicted in trials),
        over_trials(measured / predicted - 1 if predicted else None for measured, predicted in trials),
    )


def _little(trials: Sequence[dict[str, Law]]) -> dict[str, LittleSummary]:
    by_place = {
        place: [trial[place] for trial in trials if place in trial]
        for place in dict.fromkeys(place for trial in trials for place in trial)
    }
    return {place: _law(found) for place, found in by_place.items()}


def _law(trials: list[Law]) -> LittleSummary:
    return LittleSummary(
        over_trials(each.sampled for each in trials),
        over_trials(each.implied for each in trials),
        over_trials(each.deviation for each in trials),
        over_trials(each.tolerance for each in trials),
        sum(not each.holds for each in trials),
        sum(each.n for each in trials),
    )


def _slow(slowed: Slowed) -> SlowSummary:
    return SlowSummary(
        times=slowed.times,
        workers=slowed.workers,
        stable_below_predicted=slowed.predicted,
        largest_stable=slowed.largest_stable,
        smallest_unstable=slowed.smallest_unstable,
        as_predicted=slowed.as_predicted,
        loads={
            f"{each.load:.3g}": StabilitySummary(each.unserved, each.stable, each.n) for each in slowed.loads
        },
    )


def _absent(missing: Missing) -> AbsentSummary:
    trials = missing.trials
    fronts = len(missing.fronts)
    return AbsentSummary(
        endpoints=missing.endpoints,
        fronts=fronts,
        stuck_predicted=None if missing.predicted is None else missing.predicted * fronts,
        stuck=over_trials(sum(trial.by_front.values()) for trial in trials),
        stuck_by_front={
            front: over_trials(trial.by_front[front] for trial in trials) for front in missing.fronts
        },
        trials_as_predicted=missing.trials_as_predicted,
        completed=sum(trial.completed for trial in trials),
        executed_there=sum(trial.executed_there for trial in trials),
        n=len(trials),
    )
