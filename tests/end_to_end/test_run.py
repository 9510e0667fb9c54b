"""Whole runs and deployments through the real command line: what they leave, and that they leave no process."""

import json
import re
import signal
import subprocess
import urllib.request
from pathlib import Path
from typing import Any

import psutil
import pytest

from bench.ports import HOST, Ports
from tests.end_to_end.command_line import (
    BOUND_S,
    BROKERBENCH,
    BUSY,
    ENVIRONMENT,
    ROOT,
    descendants,
    gone,
    started,
    until,
)

TINY = ROOT / "tests" / "scenarios" / "tiny.toml"
TOPOLOGIES = ("paranoid-pirate", "freelance", "direct")

# A run is minutes of work elsewhere; here the whole of it must fit between two looks at the clock.
pytestmark = pytest.mark.timeout(120)


def playing(process: "subprocess.Popen[str]") -> list[psutil.Process]:
    """The processes of a run that is under load."""
    return until(
        lambda: (
            (found := descendants(process.pid))
            and any("bench.load" in each.cmdline() for each in found)
            and found
        ),
        "a run under load",
    )


def only_a_workers_command_line_says_so(processes: list[psutil.Process]) -> None:
    for process in processes:
        line = " ".join(process.cmdline())
        assert ("worker" in line) == ("bench.part worker worker-" in line), line


def record(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "run.json").read_text())
    return found


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    """The folder of a run of all topologies, played once for all tests here."""
    folder: Path = tmp_path_factory.mktemp("run")
    arguments = [word for topology in TOPOLOGIES for word in ("--topology", topology)]
    with started(folder, "run", str(TINY), *arguments, *BUSY, "--keep-raw") as process:
        assert process.wait(100) == 0, (folder / "err").read_text()
    return folder


def test_a_run_leaves_what_the_design_says(whole):
    results = whole / "results" / "latest"
    assert (whole / "results" / "latest").readlink().name.endswith("-tiny")
    tables = ("transactions", "executions", "samples", "marks")
    for name in ("run.json", "summary.json", "report.html", *(f"{table}.parquet" for table in tables)):
        assert (results / name).stat().st_size, name
    assert list((results / "charts").glob("*.svg"))
    assert "=== latency-freelance-1\n" in (results / "logs" / "worker-1.log").read_text()
    out = (whole / "out").read_text()
    assert "report.html" in out
    assert all(topology in out for topology in TOPOLOGIES)


def test_every_trial_of_it_is_valid_and_nothing_is_lost(whole):
    summary = json.loads((whole / "results" / "latest" / "summary.json").read_text())
    assert summary["valid"], summary["why_invalid"]
    assert sorted(summary["topologies"]) == sorted(TOPOLOGIES)
    for topology in summary["topologies"].values():
        assert topology["capacity_per_s"]["median"] > 0
        assert topology["latency_ms"]["0.5"]["p50"]["median"] > 0
        assert topology["ledger"]["lost"] == topology["ledger"]["phantom"] == 0
        assert "kill-worker" in topology["recovery"]
    assert summary["topologies"]["paranoid-pirate"]["fates"]["unknown"] == 0


def test_the_record_says_under_which_conditions(whole):
    run = record(whole / "results" / "latest")
    assert run["complete"]
    assert run["reference_capacity_per_s"] > 0
    assert run["conditions"]["versions"]["libzmq"]
    assert run["conditions"]["machine"]["cores"]
    assert run["options_read_back"]["paranoid-pirate"]["broker-1"]["backend"]["router_mandatory"] == 1
    assert len(run["episodes"]) == 9
    kills = [fault for episode in run["episodes"] for fault in episode["faults"]]
    assert {kill["label"] for kill in kills} == {"kill-worker"}
    assert len({kill["part"] for kill in kills}) == 1, "the same worker is hit in every topology"
    assert all(0 <= kill["t_ns"] - kill["planned_ns"] < 200e6 for kill in kills)


def test_the_kernel_has_as_many_connections_as_planned(whole):
    results = whole / "results" / "latest"
    summary = json.loads((results / "summary.json").read_text())["topologies"]
    for episode in record(results)["episodes"]:
        found = episode["connections"]
        assert (
            found["between_parts"]
            == found["planned"]
            == summary[episode["topology"]]["membership"]["connections"]
        )
    assert all(topology["membership"]["connections_differ"] == [] for topology in summary.values())


def test_progress_says_what_is_running_which_of_how_many_and_how_long(whole):
    lines = (whole / "err").read_text().splitlines()
    assert re.fullmatch(r"\[1/9\] capacity, paranoid-pirate, trial 1 \(about \d+ s left\)", lines[1])


def test_report_makes_the_same_again_from_what_is_left(whole):
    results = (whole / "results" / "latest").resolve()
    summary = (results / "summary.json").read_bytes()
    (results / "summary.json").unlink()
    (results / "report.html").unlink()
    with started(whole, "report", str(results)) as process:
        assert process.wait(60) == 0, (whole / "err").read_text()
    assert (results / "summary.json").read_bytes() == summary
    assert (results / "report.html").exists()


