"""The worked example of docs/workloads.md, played as it stands there."""

import csv
import json
import re
import shlex
import signal
import subprocess
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import duckdb
import pytest

from bench.ports import Ports
from common.recorded import read_times
from tests.end_to_end.command_line import BROKERBENCH, BUSY, ENVIRONMENT, ROOT, started, until

pytestmark = pytest.mark.timeout(120)

PAGE = (ROOT / "docs" / "workloads.md").read_text()
SERVE, _, AS_RECORDED, SLOWER = re.findall(r"```sh\n(.*?)\n```", PAGE, re.DOTALL)


def on_page(name):
    """What the page gives as the content of a file: the first block after its name."""
    return found(rf"`{name}`.*?```[a-z]+\n(.*?)```")


def found(pattern):
    match = re.search(pattern, PAGE, re.DOTALL)
    assert match, pattern
    return match[1]


@pytest.fixture
def folder(tmp_path):
    for name in ("pricing.py", "arrivals.csv", "own.toml", "service.csv"):
        (tmp_path / name).write_text(on_page(name))
    return tmp_path


def ask(port, path, body=None):
    request = Request(f"http://127.0.0.1:{port}{path}", body, method="PUT" if body else "GET")
    try:
        with urlopen(request, timeout=5) as answer:
            return answer.status, answer.read()
    except HTTPError as error:
        with error:
            return error.code, error.read()
    except (URLError, ConnectionError):
        return 0, b""


def play(folder, command):
    words = shlex.split(command)
    assert words[0] == "brokerbench"
    done = subprocess.run(
        [*BROKERBENCH, *words[1:], "--no-report", *BUSY],
        cwd=folder,
        env=ENVIRONMENT,
        text=True,
        capture_output=True,
        timeout=50,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_service_answers_refuses_and_is_unsure(folder, monkeypatch):
    setting, program, *words = shlex.split(SERVE)
    assert program == "brokerbench"
    monkeypatch.setitem(ENVIRONMENT, *setting.split("="))
    with Ports() as ports, started(folder, *with_port(words, port := ports.port("front"))) as process:
        until(lambda: ask(port, "/readyz")[0] == 200, "ready")
        status, answer = ask(port, "/v1/transactions/order-1", found("-d '(.*?)' ").encode())
        assert (status, answer.decode()) == (200, found("answers `(.*?)`"))
        status, answer = ask(port, "/v1/transactions/order-2", b'{"net": -1}')
        assert (status, b"net must be at least 0" in answer) == (422, True)
        assert ask(port, "/v1/transactions/order-3", b"?")[0] == 504
        assert ask(port, "/v1/transactions/order-4", b"{")[0] == 422
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0


def with_port(words, port):
    return [str(port) if word == "8080" else word for word in words]


def test_the_runs_of_the_page(folder):
    play(folder, AS_RECORDED)
    rows = list(csv.DictReader(on_page("arrivals.csv").splitlines()))
    sent = duckdb.sql(
        f"SELECT topology, (scheduled_ns - min(scheduled_ns) OVER (PARTITION BY topology)) / 1e9 AS at_s, fate"
        f" FROM '{folder}/as-recorded/transactions.parquet' ORDER BY ALL"
    ).fetchall()
    for topology in ("paranoid-pirate", "freelance"):
        at_s = [at for name, at, _ in sent if name == topology]
        assert at_s == pytest.approx([float(row["time_s"]) for row in rows], abs=1e-6)
    assert {fate for *_, fate in sent} == {"completed"}
    record = json.loads((folder / "as-recorded/run.json").read_text())
    assert record["scenario"]["phase"][0]["trace"] == "inputs/arrivals-noon.csv"
    kept = (folder / "as-recorded/inputs/arrivals-noon.csv").read_text()
    assert kept == (folder / "arrivals.csv").read_text()

    play(folder, SLOWER)
    worked = duckdb.sql(
        f"SELECT id, worked_us / 1e6, bytes_out FROM '{folder}/slower/transactions.parquet' ORDER BY index"
    ).fetchall()
    assert len(worked) == len(rows)
    service = json.loads((folder / "slower/run.json").read_text())["scenario"]["service"]
    recorded = read_times(folder / "slower" / service["times"])
    assert service["mean_ms"] == recorded.mean_ms
    for id, lasted_s, _ in worked:  # at least as long; a busy machine may add to it
        assert lasted_s >= recorded.service_time(recorded.mean_ms / 1e3, seed=1, id=id.encode()) - 1e-6
    more = [octets - int(row["bytes"]) for (*_, octets), row in zip(worked, rows, strict=True)]
    assert max(more) - min(more) < 10  # the head, whose length differs by the digits of an index and a size
