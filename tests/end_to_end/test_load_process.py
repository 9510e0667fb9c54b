"""The load as a process of its own: its exit status, its signals, and its end when its parent dies."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import msgspec
import pytest

from bench.load.exchange import Ending
from bench.load.record_table import read_records
from bench.load.report import Begin, End, Stop, read_report
from bench.load.spec import LoadSpec, OpenStep
from tests.bench.load.scripted import Peer, answer, echo, serving, spec

ROOT = Path(__file__).parents[2]
WITHIN_S = 20.0


async def start(told: LoadSpec | str, folder: Path) -> asyncio.subprocess.Process:
    path = folder / "spec.json"
    path.write_bytes(told.encode() if isinstance(told, str) else msgspec.json.encode(told))
    return await asyncio.create_subprocess_exec(
        sys.executable, "-P", "-m", "bench.load", str(path),
        stderr=asyncio.subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip


async def until_report_has(told: LoadSpec, kind: type) -> None:
    async with asyncio.timeout(WITHIN_S):
        while not (
            Path(told.report_file).exists()
            and any(isinstance(line, kind) for line in read_report(Path(told.report_file)))
        ):
            await asyncio.sleep(0.01)


async def test_it_plays_a_spec(tmp_path: Path):
    async with serving(echo) as target:
        step = OpenStep(name="1", rate_per_s=200, duration_s=0.2)
        told = spec(tmp_path, (step,), targets=(target,), guard_pid=os.getpid())
        process = await start(told, tmp_path)
        _, complaint = await asyncio.wait_for(process.communicate(), WITHIN_S)
    assert (process.returncode, complaint) == (0, b"")
    rows = read_records(Path(told.record_file)).rows
    [end] = [line for line in read_report(Path(told.report_file)) if isinstance(line, End)]
    assert len(rows) == end.sent > 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_told_to_stop_it_writes_what_there_is(tmp_path: Path, number: signal.Signals):
    asked = asyncio.Event()

    async def script(peer: Peer) -> None:
        while True:
            id, body = await peer.request()
            if id == b"quick.1.0-0":
                peer.say(answer(200, id, body))
            else:
                asked.set()

    async with serving(script) as target:
        told = spec(tmp_path, (OpenStep(name="1", rate_per_s=100, duration_s=60),), targets=(target,))
        process = await start(told, tmp_path)
        await asyncio.wait_for(asked.wait(), WITHIN_S)
        process.send_signal(number)
        _, complaint = await asyncio.wait_for(process.communicate(), WITHIN_S)
    assert (process.returncode, complaint) == (128 + number, b"")
    *_, end, stop = read_report(Path(told.report_file))
    rows = read_records(Path(told.record_file)).rows
    assert isinstance(end, End)
    assert isinstance(stop, Stop)
    assert not end.complete
    assert not stop.complete
    assert sorted(rows["index"].tolist()) == list(range(end.sent))
    assert set(rows["ending"].tolist()) == {Ending.COMPLETED, Ending.BROKEN}


async def test_it_dies_with_its_parent(tmp_path: Path):
    """Guarded by a process that is not its parent, it does not even start."""
    async with serving(echo) as target:
        told = spec(
            tmp_path, (OpenStep(name="1", rate_per_s=100, duration_s=60),), targets=(target,), guard_pid=1
        )
        process = await start(told, tmp_path)
        _, complaint = await asyncio.wait_for(process.communicate(), WITHIN_S)
    assert process.returncode == 1
    assert b"the parent, process 1, is gone" in complaint


@pytest.mark.parametrize(
    ("told", "complaint"),
    [
        ("{}", b"missing required field"),
        ("not json", b"JSON is malformed"),
        ('{"steps": [], "id_prefix": "p", "record_file": "r", "report_file": "l"}', b"got 0"),
    ],
)
async def test_a_bad_spec_is_answered_with_one_line(tmp_path: Path, told: str, complaint: bytes):
    process = await start(told, tmp_path)
    _, said = await asyncio.wait_for(process.communicate(), WITHIN_S)
    assert process.returncode == 2
    assert complaint in said
    assert said.count(b"\n") == 1


async def test_its_begin_line_can_be_read_while_it_plays(tmp_path: Path):
    async with serving(echo) as target:
        told = spec(tmp_path, (OpenStep(name="1", rate_per_s=100, duration_s=60),), targets=(target,))
        process = await start(told, tmp_path)
        await until_report_has(told, Begin)
        process.kill()
        await asyncio.wait_for(process.communicate(), WITHIN_S)
    assert read_records(Path(told.record_file)).torn_bytes == 0
