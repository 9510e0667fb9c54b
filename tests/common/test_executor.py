import errno
import math
import os
import select
import signal
import subprocess
import sys
import threading
import time

import pytest

import common.executor
from common.executions import ExecutionLog, NoExecutions, join, log_path, read
from common.executor import AtOnce, Executor, executor
from common.machine import Execute, Finished
from common.services import Refusal, ServiceSpec, Unsure, at_once, load_service, transaction_id
from common.settings import Limits
from common.transaction import Fate, Transaction

LONG_S = 10.0


def execute(job=1, id=b"a", body=(b"x",), opaque=False):
    return Execute(job, Transaction(id, body, time.monotonic() + LONG_S, True), opaque)


def wait_readable(executor, bound_s=LONG_S):
    poll = select.poll()
    poll.register(executor.fileno(), select.POLLIN)
    assert poll.poll(bound_s * 1e3), "no result in time"


def wait_results(executor, count):
    finished: list[Finished] = []
    while len(finished) < count:
        wait_readable(executor)
        finished += executor.results()
    return finished


@pytest.fixture
def executor_of():
    """Makes executors and sees to it that their threads end."""
    made = []

    def make(handle, log=None, **rest):
        made.append(Executor(handle, log or NoExecutions(), **rest))
        return made[-1]

    yield make
    for each in made:
        assert each.close(LONG_S)


@pytest.fixture(params=["_EventFd", "_SocketPair"])
def doorbell(request, monkeypatch):
    monkeypatch.setattr(common.executor, "Doorbell", getattr(common.executor, request.param))


@pytest.mark.usefixtures("doorbell")
def test_a_result_waits_at_the_descriptor_until_it_is_taken(executor_of):
    executor = executor_of(lambda body: body)
    executor.submit(execute(7, body=(b"x", b"")))
    wait_readable(executor)
    wait_readable(executor)  # level-triggered
    (finished,) = executor.results()
    assert (finished.job, finished.fate, finished.body) == (7, Fate.COMPLETED, (b"x", b""))
    assert executor.results() == []
    with pytest.raises(AssertionError, match="no result in time"):
        wait_readable(executor, 0)


@pytest.mark.usefixtures("doorbell")
def test_no_result_is_ever_left_without_a_ring(executor_of):
    """Results taken while others arrive: the reader that finds none must be rung for the next."""
    executor = executor_of(lambda body: body)
    jobs = range(3000)
    for job in jobs:
        executor.submit(execute(job))
    assert [finished.job for finished in wait_results(executor, len(jobs))] == list(jobs)


def test_the_service_runs_in_one_thread_of_its_own_one_at_a_time(executor_of):
    threads = set()
    running = []

    def handle(body):
        running.append(1)
        threads.add(threading.get_ident())
        assert len(running) == 1
        running.pop()
        return body

    executor = executor_of(handle)
    for job in range(50):
        executor.submit(execute(job))
    assert all(f.fate is Fate.COMPLETED for f in wait_results(executor, 50))
    assert len(threads) == 1
    assert threading.get_ident() not in threads


def nap(body):
    time.sleep(0.02)
    return body


def test_worked_is_what_the_service_took(executor_of):
    executor = executor_of(nap)
    executor.submit(execute())
    (finished,) = wait_results(executor, 1)
    assert 20_000 <= finished.worked_us < 200_000


def test_a_service_that_cannot_say_is_unknown_in_the_answer_and_on_record(executor_of, tmp_path):
    def doubt(body):
        raise Unsure(b"the database broke off")

    path = log_path(tmp_path, "worker-1", 1)
    executor = executor_of(doubt, ExecutionLog(path))
    executor.submit(execute(1))
    (finished,) = wait_results(executor, 1)
    assert (finished.fate, finished.body) == (Fate.UNKNOWN, (b"the database broke off",))
    (execution,) = join(read(path).entries)
    assert execution.fate is Fate.UNKNOWN


def test_the_service_can_ask_for_the_id(executor_of):
    executor = executor_of(lambda body: transaction_id())
    executor.submit(execute(1, b"one"))
    executor.submit(execute(2, b"two"))
    assert [f.body for f in wait_results(executor, 2)] == [(b"one",), (b"two",)]


