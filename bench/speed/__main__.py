"""REST transactions under wrk, as a ratio to Tornado's hello-world in the same run, on the same machine.

    python -m bench.speed [--rounds 4] [--seconds 4] [TOPOLOGY ...]

Invariant: each round drives every subject once, the next round in reverse order (A B C, C B A), and a ratio is made of
the two runs of one round: what the machine does meanwhile meets both alike.
"""

import argparse
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from statistics import median

from bench.errors import BadInput
from bench.ports import HOST, Ports
from bench.scenario_file import check_topology
from bench.speed.wrk import drive

HELLO = "hello-world"
WORKERS = 2
FRONTS = 1
CREDIT = 4
READY_S = 30.0
STOP_S = 20.0


def main(arguments: Sequence[str]) -> int:
    """Measure and print; the exit status as of ``brokerbench``."""
    parser = argparse.ArgumentParser(prog="python -m bench.speed", description=__doc__.split("\n")[0])
    parser.add_argument("topologies", nargs="*", default=["paranoid-pirate", "freelance"], metavar="TOPOLOGY")
    parser.add_argument("--rounds", type=_at_least_1, default=4)
    parser.add_argument("--seconds", type=_at_least_1, default=4, help="of each run")
    chosen = parser.parse_args(arguments)
    try:
        for name in chosen.topologies:
            check_topology(name)
        report(measure([HELLO, *dict.fromkeys(chosen.topologies)], chosen.rounds, chosen.seconds))
    except BadInput as error:
        print(f"speed: {error}", file=sys.stderr)
        return 2
    return 0


def measure(subjects: Sequence[str], rounds: int, seconds: int) -> dict[str, list[float]]:
    """``{subject: requests per second, by round}``."""
    found: dict[str, list[float]] = {subject: [] for subject in subjects}
    for number in range(rounds):
        for subject in subjects if number % 2 == 0 else reversed(subjects):
            found[subject].append(_run(subject, seconds))
            print(f"round {number + 1}: {subject} {found[subject][-1]:,.0f}/s", file=sys.stderr, flush=True)
    return found


def report(found: dict[str, list[float]]) -> None:
    """A line for each topology: its rate, and its ratio to hello-world by rounds, median and extremes."""
    hello = found[HELLO]
    print(f"{HELLO}: {median(hello):,.0f}/s")
    for subject, rates in found.items():
        if subject != HELLO:
            ratios = [rate / base for rate, base in zip(rates, hello, strict=True)]
            extremes = f"{min(ratios):.2f} to {max(ratios):.2f}, n = {len(ratios)}"
            print(f"{subject}: {median(rates):,.0f}/s, {median(ratios):.2f} of it ({extremes})")


def _at_least_1(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, got {text}")
    return int(text)


def _run(subject: str, seconds: int) -> float:
    with Ports() as ports, _served(subject, ports.port("http")) as url:
        drive(url, 1)  # warm
        found = drive(url, seconds)
    if found.errors:
        raise BadInput(f"{subject} must answer everything with 2xx, wrk says: {found.errors}")
    return found.per_s


@contextmanager
def _served(subject: str, port: int) -> Iterator[str]:
    """The subject, listening and ready; ended afterwards."""
    if subject == HELLO:
        command = [sys.executable, "-P", "-m", "bench.speed.hello", str(port)]
        ready, path = "/", "/"
    else:
        sizes = ["--workers", str(WORKERS), "--fronts", str(FRONTS), "--credit", str(CREDIT)]
        serve = "import sys; from bench.cli import main; sys.exit(main())"
        command = [sys.executable, "-P", "-c", serve, "serve", subject, *sizes, "--port", str(port)]
        ready, path = "/readyz", "/v1/transactions"
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait(f"http://{HOST}:{port}{ready}", process)
        yield f"http://{HOST}:{port}{path}"
    finally:
        process.terminate()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(url: str, process: "subprocess.Popen[bytes]") -> None:
    give_up_at = time.monotonic() + READY_S
    while process.poll() is None and time.monotonic() < give_up_at:
        try:
            with urllib.request.urlopen(url, timeout=1):
                return
        except OSError:
            time.sleep(0.05)
    raise BadInput(f"{url} must answer within {READY_S:g} s, it did not")


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
