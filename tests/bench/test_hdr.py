"""What is exported as HDR histograms reads back as what the report says, within their precision."""

from contextlib import redirect_stdout
from io import StringIO

import numpy as np
import pytest
from hdrh.histogram import HdrHistogram
from hdrh.log import HistogramLogReader

from bench import hdr, parquet, run_record
from bench.analysis.latency import latencies_ms, percentiles
from bench.analysis.recording import steps
from bench.cli import run
from bench.hdr import NO_ANSWER_US, histogram_of
from tests.bench.recording import small_run


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """The folder, and what the command said."""
    folder = tmp_path_factory.mktemp("hdr")
    with redirect_stdout(StringIO()) as told:
        assert run(["export", str(small_run()), "--hdr", str(folder)]) == 0
    return folder, told.getvalue()


@pytest.fixture(scope="module")
def recorded():
    """Sorted latencies in ms by the name of their file."""
    with parquet.open_run(small_run()) as database:
        return {
            hdr.name_of(step): latencies_ms(step.measured)
            for step in steps(database, run_record.read(small_run()))
        }


def test_each_step_has_a_file(exported, recorded):
    folder, _ = exported
    assert set(recorded) == {file.stem for file in folder.glob("*.hgrm")}
    assert "latency-freelance-1-0.5" in recorded


def test_percentiles_in_the_log_are_those_of_the_run(exported, recorded):
    folder, _ = exported
    reader = HistogramLogReader(str(folder / hdr.LOG), HdrHistogram(1, NO_ANSWER_US, hdr.DIGITS))
    read = {}
    while histogram := reader.get_next_interval_histogram():
        read[histogram.get_tag()] = histogram
        lasted_s = (histogram.get_end_time_stamp() - histogram.get_start_time_stamp()) / 1e3
        assert 0.1 < lasted_s < 60
    reader.input_file.close()
    assert set(read) == set(recorded)
    for name, histogram in read.items():
        sorted_ms = np.minimum(recorded[name], NO_ANSWER_US / 1e3)
        assert histogram.get_total_count() == sorted_ms.size
        for percentile in (50, 90, 99, 99.9):
            rank = max(int(sorted_ms.size * percentile / 100 + 0.5), 1)  # the library's: the nearest
            found_ms = histogram.get_value_at_percentile(percentile) / 1e3
            assert found_ms == pytest.approx(sorted_ms[rank - 1], rel=2e-3)
    p50 = read["latency-freelance-1-0.5"].get_value_at_percentile(50) / 1e3
    assert p50 == pytest.approx(percentiles(recorded["latency-freelance-1-0.5"]).p50, rel=0.1)


def test_percentiles_in_the_files_are_those_of_the_report(exported, recorded):
    folder, _ = exported
    lines = (folder / "latency-freelance-1-0.5.hgrm").read_text().splitlines()
    rows = [list(map(float, line.split()[:3])) for line in lines[2:] if line and line.strip()[0].isdigit()]
    sorted_ms = recorded["latency-freelance-1-0.5"]
    assert rows[-1][2] == sorted_ms.size
    value_ms, quantile, _ = next(row for row in rows if row[1] >= 0.5)
    assert value_ms == pytest.approx(np.quantile(sorted_ms, quantile, method="inverted_cdf"), rel=2e-3)


def test_what_had_no_answer_stands_at_the_top(exported, recorded):
    unanswered = sum(int(np.isinf(sorted_ms).sum()) for sorted_ms in recorded.values())
    assert unanswered > 0
    assert f"; {unanswered} had no answer and stand at two hours" in exported[1]
    histogram = histogram_of(np.array([1.0, 2.0, np.inf, np.inf]))
    assert histogram.get_total_count() == 4
    assert histogram.get_value_at_percentile(50) == pytest.approx(2000, rel=1e-3)
    assert histogram.get_max_value() == pytest.approx(NO_ANSWER_US, rel=1e-3)


def test_what_it_cannot_do_is_told_in_a_line(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert run(["export", str(small_run()), "--hdr", str(tmp_path / "file")]) == 2
    assert "--hdr must be a folder that can be written to" in capsys.readouterr().err
    assert run(["export", str(tmp_path), "--hdr", str(tmp_path / "x")]) == 2
    assert "RESULTS must be the folder of a run" in capsys.readouterr().err
    (tmp_path / "run.json").write_text("{}")
    assert run(["export", str(tmp_path), "--hdr", str(tmp_path / "x")]) == 2
    assert "Object missing required field" in capsys.readouterr().err
