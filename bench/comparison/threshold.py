"""``--fail-on``: what a change may not do, and whether it did.

Grammar: METRIC[@AT][:TOPOLOGY] then ``>`` or ``<`` and a NUMBER. With ``%``: B is that much above (``>``) or below
(``<``) A. Without, or with the metric's unit: B itself is above or below the number.

Invariant: a threshold is crossed only where the data show it. With ``%`` the whole interval of B/A is beyond it, on
enough pairs and with an adjusted p below ``ALPHA``; without, the whole interval of B. A time that A has and that never
came in half of the trials of B or more under the same schedule is beyond every ``>``, and one that never came in most
of them beyond every ``>`` without ``%``, whatever A has.
"""

import re
from difflib import get_close_matches
from typing import NamedTuple

from bench.comparison.differences import Compared
from bench.comparison.metrics import METRICS
from bench.errors import BadInput
from bench.paired import ALPHA, PAIRS_MIN

GRAMMAR = "METRIC[@AT][:TOPOLOGY], > or <, NUMBER[%], as in p99>10% or harmed@kill-worker:freelance>0"
_FORM = re.compile(
    r"(?P<metric>\w+)(@(?P<at>[^:<>]+))?(:(?P<topology>[a-z0-9-]+))?\s*"
    r"(?P<way>[<>])\s*(?P<number>\d+(\.\d+)?)\s*(?P<unit>%|ms|us|/s)?"
)


class Threshold(NamedTuple):
    """One ``--fail-on``."""

    text: str
    metric: str
    at: str
    """Empty: at all."""
    topology: str
    """Empty: of all."""
    above: bool
    number: float
    relative: bool
    """In percent of A."""

    def concerns(self, row: Compared) -> bool:
        """Whether it says something of this row."""
        return (
            self.metric == row.row.metric
            and self.at in ("", row.row.at)
            and self.topology in ("", row.row.topology)
        )

    def crossed(self, row: Compared) -> bool:
        """Whether the data show that B is beyond it."""
        if row.vanished:
            return self.above and METRICS[self.metric].unit == "ms"
        if not self.relative:
            if row.never_b > (row.b.n if row.b else 0):
                return self.above and METRICS[self.metric].unit == "ms"
            return row.b is not None and self._beyond(row.b.low, row.b.high, self.number)
        if row.ratio is None or row.p is None or row.ratio.n < PAIRS_MIN or row.p >= ALPHA or row.why:
            return False
        limit = 1 + self.number / 100 if self.above else 1 - self.number / 100
        return self._beyond(row.ratio.low, row.ratio.high, limit)

    def why_unjudged(self, row: Compared) -> str:
        """Why this row can't be held against it; empty where it can."""
        if not self.relative:
            return "" if row.b else "B has no value"
        return row.why or ("" if row.ratio else "a value is 0, which has no ratio")

    def _beyond(self, low: float, high: float, limit: float) -> bool:
        return low > limit if self.above else high < limit


def threshold(text: str) -> Threshold:
    """What a user wrote. Raises BadInput."""
    form = _FORM.fullmatch(text.strip())
    if not form:
        raise BadInput(f"--fail-on must be {GRAMMAR}, got {text!r}")
    metric, unit = form["metric"], form["unit"]
    if metric not in METRICS:
        near = get_close_matches(metric, METRICS, n=1)
        hint = f"did you mean {near[0]}? " if near else ""
        raise BadInput(f"--fail-on: unknown metric {metric!r}: {hint}expected one of {', '.join(METRICS)}")
    if unit not in (None, "%", METRICS[metric].unit):
        expected = METRICS[metric].unit or "no unit"
        raise BadInput(f"--fail-on: {metric} is in {expected} (or %), got {unit!r} in {text!r}")
    return Threshold(
        text.strip(),
        metric,
        (form["at"] or "").strip(),
        form["topology"] or "",
        form["way"] == ">",
        float(form["number"]),
        unit == "%",
    )
