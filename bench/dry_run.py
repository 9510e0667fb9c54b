"""What a run would do, in words: phases, rates, duration. Starts nothing."""

from collections.abc import Iterator
from pathlib import Path

from msgspec.structs import asdict

from bench.phases import Closed, Open, Paced, Phase, Search, Soak
from bench.ports import Ports
from bench.progress import duration
from bench.runner import order_of, plans_of
from bench.running_order import OVERHEAD_S, RunningOrder, seconds
from bench.scenario import Scenario
from bench.soak import AT_ONCE_MAX, DRAWN
from bench.sweep import credited
from bench.wiring import mechanism


def describe(scenario: Scenario) -> str:
    """The whole run, a line a fact."""
    return "\n".join(_lines(scenario))


def _lines(scenario: Scenario) -> Iterator[str]:
    order = order_of(scenario)
    deployment, service = scenario.deployment, scenario.service
    yield f"{scenario.name}: {scenario.title}. {scenario.question}"
    yield f"topologies: {', '.join(scenario.topologies)}; trials: {scenario.trials}; seed: {scenario.seed}"
    yield (
        f"deployment: workers: {deployment.workers}, fronts: {deployment.fronts}, brokers:"
        f" {_brokers(scenario)}; credit: {scenario.settings.credit}"
    )
    if scenario.fronts_of:
        yield "fronts of: " + ", ".join(f"{name} {fronts}" for name, fronts in scenario.fronts_of.items())
    if scenario.hosts.placed:
        yield f"hosts: {', '.join(f'{role} {spread}' for role, spread in asdict(scenario.hosts).items())}"
    recorded = f" {Path(service.times).name}" if service.times else ""
    yield f"service: {service.name}" + (
        f", {service.distribution}{recorded}, mean {service.mean_ms:g} ms"
        if service.name in ("sleep", "spin", "transfer")
        else ""
    )
    what = f"{scenario.method} at level {scenario.level}"
    yield f"load: {what}, {scenario.body_bytes} bytes, within {scenario.timeout_s:g} s"
    yield from _sweep(scenario, order)
    for phase in scenario.phases:
        times = sum(turn.phase is phase for turn in order.turns)
        at_most = "at most " if isinstance(phase, Search) else ""
        yield f"phase {phase.name}: {_intensity(phase, scenario)}; {at_most}{_length(phase)}, {_count(times)}"
        for fault in phase.faults:
            yield f"  in the measured part: {fault.describe()}"
        if isinstance(phase, Soak):
            yield f"  faults drawn from the seed, at most {AT_ONCE_MAX} at a time: {', '.join(DRAWN)}"
        if by := links_by(scenario, phase):
            yield f"  links are broken by: {by}"
    for skipped in order.skipped:
        yield f"not played: {skipped.phase} on {skipped.topology}: {skipped.why}"
    searches = any(isinstance(phase, Search) for phase in scenario.phases)
    bound = "at most about" if searches else "about"
    yield f"duration: {len(order.turns)} episodes, {bound} {duration(order.seconds)}"


def _sweep(scenario: Scenario, order: RunningOrder) -> Iterator[str]:
    """What differs from cell to cell, and each topology's credit there."""
    if not scenario.sweep:
        return
    axes = "; ".join(
        f"{axis} {', '.join(map(_value, values))}" for axis, values in scenario.sweep.axes.items()
    )
    how = "one at a time" if scenario.sweep.one_at_a_time else "every combination"
    yield f"sweep over {axes}; {how}: {len(scenario.cells)} cells, every phase in each"
    without = {name for name, plan in plans_of(scenario).items() if not credited(plan)}
    for cell in scenario.cells:
        turns = [turn for turn in order.turns if turn.cell == cell.name]
        credits = {turn.topology: turn.scenario.settings.credit for turn in turns}
        each = ", ".join(
            f"{name} {'none' if name in without else credit}" for name, credit in credits.items()
        )
        yield f"  {cell.name}: {cell}; credit: {each}; about {duration(seconds(turns, OVERHEAD_S))}"


def _brokers(scenario: Scenario) -> str:
    """Of each topology that has any."""
    each = {name: plan.brokers for name, plan in plans_of(scenario).items() if plan.brokers}
    return ", ".join(f"{name} {count}" for name, count in each.items()) or "none"


def _value(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _count(times: int) -> str:
    return "once" if times == 1 else f"{times} times"


def links_by(scenario: Scenario, phase: Phase) -> str:
    """What is to break the phase's links; empty where no fault does."""
    with Ports() as ports:
        return mechanism(scenario, phase, ports)


def _intensity(phase: Phase, scenario: Scenario) -> str:
    if isinstance(phase, Search):
        gain = f"{phase.gain_min:.0%} over two doublings"
        return f"closed loop, {_words(phase.concurrency)} at a time, until that gains less than {gain}"
    if isinstance(phase, Closed):
        return f"closed loop, {_words(phase.concurrency)} at a time"
    kind = f"{phase.users} users who wait for their answers" if isinstance(phase, Paced) else "open loop"
    if phase.rates_per_s:
        return f"{kind}, {_arrivals(phase)}, {_words(phase.rates_per_s)} transactions/s"
    loads = f"{_words(phase.loads)} of the measured capacity{_nominal(phase.loads, scenario)}"
    return f"{kind}, {_arrivals(phase)}, {loads}"


def _arrivals(phase: Open | Paced | Soak) -> str:
    return f"trace {Path(phase.trace).name}" if isinstance(phase, Open) and phase.trace else phase.arrivals


def _nominal(loads: tuple[float, ...], scenario: Scenario) -> str:
    """What the rates would be if the workers' service were all that takes time."""
    service = scenario.service
    if scenario.sweep:
        return ""
    if service.name not in ("sleep", "spin") or not service.mean_ms:
        return ""
    most = scenario.deployment.workers / (service.mean_ms / 1e3)
    return f" (up to {_words([load * most for load in loads])} transactions/s)"


def _length(phase: Phase) -> str:
    return f"{len(phase.steps)} x ({phase.warmup_s:g} s warm-up + {phase.steps[0].duration_s:g} s)"


def _words(numbers: "list[float] | tuple[float, ...] | tuple[int, ...]") -> str:
    return ", ".join(f"{number:g}" for number in numbers)
