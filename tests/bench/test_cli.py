"""The command line: each command explains itself, each bad input gets one line and status 2, no traceback escapes."""

import errno
import json
import os
import shlex
import shutil
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from bench import cli
from bench.cli import COMMANDS, run
from bench.ports import HOST, Ports
from bench.registry import TOPOLOGIES
from bench.scenario_file import built_in
from common.services import SERVICES
from tests.bench.recording import small_run

ROOT = Path(__file__).parents[2]
EVERY = [*([command] for command in COMMANDS), *(["part", role] for role in ("broker", "worker", "front"))]


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    status = run(arguments)
    captured = capsys.readouterr()
    return status, captured.out, captured.err


@pytest.mark.parametrize("command", EVERY, ids=" ".join)
def test_help_ends_with_an_example(command, capsys):
    status, out, _ = told(capsys, *command, "--help")
    assert status == 0
    assert f"brokerbench {' '.join(command)}" in out.partition("Example")[2]


@pytest.mark.parametrize("command", EVERY, ids=" ".join)
def test_the_examples_are_understood(command, capsys, monkeypatch):
    _, out, _ = told(capsys, *command, "--help")
    examples = [line.strip() for line in out.splitlines() if line.startswith("    brokerbench ")]
    assert examples
    for example in examples:
        arguments = shlex.split(example)[1:]
        context = cli.brokerbench.make_context("brokerbench", list(arguments))
        while isinstance(context.command, cli.click.Group):
            name, found, rest = context.command.resolve_command(
                context, [*context._protected_args, *context.args]
            )
            assert found
            context = found.make_context(name, rest, parent=context)


def test_version(capsys):
    status, out, _ = told(capsys, "--version")
    assert status == 0
    assert out.startswith("brokerbench, version ")


def test_no_command_shows_them_all(capsys):
    status, _, err = told(capsys)
    assert status == 2
    assert all(command in err for command in COMMANDS)


def test_list_names_everything(capsys):
    status, out, _ = told(capsys, "list")
    assert status == 0
    for name in (*TOPOLOGIES, *built_in(), *SERVICES, "kill"):
        assert f"  {name} " in out


def test_dry_run_tells_how_long_a_service_takes_that_takes_any_time(capsys):
    assert "service: transfer, constant, mean 10 ms" in told(capsys, "run", "bank", "--dry-run")[1]
    assert "service: echo\n" in told(capsys, "run", "messages", "--dry-run")[1]


def test_dry_run_tells_phases_rates_and_duration_and_starts_nothing(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    status, out, err = told(capsys, "run", "quick", "--dry-run", "--topology", "freelance", "--trials", "3")
    assert status == 0
    assert "phase latency: open loop, poisson, 0.3, 0.5, 0.8 of the measured capacity" in out
    assert "(up to 240, 400, 640 transactions/s); 3 x (0.5 s warm-up + 4 s), 3 times" in out
    assert "kill one worker at 2 s" in out
    assert "not played: kill-broker on freelance: freelance has no broker to be hit by kill" in out
    assert "duration: 9 episodes, about " in out
    assert not err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("rnu", "unknown command 'rnu': did you mean run?"),
        ("run", "SCENARIO is missing: expected a name of `brokerbench list` or a TOML file"),
        ("run quik", "did you mean quick?"),
        ("run quick --topology freelnce", "did you mean freelance?"),
        ("run quick --set deployment.wrokers=2", "did you mean deployment.workers"),
        ("run quick --set phase.kill-worker.fault.kill.kind=kil", "did you mean kill?"),
        ("run quick --trials 0", "trials must be 1 to 1000, got 0"),
        ("run quick --trials many", "'many' is not a valid integer"),
        ("run quick --trails 1", "No such option '--trails'"),
        ("run quick --out {file}", "--out must be absent or an empty folder, got the file"),
        ("run quick --out {full}", "--out must be absent or an empty folder"),
        ("run quick --out {file}/below", "--out must be a folder that can be made"),
        ("report {empty}", "RESULTS must be the folder of a run"),
        ("report {full}", "run.json must be the record of a run"),
        ("export {full} --hdr x", "run.json must be the record of a run"),
        ("serve", "Missing argument 'TOPOLOGY'"),
        ("serve freelnce", "did you mean freelance?"),
        ("serve freelance --workers 65", "workers must be 1 to 64, got 65"),
        ("serve freelance --brokers 2", "brokers of freelance must be 0, got 2"),
        ("serve binary-star --brokers 3", "brokers of binary-star must be 2, got 3"),
        ("serve paranoid-pirate --brokers 0", "brokers must be 1 to 8, got 0"),
        (
            "serve direct --service transfer --service-database mysql://x",
            "--service-database: database must be",
        ),
        (
            "part broker --topology binary-star --frontend ipc://f --backend ipc://b",
            "got neither (--star, --state)",
        ),
        ("serve freelance --fronts 0", "fronts must be 1 to 8, got 0"),
        ("serve freelance --credit 0", "credit must be at least 1 transaction, got 0"),
        ("serve freelance --service ecko", "did you mean 'echo'?"),
        ("serve freelance --service-distribution expo", "unknown distribution 'expo'"),
        (
            "serve freelance --service sleep --service-times {file}",
            "--service-times must go with --service-distribution file, got constant",
        ),
        ("serve freelance --port 70000", "port must be 0 to 65535, got 70000"),
        ("serve freelance --port 0", "port must be 1 to 65535, got 0"),
        ("serve freelance --port {used}", "port {used} on 127.0.0.1 must be free"),
        (
            "part broker --frontend tcp://127.0.0.1:{used} --backend ipc://b",
            "port {used} on 127.0.0.1 must be free",
        ),
        (
            "part broker --frontend 127.0.0.1:1 --backend ipc://b",
            "an endpoint must be tcp://HOST:PORT, HOST an IPv4",
        ),
        (
            "part front --topology direct --connect tcp://[::1]:{free}",
            "HOST an IPv4 address or a name, or ipc://PATH, got 'tcp://[::1]:{free}'",
        ),
        ("serve direct --host 192.0.2.1", "host must be an IPv4 address of this machine, got '192.0.2.1'"),
        ("serve direct --host ::1", "host must be an IPv4 address of this machine, got '::1'"),
        (
            "part broker --frontend tcp://127.0.0.1:99999 --backend ipc://b",
            "an endpoint must be tcp://HOST:PORT",
        ),
        (
            "part broker --topology direct --frontend ipc://f --backend ipc://b",
            "direct is brokerless and has no broker",
        ),
        (
            "part worker --topology direct --connect tcp://127.0.0.1:{free}",
            "needs --bind ENDPOINT and no --connect",
        ),
        ("part worker --topology paranoid-pirate --bind tcp://127.0.0.1:{free}", "needs --connect ENDPOINT"),
        (
            "part worker --topology direct --bind tcp://127.0.0.1:{used}",
            "port {used} on 127.0.0.1 must be free",
        ),
        ("part worker --topology direct --bind tcp://127.0.0.1:{free} --service os:nope", "has no 'nope'"),
        (
            "part front --topology direct --connect tcp://127.0.0.1:{free} --port {used}",
            "port {used} on 127.0.0.1",
        ),
        ("part front --topology direct", "Missing option '--connect'"),
        ("part fornt", "No such command 'fornt'"),
    ],
)
def test_bad_input_gets_one_line_and_status_2(line, expected, capsys, tmp_path, monkeypatch):
    (tmp_path / "empty").mkdir()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "run.json").write_text("{}")
    (tmp_path / "file").write_text("")
    monkeypatch.chdir(tmp_path)
    with socket.create_server((HOST, 0)) as server, Ports() as ports:
        words = {
            "empty": tmp_path / "empty",
            "full": tmp_path / "full",
            "file": tmp_path / "file",
            "used": server.getsockname()[1],
            "free": ports.port("free"),
        }
        status, out, err = told(capsys, *line.format(**words).split())
    assert status == 2
    assert not out
    assert err.startswith("brokerbench: ")
    assert expected.format(**words) in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("line", ["report {run}", "export {run} --hdr {run}/hdr", "compare {run} {run}"])
