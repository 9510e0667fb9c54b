"""Tools that nobody here wrote find the same on the same deployment: throughput as ``wrk``, percentiles as ``hey``.

The deployment is its own bottleneck: four workers that sleep 5 ms each, on one front that uses a small part of a
processor, so that what there is to find does not depend on how fast a generator is. Ours and theirs take turns
(A B B A), and what is compared are the medians over turns: whatever drifts meanwhile meets both alike.

On a machine that is busy with something else they disagree, since that is then what they measure. Where a process of
the deployment waited for a processor for longer than a trial's may, or one tool does not agree with itself from one
turn to the other, a disagreement says nothing, and the test says that it was skipped.
"""

import csv
import io
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt
import pytest

from bench.load.exchange import Ending
from bench.load.record_table import read_records
from bench.load.report import End, read_report
from bench.load.spec import ClosedStep, OpenStep
from bench.ports import HOST, Ports
from bench.scenario import Validity
from bench.schedstat import RunDelay
from bench.speed.wrk import drive
from tests.bench.load.scripted import spec
from tests.end_to_end.command_line import BOUND_S, ENVIRONMENT, descendants, started, until
from tests.end_to_end.test_run import ready

WORKERS = 4
MEAN_MS = 5.0
CONNECTIONS = 16
"""Four for each worker: none is ever without work, and no queue is deep."""
RATE_PER_S = 100
"""Half of what one worker can do: a request finds all four idle, and the one before it answered."""
TURN_S = 1
WARM_S = 0.2
"""Of each turn, in which connections are opened."""

THROUGHPUT_REL = 0.10
"""wrk counts what was answered by its end, and leaves 16 of some 750 under way: 2 % less."""
P50_REL, P99_REL = 0.10, 0.20
"""The median is the sleep and the way there and back. The 99th percentile is the longest but one of the hundred requests
of a turn one after the other, and the sixth of some 600 at once."""
OVERHEAD_MS = 0.5
"""What a client written in Go may take more or less than ours for one request, and hey's resolution of 0.1 ms."""

CLOSED = ClosedStep(name="16", concurrency=CONNECTIONS, duration_s=TURN_S, warmup_s=WARM_S)
STEADY = OpenStep(
    name="100/s", arrivals="constant", rate_per_s=RATE_PER_S, duration_s=TURN_S, warmup_s=WARM_S
)

Ms = npt.NDArray[np.float64]

pytestmark = [pytest.mark.alone, pytest.mark.timeout(60)]
needs_wrk = pytest.mark.skipif(not shutil.which("wrk"), reason="wrk is not installed (Debian: wrk)")
needs_hey = pytest.mark.skipif(not shutil.which("hey"), reason="hey is not installed (Debian: hey)")


class Front(NamedTuple):
    """The one front of a deployment, and whose processes it is made of."""

    address: str
    pids: list[int]

    @contextmanager
    def compared(self) -> Iterator[None]:
        """Around whatever drives it and compares: a disagreement on a starved machine is none."""
        delays = [(pid, delay, delay.look(pid)) for pid in self.pids for delay in [RunDelay()]]
        begun = time.monotonic()
        try:
            yield
        except AssertionError:
            lasted = time.monotonic() - begun
            waits = [((delay.look(pid) or 0) - (before or 0)) / lasted for pid, delay, before in delays]
            if max(waits) > Validity().run_delay_share_max:
                pytest.skip(f"a starved machine: a part waited {max(waits):.0%} of the time for a processor")
            raise


@pytest.fixture(scope="module")
def front(tmp_path_factory) -> Iterator[Front]:
    folder: Path = tmp_path_factory.mktemp("served")
    with Ports() as ports:
        port = ports.port("front")
    sizes = ("--workers", str(WORKERS), "--port", str(port))
    service = ("--service", "sleep", "--service-mean-ms", str(MEAN_MS))
    with started(folder, "serve", "paranoid-pirate", *sizes, *service) as process:
        until(lambda: ready(port), "a front that is ready")
        yield Front(f"{HOST}:{port}", [part.pid for part in descendants(process.pid)])
        process.terminate()
        assert process.wait(BOUND_S) == 0


