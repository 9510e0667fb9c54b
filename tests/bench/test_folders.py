"""Where an episode's files are."""

from bench.child import last_line
from bench.folders import EpisodeFolder


def test_the_logs_of_all_episodes_are_one_file_a_part_with_a_line_that_begins_each(tmp_path):
    for episode, attempt in (("latency-freelance-1", 1), ("latency-direct-1", 1), ("latency-direct-1", 2)):
        folder = EpisodeFolder.of(tmp_path, episode)
        folder.logs.mkdir(exist_ok=True)
        folder.begin_logs(["front-1", "load"], attempt)
    lines = ["=== latency-freelance-1", "=== latency-direct-1", "=== latency-direct-1, attempt 2"]
    assert sorted(path.name for path in (tmp_path / "logs").iterdir()) == ["front-1.log", "load.log"]
    assert (tmp_path / "logs" / "front-1.log").read_text().splitlines() == lines


def test_what_a_part_said_last_is_of_this_episode(tmp_path):
    log = tmp_path / "worker-1.log"
    log.write_text("=== one\nit broke\n=== two\n")
    assert last_line(log) == ""
    log.write_text("=== one\nit broke\n=== two\nso did this\n\n")
    assert last_line(log) == "so did this"
