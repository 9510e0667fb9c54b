import subprocess

import pytest

from bench.errors import BadInput
from bench.speed import __main__ as speed
from bench.speed import wrk


@pytest.mark.parametrize("option", ["--rounds", "--seconds"])
@pytest.mark.parametrize("given", ["0", "-3", "many"])
def test_less_than_one_is_refused_in_a_line(option, given, capsys):
    with pytest.raises(SystemExit) as ended:
        speed.main([option, given])
    assert ended.value.code == 2
    assert f"argument {option}: must be at least 1, got {given}" in capsys.readouterr().err


def test_a_topology_that_is_named_twice_is_measured_once(monkeypatch, capsys):
    monkeypatch.setattr(speed, "_run", lambda subject, seconds: 100.0 * len(subject))
    assert speed.main(["--rounds", "2", "direct", "freelance", "direct"]) == 0
    assert [line.partition(":")[0] for line in capsys.readouterr().out.splitlines()] == [
        "hello-world", "direct", "freelance",
    ]  # fmt: skip


def test_a_wrk_that_does_not_end_is_told_in_a_line(monkeypatch):
    def never_ends(command, *, timeout, **_):
        raise subprocess.TimeoutExpired(command, timeout)

    monkeypatch.setattr(subprocess, "run", never_ends)
    with pytest.raises(BadInput, match="wrk must end within 31 s"):
        wrk.drive("http://127.0.0.1:1/", 1)
