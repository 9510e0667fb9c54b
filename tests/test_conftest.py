"""The check for what tests leave over, tested on tests that do and on tests that don't."""

from pathlib import Path

import pytest

CONFTEST = Path(__file__).with_name("conftest.py").read_text()
OPTIONS = ["-W", "error", "-p", "no:schemathesis", "-o", "asyncio_default_fixture_loop_scope=function"]

CAREFUL = """
import asyncio, socket, subprocess, sys, threading
import pytest, zmq

def test_socket_closed():
    with zmq.Context() as context, context.socket(zmq.DEALER) as dealer:
        dealer.bind("tcp://127.0.0.1:*")

def test_zero_copy_send():
    with zmq.Context() as context, context.socket(zmq.PAIR) as left, context.socket(zmq.PAIR) as right:
        left.bind("inproc://pair")
        right.connect("inproc://pair")
        left.send(b"x" * 1_000_000, copy=False)
        right.recv()

def test_process_that_ends_by_itself():
    subprocess.Popen(["sleep", "0.05"]).returncode = 0

def test_thread_that_ends_by_itself():
    threading.Timer(0.05, print).start()

@pytest.mark.asyncio
async def test_task_that_ends_by_itself():
    test_task_that_ends_by_itself.task = asyncio.create_task(asyncio.sleep(0.05))
"""

CARELESS = """
import asyncio, os, socket, subprocess, sys, threading
import pytest, zmq

kept = []

def test_zmq_socket():
    context = zmq.Context()
    kept.append(context.socket(zmq.DEALER))

def test_tcp_socket():
    kept.append(socket.create_server(("127.0.0.1", 0)))

def test_file():
    kept.append(open(os.devnull))

def test_process():
    kept.append(subprocess.Popen(["sleep", "31"]))

def test_orphan():
    subprocess.run(["sh", "-c", "sleep 32 >/dev/null 2>&1 &"], check=True)

def test_thread():
    threading.Thread(target=threading.Event().wait, name="forgotten", daemon=True).start()

@pytest.mark.asyncio
async def test_task():
    kept.append(asyncio.create_task(asyncio.sleep(33), name="endless"))
"""


def run(pytester: pytest.Pytester, tests: str) -> pytest.RunResult:
    pytester.makeconftest(CONFTEST + "\nSETTLE_S = 0.3\n")
    pytester.makepyfile(tests)
    return pytester.runpytest_subprocess(*OPTIONS)


def test_careful_tests_pass(pytester: pytest.Pytester):
    run(pytester, CAREFUL).assert_outcomes(passed=5)


def test_whatever_is_left_over_fails_the_test_that_left_it(pytester: pytest.Pytester):
    result = run(pytester, CARELESS)
    result.assert_outcomes(passed=7, errors=7)
    result.stdout.fnmatch_lines(
        [
            "*ERROR at teardown of test_zmq_socket*",
            "open now: <zmq.Socket*",
            "*ERROR at teardown of test_tcp_socket*",
            "descriptor * -> socket:*",
            "*ERROR at teardown of test_file*",
            "descriptor * -> /dev/null",
            "*ERROR at teardown of test_process*",
            "process *: sleep 31",
            "*ERROR at teardown of test_orphan*",
            "process *: sleep 32",
            "*ERROR at teardown of test_thread*",
            "thread *forgotten*",
            "*ERROR at teardown of test_task*",
            "task *endless*",
        ]
    )
