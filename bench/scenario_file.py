"""Scenarios from TOML: a built-in name or a path, changed by ``--set key=value``, checked, with errors of one line.

Invariant: a scenario that is returned names only topologies that the registry knows.
"""

import os
import re
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from bench import inputs
from bench.errors import BadInput, unknown
from bench.registry import topology
from bench.scenario import Scenario
from bench.tables import Table, convert, keys
from common.services import FROM_FILE, load_service
from common.topology import Topology

BUILT_IN = Path(__file__).parent / "scenarios"

_BARE_WORDS = re.compile(r"[^\"'\[\]{}=\n]*")


def built_in() -> dict[str, Path]:
    """The scenarios that come with the bench, by name."""
    return {path.stem: path for path in sorted(BUILT_IN.glob("*.toml"))}


def summary(path: Path) -> str:
    """A built-in scenario in a line."""
    table = _read(path)
    return f"{table['title']}. {table['question']}"


def load(name_or_path: str, changes: Sequence[str] = ()) -> Scenario:
    """The scenario of a built-in name or of a TOML file, with ``key=value`` changes made to it. Files that it names are
    looked for beside it, those in changes in the current folder.

    Raises:
        BadInput: what is wrong, where, and what was expected.
    """
    path = _find(name_or_path)
    table = _read(path)
    inputs.anchor(table, path.parent)
    for change in changes:
        _change(table, change)
    inputs.anchor(table, Path.cwd())
    return make(table)


def make(table: Table) -> Scenario:
    """The scenario that a table describes. Raises BadInput."""
    inputs.complete(table)
    scenario: Scenario = convert(table, Scenario)
    for name in scenario.topologies:
        check_topology(name)
    _check_brokers(scenario, table)
    _check_service(scenario)
    inputs.check(scenario)
    return scenario


def check_topology(name: str) -> Topology:
    """The topology of that name.

    Raises:
        BadInput: there is none.
    """
    try:
        return topology(name)
    except ValueError as error:
        raise BadInput(str(error)) from None


def _check_brokers(scenario: Scenario, table: Table) -> None:
    """Refuse a number that is written down and that a topology would not play; in a sweep over it, cells say that."""
    if "brokers" not in table.get("deployment", {}) or (scenario.sweep and scenario.sweep.brokers):
        return
    brokers = scenario.deployment.brokers
    for name in scenario.topologies:
        plan = topology(name).plan(scenario.deployment, scenario.settings, lambda each: f"ipc://{each}")
        if plan.brokers not in (0, brokers):
            raise BadInput(f"deployment.brokers of {name} must be {plan.brokers}, got {brokers}")


def _check_service(scenario: Scenario) -> None:
    """Find the service now, rather than in every worker."""
    service, sweep = scenario.service, scenario.sweep
    if service.times and FROM_FILE not in (service.distribution, *(sweep.distribution if sweep else ())):
        raise BadInput(f'service.times must go with distribution "{FROM_FILE}", got {service.distribution!r}')
    try:
        load_service(scenario.service)
    except ValueError as error:
        key = "service.times" if scenario.service.times else "service.name"
        raise BadInput(f"{key}: {error}") from None


def _find(name_or_path: str) -> Path:
    path = Path(name_or_path)
    if path.suffix == ".toml" or os.sep in name_or_path:
        if not path.is_file():
            raise BadInput(f"scenario {name_or_path!r}: expected a TOML file, there is none")
        return path
    known = built_in()
    if name_or_path not in known:
        raise unknown("scenario", name_or_path, known)
    return known[name_or_path]


def _read(path: Path) -> Table:
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadInput(f"{path.name}: expected TOML: {error}") from None
    except OSError as error:
        raise BadInput(f"{path}: expected a readable file: {error.strerror}") from None
    table.setdefault("name", path.stem)
    return table


def _change(table: Table, change: str) -> None:
    """One ``key=value``: keys lead through tables; an element of an array is known by its name, kind or index."""
    key, equals, text = change.partition("=")
    key = key.strip()
    if not equals or not key:
        raise BadInput(f"--set must be key=value, got {change!r}")
    if key in ("duration", "duration_s") and (soak := _soak(table)):
        soak["duration_s"] = _seconds(text.strip(), key)
        return
    *path, last = key.split(".")
    _check_top(path[0] if path else last, key)
    place: Any = table
    for depth, word in enumerate(path):
        place = _enter(place, word, key, ".".join(path[: depth + 1]))
    if not isinstance(place, dict):
        raise BadInput(f"--set {key}: {'.'.join(path)} must be a table, it is {_brief(place)}")
    place[last] = _value(text.strip(), key)


def _soak(table: Table) -> Table | None:
    """The soak phase of a scenario that is nothing else: how long it lasts needs no longer name."""
    phases = table.get("phase")
    if not isinstance(phases, list) or len(phases) != 1 or not isinstance(phases[0], dict):
        return None
    only: Table = phases[0]
    return only if only.get("kind") == "soak" else None


def _seconds(text: str, key: str) -> float:
    """``90``, ``90s``, ``20m`` or ``1.5h``."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(s|m|h|)", text)
    if not match:
        raise BadInput(f"--set {key}: expected a length such as 90s, 20m or 1h, got {text!r}")
    return float(match[1]) * {"": 1, "s": 1, "m": 60, "h": 3600}[match[2]]


def _check_top(word: str, key: str) -> None:
    """Answer a key that stands elsewhere (``credit``) with where that is (``settings.credit``)."""
    top = [field.encode_name for field in msgspec.structs.fields(Scenario)]
    if word in top:
        return
    elsewhere = [path for path in keys(Scenario) if path.endswith(f".{key}")]
    if elsewhere:
        raise BadInput(f"unknown key {key!r}: did you mean {' or '.join(elsewhere)}?")
    raise unknown("key", word, top)


def _enter(place: Any, word: str, key: str, so_far: str) -> Any:
    if isinstance(place, dict):
        return place.setdefault(word, {})
    if not isinstance(place, list):
        raise BadInput(f"--set {key}: {so_far.rpartition('.')[0]} must be a table, it is {_brief(place)}")
    elements = {_name(element, index): element for index, element in enumerate(place)}
    if word not in elements:
        raise unknown(f"name in --set {key},", word, elements)
    return elements[word]


def _name(element: Any, index: int) -> str:
    return str(element.get("name", element.get("kind", index)) if isinstance(element, dict) else index)


def _brief(value: Any) -> str:
    return "an array" if isinstance(value, list) else repr(value)


def _value(text: str, key: str) -> Any:
    """A value as TOML writes it; bare words are a string."""
    try:
        parsed = tomllib.loads(f"value = {text}")
    except tomllib.TOMLDecodeError:
        if not _BARE_WORDS.fullmatch(text):
            raise BadInput(f"--set {key}: expected a TOML value or a bare word, got {text!r}") from None
        return text
    if set(parsed) != {"value"}:
        raise BadInput(f"--set {key}: expected one TOML value, got {text!r}")
    return parsed["value"]
