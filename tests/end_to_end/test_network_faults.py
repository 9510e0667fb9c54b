"""Faults on links of real deployments: real, noticed in time, and unseen by a PUT that may be answered later."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import duckdb
import psutil
import pytest

from bench.analysis.summing import summarize
from bench.commands.run import check_hosts
from bench.errors import BadInput
from bench.hosts.commands import why_not
from bench.hosts.ownership import INTERFACES, NAMESPACES, WORD, remove_leftovers
from bench.progress import progress
from bench.raw import to_parquet
from bench.runner import Runner
from bench.scenario_file import load

ROOT = Path(__file__).parents[2]
SCENARIOS = ROOT / "tests" / "scenarios"
BROKERBENCH = [sys.executable, "-P", "-m", "bench.cli"]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "120"}
BOUND_S = 60.0
NOTICED_MS = 350.0
"""Three heartbeat intervals and 50 ms."""

pytestmark = pytest.mark.timeout(120)
needs_root = pytest.mark.skipif(bool(why_not()), reason=f"placing parts on hosts {why_not()}")


class Run:
    """A run that is over."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.record = json.loads((folder / "run.json").read_text())
        self.summary = summarize(folder)

    def episode(self, topology: str) -> dict[str, Any]:
        (episode,) = [each for each in self.record["episodes"] if each["topology"] == topology]
        return episode

    def fault(self, topology: str, label: str) -> dict[str, Any]:
        (fault,) = [each for each in self.episode(topology)["faults"] if each["label"] == label]
        return fault

    def healed(self, topology: str, label: str) -> str:
        return str(
            self.ask(
                f"SELECT detail FROM '{self.folder}/marks.parquet'"
                f" WHERE topology = '{topology}' AND kind = 'healed' AND detail LIKE '{label}%'"
            )
        )

    def noticed_ms(self, topology: str, label: str, part: str) -> float:
        """From the fault until the first of its peers lost the part."""
        found = self.ask(
            f"SELECT min(t_ns) FROM '{self.folder}/marks.parquet' WHERE topology = '{topology}'"
            f" AND kind = 'peer-lost' AND subject LIKE '{part}%' AND t_ns > {self.fault(topology, label)['t_ns']}"
        )
        return float(found - self.fault(topology, label)["t_ns"]) / 1e6

    def late_ms(self, topology: str) -> float:
        """How late the load process was at worst: so late may whoever notices have been, for lack of a processor."""
        return max(step["lag_max_us"] for step in self.episode(topology)["steps"]) / 1e3

    def ask(self, query: str) -> Any:
        with duckdb.connect() as database:
            row = database.execute(query).fetchone()
        assert row is not None, query
        return row[0]


def played(scenario: str, folder: Path) -> Run:
    """Play it; charts, which take longer than that, are not drawn."""
    with progress() as told:
        asyncio.run(Runner(load(str(SCENARIOS / scenario)), folder, [], told).run())
    to_parquet(folder)
    return Run(folder)


@pytest.fixture(scope="module")
def relayed(tmp_path_factory) -> Run:
    """All faults by the relay, one episode a topology, played once for the tests here."""
    return played("network.toml", tmp_path_factory.mktemp("network"))


TOPOLOGIES = pytest.mark.parametrize("topology", ["paranoid-pirate", "freelance"])


@TOPOLOGIES
def test_nobody_sees_an_error_and_every_law_holds(relayed, topology):
    assert relayed.summary["valid"], relayed.summary["why_invalid"]
    of = relayed.summary["topologies"][topology]
    assert {fate for fate, count in of["fates"].items() if count} == {"completed"}
    assert of["ledger"]["lost"] == of["ledger"]["phantom"] == 0


@TOPOLOGIES
def test_each_fault_says_by_what_it_was_done_and_what_it_did(relayed, topology):
    assert relayed.episode(topology)["links_by"] == "relay"
    peer = "broker-1" if topology == "paranoid-pirate" else "front-1, front-2"
    assert relayed.fault(topology, "partition-worker")["seen"].startswith(f"by relay, from {peer}; ")
    assert re.match(r"by relay, from (broker|front)-\d; ", relayed.fault(topology, "isolate-worker")["seen"])
    connections = "1 connection" if topology == "paranoid-pirate" else "2 connections"
    assert relayed.fault(topology, "reset-worker")["seen"] == f"by relay: RST on {connections}"
    for label in ("partition-worker", "isolate-worker"):
        assert re.search(r" [1-9]\d* bytes were held$", relayed.healed(topology, label))


@TOPOLOGIES
@pytest.mark.parametrize(
    ("label", "part"),
    [("partition-worker", "worker-1"), ("isolate-worker", "worker-2"), ("reset-worker", "worker-3")],
)
def test_it_is_noticed_in_time(relayed, topology, label, part):
    assert relayed.fault(topology, label)["part"] == part
    assert 0 < relayed.noticed_ms(topology, label, part) < NOTICED_MS + relayed.late_ms(topology)


