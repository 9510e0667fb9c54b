import os
import threading

from bench.context_switches import context_switches


def test_what_another_thread_waits_for_counts():
    asked, answered = threading.Semaphore(0), threading.Semaphore(0)

    def answer():
        while asked.acquire() and not done.is_set():
            answered.release()

    done = threading.Event()
    thread = threading.Thread(target=answer)
    thread.start()
    try:
        before = context_switches(os.getpid())
        for _ in range(50):
            asked.release()
            answered.acquire()
        after = context_switches(os.getpid())
    finally:
        done.set()
        asked.release()
        thread.join()
    assert after.voluntary - before.voluntary >= 50
    assert after.involuntary >= before.involuntary


def test_of_a_process_that_has_gone_nothing_is_known():
    child = os.fork()
    if not child:
        os._exit(0)
    os.waitpid(child, 0)
    assert context_switches(child) is None