def refuse(body):
    raise Refusal(b"no", b"funds")


def refuse_mutely(body):
    raise Refusal


def divide(body):
    return 1 / 0


def leave(body):
    sys.exit("I leave")


@pytest.mark.parametrize(
    ("handle", "body"),
    [
        (refuse, (b"no", b"funds")),
        (refuse_mutely, (b"",)),
        (divide, (b"the service raised ZeroDivisionError",)),
        (leave, (b"the service raised SystemExit",)),
        (lambda body: None, (b"a service must return bytes or an iterable of bytes, got NoneType",)),
        (lambda body: b"x" * 101, (b"a frame of an answer has at most 100 bytes, got 101",)),
    ],
)
def test_a_service_that_says_no_or_misbehaves_has_failed_and_the_next_is_served(executor_of, handle, body):
    next_body = iter([handle, lambda body: body])
    executor = executor_of(lambda body: next(next_body)(body), limits=Limits(body_bytes=100))
    executor.submit(execute(1))
    executor.submit(execute(2))
    first, second = wait_results(executor, 2)
    assert (first.fate, first.body) == (Fate.FAILED, body)
    assert second.fate is Fate.COMPLETED


def test_a_traceback_goes_to_the_log_and_not_to_the_client(executor_of, caplog):
    executor = executor_of(divide)
    executor.submit(execute(id=b"t-1"))
    (finished,) = wait_results(executor, 1)
    assert "transaction t-1 failed" in caplog.text
    assert "ZeroDivisionError: division by zero" in caplog.text
    assert b"Traceback" not in finished.body[0]


def test_each_execution_is_on_record(executor_of, tmp_path):
    path = log_path(tmp_path, "worker-1", 1)
    outcomes = iter([lambda body: body, refuse])
    executor = executor_of(lambda body: next(outcomes)(body), ExecutionLog(path))
    before_ns = time.monotonic_ns()
    executor.submit(execute(1, b"a", opaque=True))
    executor.submit(execute(2, b"b"))
    wait_results(executor, 2)
    done, refused = join(read(path).entries)
    assert (done.id, done.fate, done.opaque) == (b"a", Fate.COMPLETED, True)
    assert (refused.id, refused.fate, refused.opaque) == (b"b", Fate.FAILED, False)
    instants = [before_ns, done.begun_ns, done.finished_ns, refused.begun_ns, refused.finished_ns]
    assert instants == sorted(instants)


class FullDisk(NoExecutions):
    """A record that can't be written: the begin, the end, or neither."""

    def __init__(self, fails):
        self.fails = fails

    def begun(self, transaction, opaque, t_ns):
        if self.fails == "begun":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def finished(self, id, fate, t_ns):
        if self.fails == "finished":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_what_can_t_be_recorded_is_not_executed(executor_of, caplog):
    executed: list[object] = []
    executor = executor_of(executed.append, FullDisk("begun"))
    executor.submit(execute())
    (finished,) = wait_results(executor, 1)
    assert (finished.fate, finished.body) == (Fate.FAILED, (b"the worker can't write its execution record",))
    assert executed == []
    assert "transaction a was not executed" in caplog.text


def test_what_was_executed_is_answered_though_its_end_can_t_be_recorded(executor_of, caplog):
    executor = executor_of(lambda body: body, FullDisk("finished"))
    executor.submit(execute())
    (finished,) = wait_results(executor, 1)
    assert finished.fate is Fate.COMPLETED
    assert "the end of transaction a was not recorded" in caplog.text


def test_closing_finishes_what_was_submitted_and_closes_everything(tmp_path):
    path = log_path(tmp_path, "worker-1", 1)
    open_before = set(os.listdir("/proc/self/fd"))
    executor = Executor(lambda body: body, ExecutionLog(path))
    executor.submit(execute())
    assert executor.close()
    assert set(os.listdir("/proc/self/fd")) == open_before
    assert len(join(read(path).entries)) == 1


