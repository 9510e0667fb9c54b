"""However a parent dies, its guarded child dies with it."""

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from common.guard import die_with

ROOT = Path(__file__).parents[2]
CHILD = """
import os, time
from common.guard import die_with
die_with(os.getppid())
print(os.getpid(), flush=True)
time.sleep(60)
"""
PARENT = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {CHILD!r}])"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="PR_SET_PDEATHSIG is Linux")
def test_a_killed_parent_takes_its_guarded_child_along():
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, env=environment) as parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        parent.kill()
    _, alive = psutil.wait_procs([child], timeout=5)
    assert not [left for left in alive if left.status() != psutil.STATUS_ZOMBIE]  # nobody may reap it here


def test_no_guard_is_wanted_with_0():
    assert die_with(0) is False
