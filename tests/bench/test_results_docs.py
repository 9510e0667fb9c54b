"""docs/results.md explains each column of every table, and it and docs/summary.md, with the pages that they link, each
key of summary.json.
"""

import re
from pathlib import Path

import pytest
from msgspec import inspect

from bench import parquet
from bench.analysis.summary import Summary
from tests.bench.recording import small_run

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "results.md").read_text()
BOTH = PAGE + (DOCS / "summary.md").read_text()
LINKED = BOTH + "".join((DOCS / page).read_text() for page in re.findall(r"\]\(([a-z]+\.md)", BOTH))
IN_CODE = set(re.findall(r"\w+", " ".join(re.findall(r"(?<!`)`([^`\n]+)`", LINKED))))
"""Every word that stands between backticks in a line."""
FLAT = "measured"
"""What it holds stands beside the topology's name, not under a key."""


def paragraph(table):
    """What the page says of a table, from its name in bold on."""
    return PAGE[PAGE.index(f"**{table}**") :].split("\n\n**")[0]


def keys(info, seen):
    """``{key: the struct that has it}`` of a type and of all that it holds."""
    if isinstance(info, inspect.StructType | inspect.NamedTupleType):
        found = {field.name: info.cls.__name__ for field in info.fields}
        inner = [] if info.cls in seen else [field.type for field in info.fields]
        seen.add(info.cls)
    else:
        found = {}
        inner = [*getattr(info, "types", ())]
        inner += [getattr(info, name) for name in ("value_type", "item_type") if hasattr(info, name)]
    for each in inner:
        found |= keys(each, seen)
    return found


@pytest.mark.parametrize("table", parquet.TABLES)
def test_each_column_is_explained(table):
    with parquet.open_run(small_run()) as database:
        columns = parquet.column_names(database, table)
    shared = ["phase", "topology", "trial", "step"]
    assert columns[:4] == shared
    assert [name for name in shared if f"`{name}`" not in PAGE] == []
    assert [name for name in columns[4:] if f"`{name}`" not in paragraph(table)] == []


def test_each_key_of_the_summary_is_explained():
    known = keys(inspect.type_info(Summary), set())
    assert {"p99", "phantom", "rss_mib", "cold_start"} < set(known)
    assert {key: struct for key, struct in known.items() if key not in IN_CODE | {FLAT}} == {}
