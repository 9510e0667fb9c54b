"""docs/scenarios.md has every key of a scenario with the default that it has, and an example that is one."""

import re
import tomllib
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bench.dry_run import describe
from bench.phases import Closed, Open, Paced, Search, Soak
from bench.scenario import Scenario
from bench.scenario_file import load
from bench.tables import keys

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "scenarios.md").read_text()
EVERYWHERE = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
ELSEWHERE = ("hosts.", "sweep.", "validity.", "phase")
"""Explained on pages of their own, or below."""
TOP, *KINDS = re.split(r"^\*\*([a-z]+)\*\*: ", PAGE, flags=re.MULTILINE)
OF_ALL = ("name", "duration_s", "warmup_s")
WORDS = {"needed": msgspec.NODEFAULT, "none": None, "the file's": msgspec.NODEFAULT}


def told(section: str) -> dict[str, Any]:
    """{key: default} of the section's tables."""
    rows = re.findall(r"^\| (`[^|]*) \| ([^|]*) \|", section, flags=re.MULTILINE)
    return {key: value(text) for names, text in rows for key in re.findall(r"`([^`]+)`", names)}


def value(text: str) -> Any:
    return WORDS[text] if text in WORDS else tomllib.loads(f"value = {text.strip('`')}")["value"]


def default(kind: Any, key: str) -> Any:
    first, _, rest = key.partition(".")
    field = next(each for each in msgspec.structs.fields(kind) if each.encode_name == first)
    made = field.default if field.default_factory is msgspec.NODEFAULT else field.default_factory()
    if made is not None and made is not msgspec.NODEFAULT and rest:
        for word in rest.split("."):
            made = getattr(made, word)
    return list(made) if isinstance(made, tuple) else made


def test_every_key_is_told_with_its_default():
    known = [key for key in keys(Scenario) if not key.startswith(ELSEWHERE)]
    of_phases = {"kind", "duration_s", "warmup_s"}
    assert {key: of for key, of in told(TOP).items() if key not in of_phases} == {
        key: default(Scenario, key) for key in known
    }


@pytest.mark.parametrize("kind", [Closed, Search, Open, Paced, Soak])
def test_every_key_of_a_phase_is_told_with_its_default(kind):
    word = kind.__struct_config__.tag
    section = KINDS[KINDS.index(word) + 1]
    known = [key for key in keys(kind) if key not in OF_ALL]
    assert told(section) == {key: default(kind, key) for key in known}
    assert default(kind, "warmup_s") == told(TOP)["warmup_s"]


@pytest.mark.parametrize("page", EVERYWHERE, ids=lambda page: page.name)
def test_no_page_names_a_key_that_is_none(page):
    known = {f"{key}." for key in keys(Scenario)}
    tables = "|".join({key.partition(".")[0] for key in known if "." in key[:-1]})
    named = re.findall(rf"(?:`|--set '?)((?:{tables})\.[a-z0-9_.]*[a-z0-9_])", page.read_text())
    keys_named = [key for key in named if not key.endswith((".csv", ".html"))]  # which are files
    assert [key for key in keys_named if not any(each.startswith(f"{key}.") for each in known)] == []


def test_the_example_is_a_scenario_and_may_be_changed_as_shown(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text(re.findall(r"```toml\n(.*?)```", PAGE, flags=re.DOTALL)[0])
    commands = re.findall(r"^brokerbench run mine\.toml (.*)$", PAGE, flags=re.MULTILINE)
    assert len(commands) == 3
    for command in commands:
        assert "kill one worker at" in describe(load(str(file), re.findall(r"--set (\S+)", command)))
