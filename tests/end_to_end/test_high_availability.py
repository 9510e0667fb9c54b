"""Two brokers on real processes: the primary is killed, then the backup after the primary is back."""

import json
import subprocess
import urllib.request
from collections import Counter

import pytest

from bench.ports import HOST, Ports
from tests.end_to_end.test_run import (
    BOUND_S,
    BROKERBENCH,
    ENVIRONMENT,
    ROOT,
    descendants,
    gone,
    ready,
    started,
    until,
)

SCENARIO = ROOT / "tests" / "scenarios" / "two-brokers.toml"
TOPOLOGIES = ("binary-star", "paranoid-pirate")
FAILOVER_MS = 1000.0
"""A restarted broker is not back before."""

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    """``{topology: what the summary says}`` of a run of PUTs."""
    folder = tmp_path_factory.mktemp("run")
    with started(folder, "run", str(SCENARIO), "--out", "results", "--no-report") as process:
        status = process.wait(60)
    assert status == 0, (folder / "out").read_text() + (folder / "err").read_text()
    return json.loads((folder / "results" / "summary.json").read_text())["topologies"]


@pytest.mark.parametrize("topology", TOPOLOGIES)
def test_whoever_is_killed_no_put_sees_an_error_and_no_law_is_broken(played, topology):
    told = played[topology]
    fates = Counter(told["fates"])
    assert fates.pop("completed") > 450
    assert not +fates
    assert told["ledger"]["lost"] == told["ledger"]["phantom"] == 0


@pytest.mark.parametrize("topology", TOPOLOGIES)
def test_the_other_broker_takes_over_before_the_killed_one_is_back(played, topology):
    recovery = played[topology]["recovery"]["kill-broker"]
    assert recovery["n"] == 2
    assert recovery["first_success_ms"]["high"] < FAILOVER_MS, recovery


def test_serve_takes_several_brokers(tmp_path):
    with Ports() as ports:
        port = ports.port("front")
    words = ("--workers", "1", "--brokers", "2", "--port", str(port))
    with started(tmp_path, "serve", "paranoid-pirate", *words) as process:
        until(
            lambda: "listening" in (tmp_path / "out").read_text() or process.poll() is not None, "listening"
        )
        processes = descendants(process.pid)
        lines = [" ".join(each.cmdline()) for each in processes]
        assert sorted(line.partition("bench.part ")[2].split()[1] for line in lines) == [
            "broker-1", "broker-2", "front-1", "worker-1",
        ]  # fmt: skip
        assert "2 brokers" in (tmp_path / "out").read_text()
        process.terminate()
        assert process.wait(BOUND_S) == 0
        assert gone(processes)


@pytest.mark.parametrize("topology", TOPOLOGIES)
def test_parts_in_the_foreground_join_both_brokers(topology):
    with Ports() as ports:
        fronts, backs = [[ports.endpoint(f"{side}{n}") for n in (1, 2)] for side in ("front", "back")]
        state, http = ports.endpoint("state"), ports.port("http")
        ports.close()
    star: list[list[str]] = [[], []]
    if topology == "binary-star":
        star = [["--star", side, "--state", state] for side in ("primary", "backup")]
    commands = [
        ["broker", "--topology", topology, "--frontend", front, "--backend", back, "--name", f"broker-{n}", *side]
        for n, (front, back, side) in enumerate(zip(fronts, backs, star, strict=True), start=1)
    ]  # fmt: skip
    commands += [
        ["worker", "--topology", topology, "--connect", backs[0], "--connect", backs[1], "--service", "echo"],
        [
            "front",
            "--topology",
            topology,
            "--connect",
            fronts[0],
            "--connect",
            fronts[1],
            "--port",
            str(http),
        ],
    ]
    parts = [
        subprocess.Popen([*BROKERBENCH, "part", *each], env=ENVIRONMENT, stderr=subprocess.DEVNULL)
        for each in commands
    ]
    try:
        until(lambda: ready(http), "a live worker")
        parts[0].kill()
        request = urllib.request.Request(f"http://{HOST}:{http}/v1/transactions/a", b"hello", method="PUT")
        with urllib.request.urlopen(request, timeout=10) as answer:
            assert answer.read() == b"hello"
    finally:
        for part in parts:
            part.kill()
            part.wait()


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--topology", "binary-star"], "must be the primary or the backup of a pair, got neither"),
        (["--topology", "binary-star", "--star", "primary"], "--star and --state go together, got only --star"),
        (["--star", "backup", "--state", "tcp://127.0.0.1:9"], "a broker of paranoid-pirate has no pair, got backup"),
    ],
)  # fmt: skip
def test_what_a_broker_alone_is_not_told_right_is_told_in_a_line(words, complaint, tmp_path):
    with Ports() as ports:
        front, back = ports.endpoint("front"), ports.endpoint("back")
    with started(tmp_path, "part", "broker", "--frontend", front, "--backend", back, *words) as process:
        assert process.wait(BOUND_S) == 2
    err = (tmp_path / "err").read_text()
    assert complaint in err
    assert "Traceback" not in err
