"""What a reader sees first: the answer in at most three sentences, computed from the summary.

Invariant: a sentence says only what was measured, with its interval; what was not measured is not spoken of, and a run
of another kind (a slow worker, a soak) is answered by what it measured. No difference is named that ``verdict`` does
not find.
"""

from collections.abc import Iterator

from bench.analysis.crossover import sentence
from bench.analysis.differences import CAPACITY, LATENCY
from bench.analysis.summary import Level, RecoverySummary, Summary
from bench.audit import violations
from bench.charts.words import done_to
from bench.ledger import Books, broken_laws
from bench.report.answer import DISCIPLINES, back, broker_cost, harm, headline_load, nearest
from bench.report.compared import Words, compared, ordered
from bench.report.numbers import estimate, milliseconds
from bench.scenario import Scenario


def opening(summary: Summary, scenario: Scenario) -> list[str]:
    """The sentences; none where nothing valid was measured."""
    levels = {name: topology.measured for name, topology in summary.topologies.items() if topology.trials}
    if not levels:
        return []
    parts = (
        _joined(_steady(summary, levels, scenario)),
        _joined(_broken(summary, levels)),
        _joined(_price(summary, levels)),
    )
    return [part for part in parts if part]


def _joined(clauses: Iterator[str]) -> str:
    text = "; ".join(clauses)
    return f"{text[0].upper()}{text[1:]}." if text else ""


def _steady(summary: Summary, levels: dict[str, Level], scenario: Scenario) -> Iterator[str]:
    """Of a sweep, who wins where; otherwise capacity and tail."""
    if answer := sentence(summary.crossover):
        yield "; ".join(f"{part[0].lower()}{part[1:]}" for part in answer.rstrip(".").split(". "))
    found = [*_capacity(summary, levels, scenario), *_tail(summary, levels)]
    for place, (clause, why) in enumerate(found):
        said_next = any(why == other for _, other in found[place + 1 :])
        yield clause if said_next or not why else f"{clause}: {why}"


def _capacity(summary: Summary, levels: dict[str, Level], scenario: Scenario) -> Iterator[tuple[str, str]]:
    known = {name: level.capacity_per_s for name, level in levels.items() if level.capacity_per_s}
    if known:
        told = {name: estimate(value, "/s") for name, value in known.items()}
        yield compared(
            f"with {scenario.deployment.workers} workers",
            ordered(known, told),
            Words("carried", "carries more", "carry more"),
            summary.differences,
            CAPACITY,
        )


def _tail(summary: Summary, levels: dict[str, Level]) -> Iterator[tuple[str, str]]:
    load = headline_load(levels)
    loaded = {name: level.latency_ms[load].p99 for name, level in levels.items() if load in level.latency_ms}
    known = {name: p99 for name, p99 in loaded.items() if p99}
    if known:
        told = {name: milliseconds(value) for name, value in known.items()}
        yield compared(
            f"at {'load ' if load[:1].isdigit() else ''}{load}",
            ordered(known, told),
            Words("had a p99 of", "has the shorter p99", "have the shorter p99"),
            summary.differences,
            LATENCY.format(load),
        )


def _broken(summary: Summary, levels: dict[str, Level]) -> Iterator[str]:
    """The worst fault of each family; where there was none, what else went wrong and was measured."""
    families: dict[str, list[tuple[str, RecoverySummary]]] = {}
    for name, level in levels.items():
        hits = [(name, recovery) for recovery in level.recovery.values()]
        if hits:
            families.setdefault(summary.topologies[name].family, []).extend(hits)
    kinds = {key for level in levels.values() for key in level.recovery}
    of_all = f"of {len(kinds)} faults played, " if len(kinds) > 1 else ""
    for hits in families.values():
        name, worst = max(hits, key=lambda hit: _badness(hit[1]))
        yield f"{of_all}{name} {harm(worst)}, and {back(worst)}, when {done_to(worst.label)}"
        of_all = ""
    if not kinds:
        yield from _predicted(levels)
        yield from _queueing(levels)
        yield from _grown(summary)


def _badness(recovery: RecoverySummary) -> tuple[float, ...]:
    """First what is lost to clients, then whether and when it was back, then who had to wait."""
    lost, back_ms, late = (
        each.median if each else 0.0 for each in (recovery.harmed, recovery.recovered_ms, recovery.delayed)
    )
    return lost, recovery.not_recovered, back_ms, late


def _predicted(levels: dict[str, Level]) -> Iterator[str]:
    for name, level in levels.items():
        for slow in level.predictions.slow_worker.values():
            limit = "no load" if slow.largest_stable is None else f"load {slow.largest_stable:g}"
            theory = slow.stable_below_predicted
            beside = "" if theory is None else f" (theory: below {theory:g})"
            yield (
                f"with one of {slow.workers} workers {slow.times:g} times slower, {name} kept up with {limit}{beside}"
            )
        for absent in level.predictions.absent_worker.values():
            if absent.stuck:
                theory = absent.stuck_predicted
                beside = "" if theory is None else f" (theory: {theory})"
                yield (
                    f"with {absent.endpoints} absent from the start, {name} had {estimate(absent.stuck)} stuck{beside}"
                )


def _queueing(levels: dict[str, Level]) -> Iterator[str]:
    """Where nothing was broken and there was one dispatcher, the discipline that each came nearest to."""
    load = headline_load(levels)
    for name, level in levels.items():
        if model := nearest(level.queueing.get(load, {})):
            yield f"at load {load}, {name} waits as {DISCIPLINES[model]} would"


def _grown(summary: Summary) -> Iterator[str]:
    if summary.growth:
        most = max(summary.growth, key=lambda life: life.rss_mib)
        files = max(summary.growth, key=lambda life: life.fds)
        yield (
            f"of {len(summary.growth)} processes watched, none grew by more than {most.rss_mib:+.2f} MiB"
            f" ({most.part}, in {most.judged_s:.0f} s) or {files.fds:+.1f} descriptors ({files.part})"
        )


def _price(summary: Summary, levels: dict[str, Level]) -> Iterator[str]:
    for name, level in levels.items():
        if cost := broker_cost(level):
            yield f"the broker of {name} costs {cost}"
    yield from _accounts(summary)


def _accounts(summary: Summary) -> Iterator[str]:
    """Of all trials, also invalid ones: an account is not a sample."""
    measured = [topology.measured for topology in summary.topologies.values()]
    scheduled = sum(level.ledger.scheduled for level in measured)
    if not scheduled:
        return
    laws = [law for level in measured for law in broken_laws(Books(level.ledger, level.fates)).values()]
    bank = [law for level in measured if level.audit for law in violations(level.audit)]
    if laws or bank:
        yield f"the accounts of {scheduled:,} transactions do not balance: {', '.join(laws + bank)}"
        return
    books = " and so do the bank's books" if any(level.audit for level in measured) else ""
    yield (
        f"the accounts of all {scheduled:,} transactions balance{books}: none was lost and none was executed after a"
        " definite no"
    )
