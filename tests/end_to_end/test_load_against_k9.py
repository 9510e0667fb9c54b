"""Two generators that share no code see the same stall: ours and k9-load's (a Rust engine)."""

import asyncio
import gc
import os
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pytest

from bench.load.record_table import read_records
from bench.load.spec import OpenStep
from tests.bench.load.scripted import Peer, answer, serving, spec

ROOT = Path(__file__).parents[2]
K9 = shutil.which("k9", path=str(Path(sys.executable).parent))

RATE_PER_S = 200
LASTS_S = 1
STALL_S = 0.4
STALL_AT = 60
"""The request, counted from 0, at which the server stalls."""


def stalls_once() -> Any:
    """An echo that answers nobody for ``STALL_S``, once."""
    asked = 0

    async def script(peer: Peer) -> None:
        nonlocal asked
        while True:
            id, body = await peer.request()
            asked += 1
            if asked == STALL_AT + 1:
                time.sleep(STALL_S)  # the whole server, and nothing else: the generators are other processes
            peer.say(answer(200, id, body))

    return script


@contextmanager
def no_collection() -> Iterator[None]:
    """The server is in this process, whose heap is large: to look through it is a stall of 50 ms of its own."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


async def run(*command: str) -> None:
    process = await asyncio.create_subprocess_exec(
        *command,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    said, _ = await asyncio.wait_for(process.communicate(), 20)
    assert process.returncode == 0, said.decode()


async def seen_by_ours(folder: Path) -> npt.NDArray[np.float64]:
    step = OpenStep(name="1", arrivals="constant", rate_per_s=RATE_PER_S, duration_s=LASTS_S)
    async with serving(stalls_once()) as target:
        told = spec(folder, (step,), targets=(target,))
        (folder / "spec.json").write_bytes(msgspec.json.encode(told))
        await run(sys.executable, "-P", "-m", "bench.load", str(folder / "spec.json"))
    rows = read_records(Path(told.record_file)).rows
    return np.asarray((rows["done_ns"] - rows["scheduled_ns"]) / 1e9)


async def seen_by_k9(folder: Path) -> npt.NDArray[np.float64]:
    assert K9 is not None
    async with serving(stalls_once()) as target:
        plan = {
            "options": {
                "scenarios": {
                    "open": {
                        "executor": "constant-arrival-rate",
                        "rate": RATE_PER_S,
                        "duration": f"{LASTS_S}s",
                        "preAllocatedVUs": RATE_PER_S,
                    }
                }
            },
            "flows": {
                "default": [
                    {
                        "request": {
                            "method": "PUT",
                            "url": f"http://{target}/v1/transactions/k9",
                            "body": "body",
                        }
                    }
                ]
            },
        }
        (folder / "plan.json").write_bytes(msgspec.json.encode(plan))
        samples = folder / "samples.jsonl"
        await run(K9, "run", "--quiet", "--no-color", "--out", f"json={samples}", str(folder / "plan.json"))
    points = map(msgspec.json.decode, samples.read_bytes().splitlines())
    values = [
        point["data"]["value"]
        for point in points
        if point["type"] == "Point" and point["metric"] == "http_req_duration"
    ]
    return np.asarray(values) / 1e3


@pytest.mark.alone
@pytest.mark.skipif(K9 is None, reason="k9-load has no wheel for this machine")
async def test_ours_and_k9_see_the_same_stall(tmp_path: Path):
    with no_collection():
        ours, theirs = await seen_by_ours(tmp_path), await seen_by_k9(tmp_path)
    expected = RATE_PER_S * LASTS_S
    assert len(ours) == expected
    assert abs(len(theirs) - expected) <= 1
    for latency_s in (ours, theirs):
        # Of those due during the stall, whoever came in its first half waited for the second half at least.
        stalled = np.count_nonzero(latency_s > STALL_S / 2)
        assert abs(stalled - RATE_PER_S * STALL_S / 2) <= 0.05 * expected
    for share in (0.75, 0.9, 0.99):
        assert np.quantile(ours, share) == pytest.approx(np.quantile(theirs, share), abs=0.05)
