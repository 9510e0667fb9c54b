"""REST under wrk beside Tornado's hello-world: that the benchmark measures. What it finds depends on the machine."""

import re
import shutil
import subprocess
import sys

import pytest

from bench.speed.__main__ import report


def speed(*arguments):
    return subprocess.run(
        [sys.executable, "-P", "-m", "bench.speed", *arguments],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


@pytest.mark.skipif(not shutil.which("wrk"), reason="wrk is not installed")
def test_every_transaction_is_answered_and_the_ratio_is_told():
    done = speed("--rounds", "1", "--seconds", "1", "paranoid-pirate")
    assert done.returncode == 0, done.stderr
    hello, pirate = done.stdout.splitlines()
    assert re.fullmatch(r"hello-world: [\d,]+/s", hello)
    rate, ratio = re.fullmatch(r"paranoid-pirate: ([\d,]+)/s, ([\d.]+) of it \(.*, n = 1\)", pirate).groups()
    assert int(rate.replace(",", "")) > 0
    assert float(ratio) > 0


def test_an_unknown_topology_is_one_line_and_status_2():
    done = speed("freelnce")
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert "did you mean freelance?" in line


def test_a_ratio_is_made_within_its_round(capsys):
    report({"hello-world": [1000.0, 500.0], "freelance": [900.0, 450.0]})
    assert capsys.readouterr().out.splitlines() == [
        "hello-world: 750/s",
        "freelance: 675/s, 0.90 of it (0.90 to 0.90, n = 2)",
    ]
