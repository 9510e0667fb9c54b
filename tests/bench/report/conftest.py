"""The report of the small run, written once for all tests that only look at it."""

import pytest

from bench.report.page import write_report
from tests.bench.recording import copy_of_small_run


@pytest.fixture(scope="session")
def reported(tmp_path_factory):
    """The run's folder, in which an earlier report had left a chart."""
    folder = copy_of_small_run(tmp_path_factory.mktemp("report") / "run")
    (folder / "charts").mkdir()
    (folder / "charts" / "old.svg").write_text("of an earlier report")
    write_report(folder)
    return folder
