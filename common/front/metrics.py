"""What the front counts, and how Prometheus reads it.

Counting is plain arithmetic on the hot path; families of ``prometheus_client`` are made when somebody asks.
"""

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from itertools import accumulate

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from common.transaction import Fate

MEDIA_TYPE = CONTENT_TYPE_PLAIN_0_0_4
BUCKETS_S = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, math.inf)
"""Upper bounds, inclusive: from an echo without a queue to beyond the default time to live."""


class Tally:
    """Counts since this front started."""

    def __init__(self) -> None:
        self.fates = dict.fromkeys(Fate, 0)
        """Answers given to HTTP requests, by fate."""
        self.refused: Counter[int] = Counter()
        """Requests that were no transaction, or not taken, by status."""
        self.repeats = 0
        self.dropped = 0
        """Answers whose client had gone."""
        self.cut = 0
        """Connections closed because they were too slow."""
        self.buckets = [0] * len(BUCKETS_S)
        self.seconds = 0.0

    def answered(self, fate: Fate, seconds: float) -> None:
        """An answer went out, ``seconds`` after the request's head came in."""
        self.fates[fate] += 1
        self.buckets[bisect_left(BUCKETS_S, seconds)] += 1
        self.seconds += seconds


class Exposition(Collector):
    """The front's numbers as Prometheus reads them; ``gauges`` are asked for at every scrape."""

    def __init__(self, tally: Tally, gauges: Callable[[], Mapping[str, int]]) -> None:
        self._tally = tally
        self._gauges = gauges
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self)
        ProcessCollector(registry=self._registry)

    def text(self) -> bytes:
        """All of it, in the text format 0.0.4."""
        return generate_latest(self._registry)

    def collect(self) -> Iterable[Metric]:
        """Every family, as of now."""
        tally = self._tally
        fates = CounterMetricFamily("brokerbench_answers", "Transactions answered, by fate.", labels=["fate"])
        for fate, count in tally.fates.items():
            fates.add_metric([fate.value], count)
        refused = CounterMetricFamily(
            "brokerbench_refusals", "Requests not handed on, by status.", labels=["status"]
        )
        for status, count in sorted(tally.refused.items()):
            refused.add_metric([str(status)], count)
        depths = GaugeMetricFamily("brokerbench_depth", "What is held right now, by place.", labels=["place"])
        for place, depth in self._gauges().items():
            depths.add_metric([place], depth)
        yield from (fates, refused, depths)
        yield CounterMetricFamily("brokerbench_repeats", "Requests that joined one in flight.", tally.repeats)
        yield CounterMetricFamily("brokerbench_dropped", "Answers whose client had gone.", tally.dropped)
        yield CounterMetricFamily("brokerbench_cut", "Connections closed for being too slow.", tally.cut)
        yield HistogramMetricFamily(
            "brokerbench_answer_seconds",
            "From a request's head to its answer.",
            buckets=[(_bound(le), n) for le, n in zip(BUCKETS_S, accumulate(tally.buckets), strict=True)],
            sum_value=tally.seconds,
        )


def _bound(le: float) -> str:
    return "+Inf" if le == math.inf else repr(le)
