"""Progress says what is running, which of how many, and how long it still takes, on a terminal and off it."""

import io

import pytest
from rich.console import Console

from bench.progress import Lines, Live, Progress


@pytest.mark.parametrize(("kind", "terminal"), [(Lines, False), (Live, True)])
def test_each_episode_is_announced(kind, terminal):
    seen = io.StringIO()
    console = Console(file=seen, force_terminal=terminal, width=120, color_system=None)
    progress: Progress = kind(console)
    with progress:
        progress.say("results: [here]")
        progress.begin("latency, direct, trial 1", 2, 20, 125)
        progress.finish("drawing")
    text = seen.getvalue()
    assert "results: [here]" in text
    assert "drawing" in text
    if not terminal:
        assert "[2/20] latency, direct, trial 1 (about 2 min 5 s left)" in text
