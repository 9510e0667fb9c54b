"""The answer in a few sentences, computed from the summary: what the broker in the middle costs, and what it buys.

Invariant: a sentence names a difference only where ``verdict`` finds one; every number has its interval with it.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from bench.analysis import agreement, crossover
from bench.analysis.differences import CAPACITY, LATENCY
from bench.analysis.summary import Level, Model, RecoverySummary, Summary
from bench.charts.words import done_to
from bench.report.numbers import estimate, milliseconds, number, percent
from bench.report.verdict import judge, words
from bench.scenario import Scenario

DISCIPLINES = {"central-queue": "one central queue", "round-robin": "blind round robin"}
"""Of ``bench.analysis.queueing``."""

HEADLINE_LOAD_MAX = 0.8
"""The load whose tail is told: the highest up to this one, which is as busy as a sane service gets."""


class Answer(NamedTuple):
    """One point."""

    head: str
    text: str
    points: tuple[str, ...] = ()
    """What is too long for a sentence, one for each topology."""


def answers(summary: Summary, scenario: Scenario) -> list[Answer]:
    """The points in their order; none where nothing valid was measured."""
    levels = {name: topology.measured for name, topology in summary.topologies.items() if topology.trials}
    if not levels:
        return []
    parts = (
        _crossover(summary),
        _capacity(summary, levels, scenario), _tail(summary, levels),
        _theory(summary, levels), _faults(levels), _cost(levels), _accounts(summary)
    )  # fmt: skip
    return [answer for part in parts for answer in part]


def _crossover(summary: Summary) -> Iterator[Answer]:
    """Of a sweep."""
    if answer := crossover.sentence(summary.crossover):
        yield Answer("When do I need a broker?", answer)


def _capacity(summary: Summary, levels: dict[str, Level], scenario: Scenario) -> Iterator[Answer]:
    known = {name: level.capacity_per_s for name, level in levels.items() if level.capacity_per_s}
    if known:
        each = "; ".join(f"{name} {estimate(value, '/s')}" for name, value in known.items())
        verdict = words(judge(list(known), summary.differences, CAPACITY), "carries more", "carry more")
        head = f"Capacity, {scenario.deployment.workers} workers:"
        yield Answer(head, f"{each}. {verdict}".strip())


def _tail(summary: Summary, levels: dict[str, Level]) -> Iterator[Answer]:
    load = headline_load(levels)
    loaded = {name: level.latency_ms[load] for name, level in levels.items() if load in level.latency_ms}
    known = {name: latency.p99 for name, latency in loaded.items() if latency.p99}
    if known:
        offered = next(iter(loaded.values())).rate_per_s
        each = "; ".join(f"{name} {milliseconds(value)}" for name, value in known.items())
        verdict = words(
            judge(list(known), summary.differences, LATENCY.format(load)),
            "has the shorter tail",
            "have the shorter tails",
        )
        at = f"at load {load} ({number(offered)}/s)" if _is_fraction(load) else f"at {load}"
        yield Answer(f"99 of 100 answered within, {at}:", f"{each}. {verdict}".strip())


def headline_load(levels: dict[str, Level]) -> str:
    """The highest load up to the limit that all topologies were given; the lowest where all are above it."""
    offered = [set(level.latency_ms) for level in levels.values() if level.latency_ms]
    common = set.intersection(*offered) if offered else set()
    fractions = sorted((float(load), load) for load in common if _is_fraction(load))
    below = [load for fraction, load in fractions if fraction <= HEADLINE_LOAD_MAX]
    if below:
        return below[-1]
    return fractions[0][1] if fractions else min(common, default="")


def _is_fraction(load: str) -> bool:
    return load.replace(".", "", 1).isdigit()


def agreed(summary: Summary) -> str:
    """At how many points each topology is as its own model says, over all cells; empty where none is judged."""
    points = {
        f"{name} {load}": found
        for name, topology in summary.topologies.items()
        for load, found in topology.measured.agreement.items()
    }
    in_cells = {
        f"{name} {load} in {cell}": found
        for cell, here in summary.cells.items()
        for name, topology in here.topologies.items()
        for load, found in topology.agreement.items()
    }
    return agreement.sentence(points | in_cells)


def _theory(summary: Summary, levels: dict[str, Level]) -> Iterator[Answer]:
    """The verdict, and where there was one dispatcher, so that both disciplines of the theory have their turn, which
    of them each is nearest to.
    """
    load = headline_load(levels)
    points = []
    for name, level in levels.items():
        models = level.queueing.get(load, {})
        if model := nearest(models):
            found = models[model]
            points.append(
                f"{name} is nearest to {DISCIPLINES[model]}: mean wait {milliseconds(found.mean_wait.measured_ms)},"
                f" {percent(found.mean_wait.deviation)} off the replay of the same arrivals; p99 of the response"
                f" {milliseconds(found.p99_response.measured_ms)}, {percent(found.p99_response.deviation)} off."
            )
    verdict = agreed(summary)
    if points or verdict:
        yield Answer("Beside queueing theory:", verdict, tuple(points))


def nearest(models: Mapping[str, Model]) -> str | None:
    """Whose mean wait, of ``DISCIPLINES``, the measured one is nearest to; None where not all were replayed."""
    off = {model: found.mean_wait.deviation for model, found in models.items() if model in DISCIPLINES}
    known = {model: abs(deviation.median) for model, deviation in off.items() if deviation}
    return min(known, key=known.__getitem__) if len(known) == len(DISCIPLINES) else None


def _faults(levels: dict[str, Level]) -> Iterator[Answer]:
    for key in dict.fromkeys(key for level in levels.values() for key in level.recovery):
        hit = {name: level.recovery[key] for name, level in levels.items() if key in level.recovery}
        first = next(iter(hit.values()))
        points = tuple(f"{name} {recovered(recovery)}." for name, recovery in hit.items())
        lasting = f", for {milliseconds(first.lasted_ms)}" if first.lasted_ms else ""
        yield Answer(f"When {done_to(first.label)}{lasting}, at load {first.load}:", "", points)


def recovered(recovery: RecoverySummary) -> str:
    """How it noticed, what it cost and when it was back, as the end of a sentence that began with who."""
    if recovery.label.endswith("-load"):  # there is nobody who could be lost
        return f"{harm(recovery)}, and {back(recovery)}"
    after = milliseconds(recovery.detected_ms)
    noticed = "did not notice" if recovery.detected_ms is None else f"noticed after {after}"
    return f"{noticed}, {harm(recovery)}, and {back(recovery)}"


def harm(recovery: RecoverySummary) -> str:
    """How many transactions it cost and delayed, as the end of a sentence that began with who."""
    harmed, late = recovery.harmed, recovery.delayed
    count = estimate(harmed) if harmed and harmed.high else "none"
    cost = f"left {count} without an answer"
    return f"{cost} and {estimate(late)} late" if late and late.high else cost


def back(recovery: RecoverySummary) -> str:
    """When it was back at its usual goodput, if ever, as the end of such a sentence."""
    missing = f" (not at all in {recovery.not_recovered} of {recovery.n})" if recovery.not_recovered else ""
    after = recovery.recovered_ms
    if after is None:
        never = "was not back at its usual goodput before the recording ended"
        return (
            never
            if recovery.not_recovered
            else "was not recorded long enough, undisturbed, to say when it was back"
        )
    if not after.high:
        return f"kept its usual goodput{missing}"
    return f"was back at its usual goodput after {milliseconds(after)}{missing}"


def _cost(levels: dict[str, Level]) -> Iterator[Answer]:
    for name, level in levels.items():
        if cost := broker_cost(level):
            yield Answer(f"The broker of {name} itself:", f"{cost}.")


def broker_cost(level: Level) -> str:
    """What it takes of each transaction's processor time; empty where there is none."""
    broker = level.cpu_us_per_transaction.get("broker")
    if not broker:
        return ""
    whole = sum(each.median for each in level.cpu_us_per_transaction.values())
    return f"{estimate(broker, ' µs')} of processor time for each transaction, of {number(whole)} µs in all"


def _accounts(summary: Summary) -> Iterator[Answer]:
    ledgers = [topology.measured.ledger for topology in summary.topologies.values()]
    fates = [topology.measured.fates for topology in summary.topologies.values()]
    scheduled = sum(ledger.scheduled for ledger in ledgers)
    if scheduled:
        lost, phantom = sum(ledger.lost for ledger in ledgers), sum(ledger.phantom for ledger in ledgers)
        unknown = sum(each.unknown + each.broken for each in fates)
        yield Answer(
            f"Of {scheduled:,} transactions in all trials:",
            f"{lost or 'none'} lost, {phantom or 'none'} executed after a definite no,"
            f" {f'{unknown:,}' if unknown else 'none'} that ended without their clients knowing how.",
        )
