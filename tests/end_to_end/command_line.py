"""The real command line as a process, and what there is to wait for and look at while it runs."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).parents[2]
BROKERBENCH = [sys.executable, "-P", "-m", "bench.cli"]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "120"}
BOUND_S = 30.0
AT_ANY_PACE = (
    "validity.lag_p99_ms_max=1000",
    "validity.run_delay_share_max=100",
    "validity.load_run_delay_share_max=100",
    "validity.samples_missing_share_max=1",
)
"""A busy machine is no bug: how late load and bench may be is not what is tested."""
BUSY = tuple(word for change in AT_ANY_PACE for word in ("--set", change))


@contextmanager
def started(folder: Path, *arguments: str) -> Iterator["subprocess.Popen[str]"]:
    """The command line as a process, its output in ``folder/out`` and ``folder/err``."""
    with (folder / "out").open("w") as out, (folder / "err").open("w") as err:
        process = subprocess.Popen(
            [*BROKERBENCH, *arguments], stdout=out, stderr=err, cwd=folder, env=ENVIRONMENT, text=True
        )
        try:
            yield process
        finally:
            process.kill()
            process.wait()


def until(condition: Any, what: str) -> Any:
    deadline = time.monotonic() + BOUND_S
    while not (met := condition()):
        assert time.monotonic() < deadline, f"not within {BOUND_S:g} s: {what}"
        time.sleep(0.02)
    return met


def descendants(pid: int) -> list[psutil.Process]:
    return psutil.Process(pid).children(recursive=True)


def gone(processes: list[psutil.Process]) -> bool:
    """Whether none is alive; a zombie, which nobody may be there to reap, is not."""
    _, alive = psutil.wait_procs(processes, timeout=5)
    return not [left for left in alive if left.status() != psutil.STATUS_ZOMBIE]
