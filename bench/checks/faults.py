"""Whether each fault came when it was due and was over with its step, so that it can be laid over those of other
trials; the faults of a soak are laid over no others.
"""

from collections.abc import Iterator

from bench.checks.check import Check, Figure, told
from bench.checks.recorded import Recorded
from bench.phases import Soak
from bench.run_record import Injected


def _faults(recorded: Recorded) -> tuple[Injected, ...]:
    phase = recorded.scenario.phase(recorded.episode.phase)
    return () if isinstance(phase, Soak) else recorded.episode.faults


def _late(recorded: Recorded) -> Iterator[Figure]:
    for fault in _faults(recorded):
        late_ms = (fault.t_ns - fault.planned_ns) / 1e6
        says = f"{fault.label} came {told(late_ms, 'ms')} after it was due"
        yield Figure(f"step {fault.step}", late_ms, says)


def _outlasting(recorded: Recorded) -> Iterator[Figure]:
    ends_ns = {step.name: step.end_ns for step in recorded.episode.steps}
    for fault in _faults(recorded):
        if fault.healed_ns and fault.step in ends_ns:
            ms = max((fault.healed_ns - ends_ns[fault.step]) / 1e6, 0.0)
            says = f"{fault.label} was over {told(ms, 'ms')} after the step was, duration_s must be longer"
            yield Figure(f"step {fault.step}", ms, says)


LATE = Check(
    title="how late a fault came",
    why="it hit another moment of the schedule than in the trials that it is laid over",
    judges="faults",
    unit="ms",
    setting="fault_late_ms_max",
    figures=_late,
)
OUTLASTING = Check(
    title="how long a fault outlasted its step",
    why="its recovery was not recorded",
    judges="faults that last",
    unit="ms",
    setting="fault_late_ms_max",
    figures=_outlasting,
)
