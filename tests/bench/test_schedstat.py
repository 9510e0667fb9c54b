"""How long a part waited for a processor: over threads and processes, and not known where nobody counts."""

import os

import pytest

from bench.schedstat import PROC, RunDelay


class Kernel:
    """A /proc in a folder."""

    def __init__(self, folder):
        self.folder = folder

    def threads(self, pid, **waited_ns):
        """What each thread ``t<number>`` has waited; those not named are gone."""
        tasks = self.folder / str(pid) / "task"
        for old in tasks.glob("*"):
            (old / "schedstat").unlink()
            old.rmdir()
        for thread, waited in waited_ns.items():
            self.thread(pid, int(thread[1:]), f"1000 {waited} 5\n")

    def thread(self, pid, thread, text):
        (self.folder / str(pid) / "task" / str(thread)).mkdir(parents=True)
        (self.folder / str(pid) / "task" / str(thread) / "schedstat").write_text(text)


@pytest.fixture
def kernel(tmp_path):
    return Kernel(tmp_path)


def test_the_waits_of_all_threads_add_up(kernel):
    kernel.threads(7, t7=1_000_000_000, t8=500_000_000)
    assert RunDelay(kernel.folder).look(7) == 1.5


def test_what_an_ended_thread_waited_is_kept(kernel):
    delay = RunDelay(kernel.folder)
    kernel.threads(7, t7=1_000_000_000, t8=500_000_000)
    delay.look(7)
    kernel.threads(7, t7=2_000_000_000)
    assert delay.look(7) == 2.5


def test_a_thread_that_got_an_ended_ones_number_begins_anew(kernel):
    delay = RunDelay(kernel.folder)
    kernel.threads(7, t7=0, t8=500_000_000)
    delay.look(7)
    kernel.threads(7, t7=0, t8=100_000_000)
    assert delay.look(7) == 0.6


def test_what_an_earlier_process_waited_is_kept(kernel):
    delay = RunDelay(kernel.folder)
    kernel.threads(7, t7=1_000_000_000)
    delay.look(7)
    kernel.threads(9, t9=250_000_000)
    assert delay.look(9) == 1.25


@pytest.mark.parametrize("text", ["0 0 0\n", "", "1000 1\n", "none\n"])
def test_a_kernel_that_does_not_count_is_not_known_and_not_0(kernel, text):
    kernel.thread(7, 7, text)
    assert RunDelay(kernel.folder).look(7) is None


def test_a_process_that_is_gone_is_not_known(kernel):
    assert RunDelay(kernel.folder).look(7) is None


@pytest.mark.skipif(not (PROC / "self" / "schedstat").exists(), reason="this kernel keeps no schedstat")
def test_this_process_has_an_account():
    delay = RunDelay()
    first, second = delay.look(os.getpid()), delay.look(os.getpid())
    assert first is not None
    assert second is not None
    assert 0 <= first <= second
