"""The snippets of docs/reading.md run as they stand, and agree with each other."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from bench import parquet
from tests.bench.recording import small_run

PAGE = (Path(__file__).parents[2] / "docs" / "reading.md").read_text()
DUCKDB, PANDAS, POLARS, TIMES = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
ROWS = {
    DUCKDB: "_.fetchall()",
    PANDAS: "[(*k, *v) for k, *v in _.itertuples()]",
    POLARS: "_.rows()",
    TIMES: "_.fetchall()",
}


@pytest.fixture(scope="module")
def shown():
    """The rows that each of them shows; in a process of its own, for polars leaves threads and descriptors."""
    code = "".join(f"{kept(snippet)}\nshown.append({rows})\n" for snippet, rows in ROWS.items())
    code = f"import json\nshown = []\n{code}\nprint(json.dumps(shown, default=str))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=small_run(), capture_output=True, text=True, timeout=50, check=True
    )
    return json.loads(done.stdout)


def kept(snippet):
    """With what it shows kept as ``_``."""
    snippet = re.sub(r"\)\.show\(\)\n$", ")\n", snippet)
    return re.sub(
        r"^(print|duckdb\.sql)\(",
        lambda call: f"_ = {call[0].removeprefix('print')}",
        snippet,
        flags=re.MULTILINE,
    )


def test_three_tools_say_the_same(shown):
    asked, by_pandas, by_polars, _ = shown
    assert {(topology, step) for topology, step, *_ in asked} == {
        (topology, step) for topology in ("direct", "freelance", "paranoid-pirate") for step in ("0.5", "0.8")
    }
    for one, another, third in zip(asked, by_pandas, by_polars, strict=True):
        assert one[:2] == another[:2] == third[:2]
        assert one[4] == another[4] == third[4] > 100
        for place in (2, 3):  # ranks differ by one
            assert another[place] == pytest.approx(one[place], rel=0.2)
            assert third[place] == pytest.approx(another[place], rel=0.2)


def test_times_of_day_are_those_of_the_run(shown):
    with parquet.open_run(small_run()) as database:
        ((faults,),) = database.execute("SELECT count(*) FROM marks WHERE kind = 'fault'").fetchall()
    assert len(shown[3]) == faults > 0
