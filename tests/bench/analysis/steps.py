"""Steps made of a few numbers in milliseconds, counted from the begin of the step's measured part."""

from collections.abc import Sequence

import numpy as np

from bench.analysis.recording import CODES, NS_PER_MS, Step, Transactions
from bench.phases import Closed, Open, Phase
from bench.run_record import Episode, Injected, PlayedStep

START_MS = 1_000_000
WARMUP_MS = 1000


def ns(ms: float) -> int:
    return round((START_MS + ms) * NS_PER_MS)


def transactions(
    scheduled_ms: Sequence[float],
    done_ms: Sequence[float],
    fates: Sequence[str] | str = "completed",
    slot_us: int = 10_000,
    attempts: Sequence[int] | int = 1,
) -> Transactions:
    """Due before 0 is warm-up; sent when due."""
    words = [fates] * len(scheduled_ms) if isinstance(fates, str) else fates
    order = np.argsort(scheduled_ms, kind="stable")
    scheduled = np.array([ns(ms) for ms in scheduled_ms], dtype=np.int64)[order]
    return Transactions(
        scheduled_ns=scheduled,
        sent_ns=scheduled,
        done_ns=np.array([ns(ms) for ms in done_ms], dtype=np.int64)[order],
        fate=np.array([CODES[word] for word in words], dtype=np.int8)[order],
        warmup=scheduled < ns(0),
        waited_us=np.zeros(scheduled.size, dtype=np.int64),
        slot_us=np.full(scheduled.size, slot_us, dtype=np.int64),
        attempts=np.array(
            [attempts] * scheduled.size if isinstance(attempts, int) else attempts, dtype=np.int32
        )[order],
    )


def step(
    rows: Transactions,
    *,
    duration_ms: float = 6000,
    faults: Sequence[tuple[str, str, float] | tuple[str, str, float, float]] = (),
    phase: Phase | None = None,
    trial: int = 1,
    topology: str = "freelance",
) -> Step:
    """``faults``: label, part and instant, and when it was taken back."""
    phase = phase or Open(name="phase", duration_s=duration_ms / 1e3, warmup_s=1, loads=(0.5,))
    closed = isinstance(phase, Closed)
    concurrency = phase.concurrency[0] if isinstance(phase, Closed) else getattr(phase, "users", 0)
    played = PlayedStep(
        name=str(concurrency) if closed else "0.5",
        warmup_s=WARMUP_MS / 1e3,
        duration_s=duration_ms / 1e3,
        concurrency=concurrency,
        load=0.0 if closed else 0.5,
        rate_per_s=0.0 if closed else 400.0,
        begin_ns=ns(-WARMUP_MS),
        warm_ns=ns(0),
        end_ns=ns(duration_ms),
        done_ns=max([ns(duration_ms), *rows.done_ns.tolist()]),
        sent=rows.scheduled_ns.size,
    )
    injected = tuple(
        Injected(label, played.name, part, ns(at_ms), ns(at_ms), "seen", *map(ns, healed_ms))
        for label, part, at_ms, *healed_ms in faults
    )
    episode = Episode(phase.name, topology, trial, 1, 0, 0, 0, (played,), injected, ())
    return Step(phase, episode, played, rows)


def steady(
    until_ms: float = 6000, every_ms: float = 2.5, takes_ms: float = 10
) -> tuple[list[float], list[float]]:
    """Due and done of a system that always takes as long, warm-up included."""
    due: list[float] = np.arange(-WARMUP_MS, until_ms, every_ms).tolist()
    return due, [at + takes_ms for at in due]