def test_ctrl_c_leaves_no_process_and_says_that_the_run_is_incomplete(tmp_path):
    phase = "phase.capacity.name=no-worker"
    with started(tmp_path, "run", str(TINY), "--out", "results/mine", "--set", phase) as process:
        processes = playing(process)
        only_a_workers_command_line_says_so(processes)
        process.send_signal(signal.SIGINT)
        assert process.wait(BOUND_S) == 130
        assert gone(processes)
    folder = tmp_path / "results" / "mine"
    assert not record(folder)["complete"]
    assert record(folder)["interrupted"] == "it was told to stop"
    assert not (tmp_path / "results" / "latest").is_symlink()
    assert "Traceback" not in (tmp_path / "err").read_text()
    assert "brokerbench report results/mine" in (tmp_path / "err").read_text()


def test_sigterm_ends_a_run_in_good_order(tmp_path):
    with started(tmp_path, "run", str(TINY)) as process:
        processes = playing(process)
        process.terminate()
        assert process.wait(BOUND_S) == 0
        assert gone(processes)
    assert not (tmp_path / "results" / "latest").is_symlink()


def test_kill_9_of_the_bench_leaves_no_process_and_report_reads_what_is_whole(tmp_path):
    out = tmp_path / "mine"
    with started(tmp_path, "run", str(TINY), "--out", str(out), *BUSY) as process:
        until(lambda: (out / "run.json").exists() and record(out)["episodes"], "a whole episode")
        processes = playing(process)
        process.kill()
        assert gone(processes)
    assert not record(out)["complete"]
    with started(tmp_path, "report", str(out)) as process:
        assert process.wait(60) == 0, (tmp_path / "err").read_text()
    assert "incomplete: " in (tmp_path / "out").read_text()
    assert json.loads((out / "summary.json").read_text())["topologies"]["paranoid-pirate"]["capacity_per_s"]


def test_a_part_that_cannot_start_ends_the_run_with_its_last_words(tmp_path):
    (tmp_path / "fragile.py").write_text(
        "import sys\nif 'bench.part' in ' '.join(sys.orig_argv): raise SystemExit('broken')\ndef handle(body): return body\n"
    )
    changes = ["--set", "service.name=fragile:handle", "--set", "supervision.restart_delay_s=0"]
    with started(tmp_path, "run", str(TINY), *changes) as process:
        assert process.wait(BOUND_S) == 1
    err = (tmp_path / "err").read_text()
    assert "can't be started" in err
    assert "Traceback" not in err


@pytest.mark.parametrize("topology", TOPOLOGIES)
@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_serve_answers_until_it_is_told_to_stop(topology, number, status, tmp_path):
    with Ports() as ports:
        port = ports.port("front")
    where = f"http://{HOST}:{port}"
    with started(
        tmp_path, "serve", topology, "--workers", "2", "--fronts", "2", "--port", str(port)
    ) as process:
        until(lambda: where in (tmp_path / "out").read_text() or process.poll() is not None, "listening")
        request = urllib.request.Request(f"{where}/v1/transactions/first", b"hello", method="PUT")
        with urllib.request.urlopen(request, timeout=10) as answer:
            assert answer.read() == b"hello"
        processes = descendants(process.pid)
        assert len(processes) == (5 if topology == "paranoid-pirate" else 4)
        only_a_workers_command_line_says_so(processes)
        process.send_signal(number)
        assert process.wait(BOUND_S) == status
        assert gone(processes)


def test_serve_starts_again_what_dies_and_a_port_in_use_is_told(tmp_path):
    with Ports() as ports:
        port = ports.port("front")
    (tmp_path / "other").mkdir()
    with started(tmp_path, "serve", "freelance", "--workers", "1", "--port", str(port)) as process:
        until(lambda: "listening" in (tmp_path / "out").read_text(), "listening")
        with started(tmp_path / "other", "serve", "freelance", "--port", str(port)) as second:
            assert second.wait(BOUND_S) == 2
        (line,) = (tmp_path / "other" / "err").read_text().splitlines()
        assert line.startswith(f"brokerbench: port {port} on {HOST} must be free")
        (worker,) = [part for part in descendants(process.pid) if "worker-1" in part.cmdline()]
        worker.kill()
        until(lambda: "worker-1 started again" in (tmp_path / "err").read_text(), "a restart")
        process.terminate()
        assert process.wait(BOUND_S) == 0


@pytest.mark.parametrize("topology", ["paranoid-pirate", "freelance"])
def test_parts_in_the_foreground_make_a_deployment(topology, tmp_path):
    with Ports() as ports:
        one, two, http = (ports.endpoint("one"), ports.endpoint("two"), ports.port("http"))
        ports.close()
        brokered = topology == "paranoid-pirate"
        to_workers = ["--connect", two] if brokered else ["--bind", one]
        commands = [
            ["part", "worker", "--topology", topology, *to_workers, "--service", "echo"],
            ["part", "front", "--topology", topology, "--connect", one, "--port", str(http)],
        ]
        if brokered:
            commands.insert(0, ["part", "broker", "--frontend", one, "--backend", two])
    parts = [
        subprocess.Popen([*BROKERBENCH, *each], env=ENVIRONMENT, stderr=subprocess.DEVNULL)
        for each in commands
    ]
    try:
        until(lambda: ready(http), "a live worker")
        request = urllib.request.Request(
            f"http://{HOST}:{http}/v1/transactions/first", b"hello", method="PUT"
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            assert answer.read() == b"hello"
        for part in reversed(parts):
            part.terminate()
        assert [part.wait(BOUND_S) for part in parts] == [0] * len(parts)
    finally:
        for part in parts:
            part.kill()
            part.wait()


def ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://{HOST}:{port}/readyz", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