def ours(folder: Path, front: str, step: ClosedStep | OpenStep, method: str) -> npt.NDArray[Any]:
    """Our records of one turn, the warm-up left out; each must be a transaction that was completed."""
    folder.mkdir()
    told = spec(
        folder, (step,), targets=(front,), method=method, guard_pid=os.getpid(), id_prefix=folder.name
    )
    (folder / "spec.json").write_bytes(msgspec.json.encode(told))
    command = [sys.executable, "-P", "-m", "bench.load", str(folder / "spec.json")]
    subprocess.run(command, env=ENVIRONMENT, timeout=BOUND_S, check=True)
    [end] = [line for line in read_report(Path(told.report_file)) if isinstance(line, End)]
    rows = read_records(Path(told.record_file)).rows
    assert (rows["ending"] == Ending.COMPLETED).all()
    assert rows.size == end.sent
    return rows[rows["scheduled_ns"] >= end.warm_ns]


def in_turn(one: Callable[[int], Any], other: Callable[[int], Any]) -> tuple[list[Any], list[Any]]:
    """A B B A: what each found in its two turns."""
    first, second, third, fourth = one(1), other(1), other(2), one(2)
    return [first, fourth], [second, third]


def agree(what: str, ours: Sequence[float], theirs: Sequence[float], rel: float, least: float = 0.0) -> None:
    """Whether the medians over turns agree within ``rel``, or ``least``. Where one does not agree with itself within
    that, from one of its turns to the other, the machine is too noisy to tell.
    """
    print(f"{what}: ours {ours[0]:.2f} and {ours[1]:.2f}, theirs {theirs[0]:.2f} and {theirs[1]:.2f}")
    mine, other = median(ours), median(theirs)
    allowed = max(rel * other, least)
    if abs(mine - other) > allowed and max(np.ptp(ours), np.ptp(theirs)) > allowed:
        pytest.skip(f"a noisy machine: {what} of one tool is {max(np.ptp(ours), np.ptp(theirs)):.3g} apart")
    assert mine == pytest.approx(other, abs=allowed), what


@needs_wrk
def test_closed_loop_throughput_agrees_with_wrk_within_10_percent(front, tmp_path):
    def by_ours(turn: int) -> float:
        done_ns = ours(tmp_path / f"turn-{turn}", front.address, CLOSED, "PUT")["done_ns"]
        return (done_ns.size - 1) / float(np.ptp(done_ns)) * 1e9

    def by_wrk(turn: int) -> float:
        found = drive(f"http://{front.address}/v1/transactions", TURN_S, CONNECTIONS, "PUT")
        assert not found.errors
        return found.per_s

    with front.compared():
        mine, theirs = in_turn(by_ours, by_wrk)
        agree("transactions/s", mine, theirs, THROUGHPUT_REL)
        assert max(*mine, *theirs) <= WORKERS / MEAN_MS * 1e3, "more than four workers can do"


def by_hey(front: str, *options: str) -> Ms:
    """How long each request took, those of the warm-up left out."""
    command = ["hey", "-z", f"{TURN_S}s", "-m", "POST", "-d", "x" * 100, "-o", "csv", *options]
    done = subprocess.run(
        [*command, f"http://{front}/v1/transactions"],
        capture_output=True, text=True, timeout=BOUND_S, check=True,
    )  # fmt: skip
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert {row["status-code"] for row in rows} == {"200"}
    return np.array([float(row["response-time"]) * 1e3 for row in rows if float(row["offset"]) >= WARM_S])


@needs_hey
@pytest.mark.parametrize(
    ("step", "options"),
    [
        pytest.param(STEADY, ("-c", "1", "-q", str(RATE_PER_S)), id="one after the other, 100/s"),
        pytest.param(CLOSED, ("-c", str(CONNECTIONS)), id="16 at once"),
    ],
)
def test_percentiles_agree_with_hey(front, tmp_path, step, options):
    def by_ours(turn: int) -> Ms:
        rows = ours(tmp_path / f"turn-{turn}", front.address, step, "POST")
        return np.asarray((rows["done_ns"] - rows["sent_ns"]) / 1e6)

    with front.compared():
        turns = in_turn(by_ours, lambda turn: by_hey(front.address, *options))
        for q, rel in ((0.5, P50_REL), (0.99, P99_REL)):
            mine, theirs = ([float(np.quantile(turn, q)) for turn in each] for each in turns)
            agree(f"p{q * 100:g} in ms", mine, theirs, rel, OVERHEAD_MS)
            assert min(mine) >= MEAN_MS