def test_a_table_that_is_none_is_bad_input(line, capsys, tmp_path):
    shutil.copy(small_run() / "run.json", tmp_path)
    (tmp_path / "transactions.parquet").write_text("torn")
    status, _, err = told(capsys, *line.format(run=tmp_path).split())
    assert status == 2
    assert "transactions.parquet must be a table of a run, got: " in err
    assert err.count("\n") == 1


def test_a_bug_is_one_line_that_says_where_the_traceback_is(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr(cli.tempfile, "gettempdir", lambda: str(tmp_path))
    monkeypatch.setattr("bench.dry_run.describe", lambda scenario: 1 / 0)
    status, _, err = told(capsys, "run", "quick", "--dry-run")
    assert status == 1
    assert err.count("\n") == 1
    assert "ZeroDivisionError" in err
    (log,) = tmp_path.glob("brokerbench-bug-*.log")
    assert str(log) in err
    assert "Traceback" in log.read_text()


def test_a_full_disk_is_no_bug(capsys, monkeypatch):
    def full(scenario: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "results/mine/run.json")

    monkeypatch.setattr("bench.dry_run.describe", full)
    status, _, err = told(capsys, "run", "quick", "--dry-run")
    assert status == 1
    assert err == (
        "brokerbench: no space is left on the disk for results/mine/run.json; what was written before is whole\n"
    )


def test_a_bug_is_told_where_its_traceback_cannot_be_written(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr(cli.tempfile, "gettempdir", lambda: str(tmp_path / "absent"))
    monkeypatch.setattr("bench.dry_run.describe", lambda scenario: 1 / 0)
    status, _, err = told(capsys, "run", "quick", "--dry-run")
    assert status == 1
    assert err == "brokerbench: a bug of ours, ZeroDivisionError: division by zero (details: --debug)\n"


def test_debug_shows_the_traceback_of_a_bug(capsys, monkeypatch):
    monkeypatch.setattr("bench.dry_run.describe", lambda scenario: 1 / 0)
    status, _, err = told(capsys, "--debug", "run", "quick", "--dry-run")
    assert status == 1
    assert "Traceback" in err


def test_ctrl_c_is_status_130(capsys, monkeypatch):
    def interrupted(scenario: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("bench.dry_run.describe", interrupted)
    assert run(["run", "quick", "--dry-run"]) == 130


def test_a_closed_pipe_is_no_traceback():
    command = [sys.executable, "-P", "-m", "bench.cli", "list"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
    ) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        assert b"Traceback" not in process.stderr.read()


@pytest.mark.parametrize(
    "command", [["list"], ["part", "worker", "--help"], ["serve", "--help"]], ids=" ".join
)
def test_what_runs_in_a_part_or_answers_at_once_imports_nothing_heavy(command: Sequence[str]):
    code = f"import sys; from bench.cli import run; run({command!r}); print([*sys.modules], file=sys.stderr)"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-P", "-c", code], env=environment, capture_output=True, text=True)
    modules = json.loads(done.stderr.replace("'", '"'))
    assert not {"numpy", "scipy", "matplotlib", "duckdb", "rich"} & set(modules)
