"""The table of one fault: each measured figure, and beside it what the settings imply.

Invariant: a figure that is not known says why; it is never told as one that did not happen.
"""

from collections.abc import Callable

from bench.analysis.summary import Level, RecoverySummary
from bench.report.numbers import NONE, estimate, milliseconds, number
from bench.report.table import Table
from bench.statistics import Estimate

_RECOVERY: tuple[tuple[str, Callable[[RecoverySummary], str]], ...] = (
    ("it was kept up for", lambda found: milliseconds(found.lasted_ms)),
    ("noticed", lambda found: milliseconds(found.detected_ms)),
    ("floor of that", lambda found: _floor(found.floor_ms.detected)),
    ("noticed first by", lambda found: _who(found)),
    ("first success of one due after it", lambda found: milliseconds(found.first_success_ms)),
    ("floor of that", lambda found: _floor(found.floor_ms.first_success)),
    ("first failure", lambda found: milliseconds(found.first_failure_ms)),
    ("last failure", lambda found: milliseconds(found.last_failure_ms)),
    ("backlog drained", lambda found: milliseconds(found.drained_ms)),
    ("goodput back in the band for a second", lambda found: milliseconds(found.recovered_ms)),
    ("floor of that", lambda found: _floor(found.floor_ms.recovered)),
    ("not back before the end", lambda found: _of(found.not_recovered, found)),
    ("back, and out of it again later", lambda found: _of(found.left_again, found)),
    ("back in the band after it was taken back", lambda found: milliseconds(found.after_healing_ms)),
    (
        "not back after that",
        lambda found: _of(found.not_back_after_healing, found) if found.lasted_ms else NONE,
    ),
    ("the part hit was there again", lambda found: milliseconds(found.returned_ms)),
    ("without an answer", lambda found: estimate(found.harmed)),
    ("completed, but late", lambda found: estimate(found.delayed)),
    ("goodput lost, transactions", lambda found: estimate(found.goodput_lost)),
    ("sent again, transactions", lambda found: estimate(found.resent)),
    ("attempts per transaction before", lambda found: _attempts(found.attempts_before)),
    ("attempts per transaction after", lambda found: _attempts(found.attempts)),
    ("not judged", lambda found: _unjudged(found)),
    ("faults", lambda found: f"{found.n:,}"),
    ("setting: restart delay", lambda found: _floor(found.floors_ms.restart)),
    ("measured: cold start", lambda found: _floor(found.floors_ms.cold_start)),
    ("setting: silence until given up", lambda found: f"{number(found.floors_ms.silence)} ms"),
    ("setting: ZMTP time-out", lambda found: _floor(found.floors_ms.zmtp)),
    ("setting: silence until the other of a pair takes over", lambda found: _floor(found.floors_ms.takeover)),
    ("setting: pause between connects", lambda found: f"{number(found.floors_ms.reconnect)} ms"),
)


def recovery_table(names: list[str], levels: list[Level], key: str) -> Table:
    """One fault: a row for each figure, a column for each topology that it hit. Figures that none has are left out."""
    hit = [
        (name, level.recovery[key])
        for name, level in zip(names, levels, strict=True)
        if key in level.recovery
    ]
    rows = [(label, *(cell(found) for _, found in hit)) for label, cell in _RECOVERY]
    return Table(
        f"{key}, at load {hit[0][1].load}",
        ("after the fault", *(name for name, _ in hit)),
        [row for row in rows if set(row[1:]) != {NONE} or row[0] in _ALWAYS],
        f"{NONE} is: did not happen, or not known. {recovery_note(max(found.n for _, found in hit))} A floor is what"
        " the settings alone imply; a broken connection is noticed at once. What each figure means: docs/recovery.md.",
    )


_ALWAYS = ("noticed", "first failure", "last failure", "goodput back in the band for a second")
"""Rows that are told also where none has a figure: that nothing failed is an answer."""


def recovery_note(faults: int) -> str:
    """Which n is which."""
    return (
        f"Of {faults} faults; intervals are over trials, each with the median of its faults, for faults of one trial"
        " are not independent."
    )


def _floor(ms: float | None) -> str:
    return NONE if ms is None else f"{number(ms)} ms"


def _attempts(value: Estimate | None) -> str:
    """What matters begins behind the point."""
    return NONE if value is None else f"{value.median:.4f}"


def _of(count: int, found: RecoverySummary) -> str:
    judged = found.n - sum(found.unjudged.values())
    return f"{count} of {judged} faults" if judged else NONE


def _who(found: RecoverySummary) -> str:
    counts = sorted(found.detected_by_counts.items(), key=lambda each: (-each[1], each[0]))
    return ", ".join(f"{part} ({count})" for part, count in counts) or NONE


_UNJUDGED = {
    "no baseline": "no second of baseline before it",
    "unsettled": "the one before it was not over for a second",
    "too short": "less than a second recorded after it",
}


def _unjudged(found: RecoverySummary) -> str:
    return "; ".join(f"{count}: {_UNJUDGED[why]}" for why, count in found.unjudged.items()) or NONE
