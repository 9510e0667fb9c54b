"""Debian's daemontools keeps real parts alive, with the run scripts of docs/supervisors.md as they stand there.

Whatever happens, nothing of it is left: svscan has a process group of its own, which all of its descendants share.
"""

import http.client
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from bench.ports import HOST, Ports

ROOT = Path(__file__).parents[2]
DOC = (ROOT / "docs" / "supervisors.md").read_text()
BOUND_S = 40.0
"""A cold start of Python on a busy machine takes seconds, and there are several."""
TIMEOUT_S = 30
"""Each transaction's: longer than any restart."""

pytestmark = [
    pytest.mark.skipif(shutil.which("svscan") is None, reason="svscan is not there (Debian: daemontools)"),
    pytest.mark.timeout(150),
]


def scripts(title: str) -> dict[str, str]:
    """``{folder: run script}`` of the section of that title."""
    section = DOC.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    found = {}
    for heading, script in re.findall(
        r"^(`[\w-]+/run`[^\n]*):\n\n```sh\n(.*?)```", section, re.DOTALL | re.M
    ):
        found.update(dict.fromkeys(re.findall(r"`([\w-]+)/run`", heading), script))
    return found


WITH_BROKER = scripts("daemontools: the article's case, with a broker")
WITHOUT = scripts("daemontools, without a broker")


def until(condition: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + BOUND_S
    while not condition():
        assert time.monotonic() < deadline, f"not within {BOUND_S:g} s: {what}"
        time.sleep(0.02)


class Services:
    """What svscan keeps running."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.port = port

    def pid(self, name: str) -> int | None:
        """Of the part, as svstat tells it; None while it is down or svscan has not got to it."""
        said = subprocess.run(
            ["svstat", name], cwd=self.folder, check=False, capture_output=True, text=True
        ).stdout
        up = re.search(r": up \(pid (\d+)\)", said)
        return int(up[1]) if up else None

    def svc(self, option: str, *names: str) -> None:
        subprocess.run(["svc", option, *names], cwd=self.folder, check=True)

    def another(self, name: str, than: int | None) -> None:
        """Wait for another process of the part."""
        until(lambda: self.pid(name) not in (None, than), f"{name} started again")

    def ready(self) -> bool:
        with suppress(OSError):
            return self._ask("GET", "/readyz", b"")[0] == 200
        return False

    def put(self, number: int) -> str:
        """Empty, or what was wrong with the answer."""
        body = b"body %d" % number
        try:
            status, answer = self._ask("PUT", f"/v1/transactions/kept-{number}", body)
        except OSError as error:
            return f"transaction {number}: {error!r}"
        return "" if (status, answer) == (200, body) else f"transaction {number}: {status} {answer!r}"

    def _ask(self, method: str, path: str, body: bytes) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection(HOST, self.port, timeout=TIMEOUT_S + 5)
        try:
            connection.request(method, path, body, {"Request-Timeout": str(TIMEOUT_S)})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()


@contextmanager
def kept(run_scripts: dict[str, str], folder: Path) -> Iterator[Services]:
    """The services under svscan, answering; all of it ended afterwards."""
    with Ports() as ports:
        taken = {number: str(ports.port(number)) for number in ("5555", "5556", "5557", "8080")}
        for name, script in run_scripts.items():
            write(folder / name, re.sub("|".join(taken), lambda number: taken[number[0]], script))
        services = Services(folder, int(taken["8080"]))
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        with (folder.parent / "log").open("wb") as log:
            svscan = subprocess.Popen(
                ["svscan", folder],
                stdout=log,
                stderr=log,
                env={**os.environ, "PATH": path},
                start_new_session=True,
            )
        try:
            until(services.ready, "the front answers and knows a worker")
            yield services
        finally:
            end(svscan, services, list(run_scripts))


def write(folder: Path, script: str) -> None:
    folder.mkdir(parents=True)
    (folder / "run").write_text(script)
    (folder / "run").chmod(0o755)


def end(svscan: "subprocess.Popen[bytes]", services: Services, names: list[str]) -> None:
    """As the page says it: first svscan, which would start supervise again, then the rest; and then by force."""
    svscan.terminate()
    svscan.wait()
    try:
        services.svc("-dx", *names)
        until(lambda: not group(svscan.pid), "every supervise has ended")
    finally:
        with suppress(ProcessLookupError):
            os.killpg(svscan.pid, signal.SIGKILL)


def group(leader: int) -> list[int]:
    """The living processes of a process group."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            state, _, in_group = path.read_text().rpartition(") ")[2].split()[:3]
            if int(in_group) == leader and state != "Z":
                found.append(int(path.parent.name))
    return found


@contextmanager
def traffic(services: Services) -> Iterator[list[str]]:
    """PUTs, one after the other, as long as the block lasts; what it yields gets an entry for each answer."""
    answers: list[str] = []
    stop = threading.Event()

    def play() -> None:
        while not stop.is_set():
            answers.append(services.put(len(answers)))

    thread = threading.Thread(target=play)
    thread.start()
    try:
        yield answers
    finally:
        stop.set()
        thread.join()


def more(answers: list[str], count: int = 10) -> None:
    """Wait for so many more answers."""
    enough = len(answers) + count
    until(lambda: len(answers) >= enough, f"{count} more answers")


def test_the_page_has_every_script():
    assert sorted(WITH_BROKER) == ["broker", "front", "worker-1", "worker-2"]
    assert sorted(WITHOUT) == ["front", "worker-1", "worker-2"]
    for folder, script in (WITH_BROKER | WITHOUT).items():
        assert f"exec brokerbench part {folder.partition('-')[0]} " in script


@pytest.mark.parametrize(
    ("run_scripts", "victims"),
    [(WITH_BROKER, ("worker-1", "worker-2", "broker")), (WITHOUT, ("worker-1", "worker-2"))],
    ids=["with a broker", "without"],
)
def test_supervise_brings_back_what_is_killed_and_nobody_who_puts_sees_an_error(
    tmp_path, run_scripts, victims
):
    with kept(run_scripts, tmp_path / "service") as services, traffic(services) as answers:
        more(answers)
        for victim in victims:
            pid = services.pid(victim)
            assert pid is not None
            os.kill(pid, signal.SIGKILL)
            services.another(victim, pid)
            more(answers)
    assert not [answer for answer in answers if answer]


def test_svc_drains_a_part_that_stays_down_or_is_started_again(tmp_path):
    with kept(WITH_BROKER, tmp_path / "service") as services, traffic(services) as answers:
        until(lambda: services.pid("worker-2"), "both workers are up")
        services.svc("-d", "worker-1")
        until(lambda: services.pid("worker-1") is None, "worker-1 is down")
        more(answers)
        services.svc("-u", "worker-1")
        services.another("worker-1", None)
        before = services.pid("worker-2")
        services.svc("-t", "worker-2")
        services.another("worker-2", before)
        more(answers)
    assert not [answer for answer in answers if answer]
    assert "Traceback" not in (tmp_path / "log").read_text()