def test_an_isolated_worker_still_works_for_the_other_front(relayed):
    fault = relayed.fault("freelance", "isolate-worker")
    other = "front-1" if "front-2" in fault["seen"] else "front-2"
    lost = relayed.ask(
        f"SELECT count(*) FROM '{relayed.folder}/marks.parquet' WHERE topology = 'freelance'"
        f" AND part = '{other}' AND kind = 'peer-lost'"
        f" AND t_ns BETWEEN {fault['t_ns']} AND {fault['healed_ns']}"
    )
    assert lost == 0
    begun = relayed.ask(
        f"SELECT count(*) FROM '{relayed.folder}/executions.parquet' WHERE topology = 'freelance'"
        f" AND part = 'worker-2' AND begun_ns BETWEEN {fault['t_ns'] + 400_000_000} AND {fault['healed_ns']}"
    )
    assert begun > 0


@TOPOLOGIES
def test_a_delay_is_as_long_as_it_was_asked_for_and_in_the_answers(relayed, topology):
    found = re.search(r"late, by ([\d.]+) ms on average", relayed.healed(topology, "delay-worker"))
    assert found
    assert 15 <= float(found[1]) < 60, "20 ms, and what a busy machine adds"
    fault = relayed.fault(topology, "delay-worker")
    fastest_ms = relayed.ask(
        f"SELECT min(t.done_ns - t.sent_ns) / 1e6 FROM '{relayed.folder}/transactions.parquet' t"
        f" JOIN '{relayed.folder}/executions.parquet' e USING (phase, topology, trial, id)"
        f" WHERE topology = '{topology}' AND e.part = 'worker-1'"
        f" AND t.sent_ns > {fault['t_ns']} + 50000000 AND t.done_ns < {fault['healed_ns']}"
    )
    assert fastest_ms > 2 * 15, "there and back"


def test_what_a_topology_has_no_links_for_is_skipped_with_its_reason(relayed):
    assert {(each["phase"], each["topology"], each["why"]) for each in relayed.record["skipped"]} == {
        ("brokered", "freelance", "freelance has no link between worker and broker to cut"),
        ("brokerless", "paranoid-pirate", "paranoid-pirate has no link between worker and front to cut"),
    }


@needs_root
def test_a_partition_by_namespaces_is_noticed_as_soon_and_seen_by_nobody(tmp_path):
    run = played("hosts.toml", tmp_path)
    assert run.summary["valid"], run.summary["why_invalid"]
    of = run.summary["topologies"]["paranoid-pirate"]
    assert {fate for fate, count in of["fates"].items() if count} == {"completed"}
    fault = run.fault("paranoid-pirate", "partition-worker")
    assert fault["seen"].startswith("by namespaces, from broker-1; ")
    assert re.search(r" [1-9]\d* frames were swallowed$", run.healed("paranoid-pirate", "partition-worker"))
    assert (
        0
        < run.noticed_ms("paranoid-pirate", "partition-worker", fault["part"])
        < NOTICED_MS + run.late_ms("paranoid-pirate")
    )
    assert run.episode("paranoid-pirate")["links_by"] == "namespaces"


@needs_root
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_ctrl_c_leaves_no_namespace_and_what_kill_9_leaves_the_next_run_removes(number, tmp_path):
    command = [*BROKERBENCH, "run", str(SCENARIOS / "hosts.toml"), "--out", str(tmp_path / "out")]
    with (tmp_path / "said").open("wb") as said:
        process = subprocess.Popen(command, cwd=tmp_path, env=ENVIRONMENT, stdout=said, stderr=said)
    try:
        marks = tmp_path / "out" / "raw" / "partition-paranoid-pirate-1" / "bench.jsonl"
        until(lambda: marks.exists() and b'"ready"' in marks.read_bytes())
        assert len(made_by(process.pid)) == 4 + 4 + 2 + 1, "hosts, their ports, the hole, the bridge"
        parts = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(number)
        assert process.wait(BOUND_S) == (130 if number == signal.SIGINT else -number)
    finally:
        process.kill()
        process.wait()
    until(lambda: not [part for part in parts if alive(part)])
    if number == signal.SIGKILL:
        assert made_by(process.pid)
        remove_leftovers()
    assert made_by(process.pid) == []
    assert "Traceback" not in (tmp_path / "said").read_text()


def alive(process: psutil.Process) -> bool:
    """A zombie, which nobody may be there to reap, is not."""
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


def made_by(pid: int) -> list[str]:
    spaces = [each.name for each in NAMESPACES.iterdir()] if NAMESPACES.is_dir() else []
    interfaces = [each.name for each in INTERFACES.iterdir()]
    found = re.compile(rf"{WORD}-{pid}-.*|bb{pid}(-.*)?")
    return [name for name in spaces + interfaces if found.fullmatch(name)]


def until(condition: Any) -> None:
    deadline = time.monotonic() + BOUND_S
    while not condition():
        assert time.monotonic() < deadline, f"not within {BOUND_S:g} s"
        time.sleep(0.02)


def test_hosts_without_root_are_refused_in_a_line(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(
        BadInput, match="hosts: placing parts on hosts of their own needs root, got user id 1000"
    ):
        check_hosts(load(str(SCENARIOS / "hosts.toml")))


@needs_root
def test_hosts_that_the_kernel_refuses_are_refused_in_a_line_before_anything_is_played(monkeypatch):
    hosts = load(str(SCENARIOS / "hosts.toml"))
    check_hosts(hosts)
    assert made_by(os.getpid()) == []
    monkeypatch.setattr("bench.hosts.namespaces.HOLE", "nonsense")  # as good a reason as a missing capability
    with pytest.raises(BadInput, match=r"hosts: bridge failed: .*; without \[hosts\] all are on loopback"):
        check_hosts(hosts)
    assert made_by(os.getpid()) == []