def test_closing_does_not_wait_for_a_service_that_hangs():
    release = threading.Event()
    executor = Executor(lambda body: release.wait(LONG_S) and body, NoExecutions())
    executor.submit(execute())
    assert not executor.close(0.01)
    release.set()
    assert executor.close(LONG_S)


CHILD = """
import sys, time
from pathlib import Path
from common.executions import ExecutionLog
from common.executor import AtOnce, Executor, executor
from common.machine import Execute
from common.transaction import Transaction

def handle(body):
    if body == (b"hang",):
        print("hanging", flush=True)
        time.sleep(3600)
    return body

executor = Executor(handle, ExecutionLog(Path(sys.argv[1])))
for job, body in enumerate((b"a", b"b", b"hang")):
    executor.submit(Execute(job, Transaction(b"t-%d" % job, (body,), time.monotonic() + 60, True), False))
if sys.argv[2] == "wait":
    time.sleep(3600)
else:
    sys.stdin.readline()
"""


def child(path, what):
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, str(path), what],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_kill_9_in_the_middle_leaves_a_begin_without_its_end(tmp_path):
    path = log_path(tmp_path, "worker-1", 1)
    with child(path, "wait") as process:
        assert process.stdout.readline() == "hanging\n"
        process.send_signal(signal.SIGKILL)
        process.wait(LONG_S)
    contents = read(path)
    assert contents.torn_bytes == 0
    assert [(e.id, e.fate) for e in join(contents.entries)] == [
        (b"t-0", Fate.COMPLETED),
        (b"t-1", Fate.COMPLETED),
        (b"t-2", None),
    ]


def test_a_service_that_hangs_does_not_keep_the_process_from_ending(tmp_path):
    with child(log_path(tmp_path, "worker-1", 1), "leave") as process:
        assert process.stdout.readline() == "hanging\n"
        process.stdin.write("\n")
        process.stdin.flush()
        assert process.wait(LONG_S) == 0


def test_a_round_trip_is_light(executor_of, tmp_path):
    """17 us with both entries on an idle machine, at the median; the bound leaves room for a busy one."""
    executor = executor_of(lambda body: body, ExecutionLog(log_path(tmp_path, "worker-1", 1)))
    best_s = math.inf
    for _ in range(300):
        began = time.perf_counter()
        executor.submit(execute())
        wait_results(executor, 1)
        best_s = min(best_s, time.perf_counter() - began)
    assert best_s < 200e-6


# --- a service that is over at once -----------------------------------------------------------------------


@pytest.mark.usefixtures("doorbell")
def test_what_is_over_at_once_needs_no_thread_and_its_result_waits_as_any_other():
    before = threading.active_count()
    executing = executor(at_once(lambda body: (transaction_id(), *body)), NoExecutions())
    executing.submit(execute(7, id=b"a"))
    executing.submit(execute(8, id=b"b"))
    assert threading.active_count() == before
    wait_readable(executing, 0)
    assert [(each.job, each.body) for each in executing.results()] == [(7, (b"a", b"x")), (8, (b"b", b"x"))]
    with pytest.raises(AssertionError, match="no result in time"):
        wait_readable(executing, 0)
    assert executing.close()


def test_what_it_raises_has_its_fate_and_both_ends_are_on_record(tmp_path):
    def refuse(body):
        raise Refusal(b"no")

    path = log_path(tmp_path, "worker-1", os.getpid())
    executing = executor(at_once(refuse), ExecutionLog(path))
    executing.submit(execute(1, id=b"a"))
    [finished] = executing.results()
    assert (finished.fate, finished.body) == (Fate.FAILED, (b"no",))
    executing.close()
    [execution] = join(read(path).entries)
    assert execution.begun_ns <= execution.finished_ns


@pytest.mark.parametrize(("name", "kind"), [("echo", AtOnce), ("sleep", Executor)])
def test_only_a_service_that_says_so_is_called_without_a_thread(name, kind):
    executing = executor(load_service(ServiceSpec(name, mean_ms=0)), NoExecutions())
    assert isinstance(executing, kind)
    assert executing.close(LONG_S)
