"""When a part was away, from the marks alone."""

from bench.analysis.absences import Absence, absences
from tests.bench.facts import EPISODE, MS, Facts


def facts(*marks):
    written = Facts()
    for t_ms, part, kind, subject in marks:
        written.mark(t_ms * MS, part, kind, subject)
    return absences(written.database()).get(EPISODE, [])


def test_a_part_is_away_from_its_exit_until_the_next_process_has_its_sockets_open():
    (found,) = facts(
        (0, "bench", "start", "worker-1"),
        (300, "worker-1", "started", ""),
        (1000, "bench", "exit", "worker-1"),
        (1500, "worker-2", "started", ""),
        (2000, "bench", "start", "worker-1"),
        (2250, "worker-1", "started", ""),
    )
    assert found == Absence("worker-1", 1000 * MS, 2000 * MS, 2250 * MS)
    assert found.cold_start_ms == 250


def test_a_front_is_back_when_it_listens():
    (found,) = facts(
        (1000, "bench", "exit", "front-1"),
        (2000, "bench", "start", "front-1"),
        (2250, "front-1", "started", ""),
        (2300, "front-1", "listening", "8080"),
    )
    assert found.back_ns == 2300 * MS


def test_who_was_not_seen_back_has_no_end_of_it():
    (found,) = facts((1000, "bench", "exit", "worker-1"))
    assert (found.start_ns, found.back_ns, found.cold_start_ms) == (0, 0, None)


def test_each_exit_is_an_absence_of_its_own():
    found = facts(
        (1000, "bench", "exit", "worker-1"),
        (1100, "bench", "start", "worker-1"),
        (1200, "bench", "exit", "worker-1"),
        (1300, "bench", "start", "worker-1"),
        (1400, "worker-1", "started", ""),
    )
    assert [each.back_ns for each in found] == [0, 1400 * MS]
