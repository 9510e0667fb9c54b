"""Where a run writes, and what ``latest`` leads to."""

from pathlib import Path

import pytest

from bench.errors import BadInput
from bench.progress import duration
from bench.results import link_latest, make_folder


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_a_run_gets_a_folder_of_its_own_named_by_time_and_scenario():
    first, second = make_folder(None, "quick"), make_folder(None, "quick")
    assert first.is_dir()
    assert second.is_dir()
    assert first != second
    assert first.parent == Path("results")
    assert "-quick" in first.name


def test_latest_leads_to_the_last_one_linked():
    for _ in range(2):
        folder = make_folder(None, "quick")
        link_latest(folder)
        assert Path("results/latest").resolve() == folder.resolve()


@pytest.mark.parametrize("out", [None, Path("results/mine")])
def test_a_latest_that_is_no_link_is_told_before_anything_is_played(out):
    """As where somebody copied results with their links followed."""
    Path("results/latest").mkdir(parents=True)
    with pytest.raises(BadInput, match="results/latest must be absent or a link, got a folder or file"):
        make_folder(out, "quick")
    assert [path.name for path in Path("results").iterdir()] == ["latest"]
    assert make_folder(Path("mine"), "quick").is_dir()


def test_a_folder_given_is_made_or_must_be_empty():
    assert make_folder(Path("a/b"), "quick") == Path("a/b")
    assert make_folder(Path("a/b"), "quick").is_dir()
    Path("a/b/file").write_text("")
    with pytest.raises(BadInput, match="absent or an empty folder, got 'a/b' with something in it"):
        make_folder(Path("a/b"), "quick")
    with pytest.raises(BadInput, match="got the file 'a/b/file'"):
        make_folder(Path("a/b/file"), "quick")


def test_a_folder_elsewhere_is_not_linked():
    link_latest(make_folder(Path("mine"), "quick"))
    assert not Path("results").exists()


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (59.4, "59 s"), (60, "1 min 0 s"), (245, "4 min 5 s"), (7320, "2 h 2 min")],
)
def test_durations_are_told_in_words(seconds, words):
    assert duration(seconds) == words
