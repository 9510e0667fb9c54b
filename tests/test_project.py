"""The project itself: its lock, its packaging, its import arrows, and what no file of it may name."""

import ast
import importlib.metadata
import re
import shutil
import subprocess
import sys
import tomllib
from itertools import chain
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parent.parent
PACKAGES = ["bench", "brokered", "brokerless", "common"]
HEAVY = {"numpy", "scipy", "matplotlib", "duckdb"}
REGISTRY_HOST = re.compile(
    r"[\w.-]*(?:pypi|pythonhosted|npmjs|debian|crates)[\w-]*\.(?:org|io|net|com)\b", re.I
)

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
LOCK = (ROOT / "requirements.lock").read_text()


def project_files() -> list[Path]:
    """Every file that is or would be committed."""
    if not (ROOT / ".git").exists() or shutil.which("git") is None:
        pytest.skip("no git checkout, or no git")
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [path for name in listed.split("\0") if (path := ROOT / name).is_file()]


def test_lock_names_no_address():
    assert "://" not in LOCK


@pytest.mark.parametrize(
    "line", [*PROJECT["dependencies"], *chain(*PROJECT["optional-dependencies"].values())]
)
def test_lock_satisfies(line):
    requirement = Requirement(line)
    pins = re.findall(rf"^{re.escape(requirement.name)}==(\S+)", LOCK, re.M)
    assert pins
    assert all(requirement.specifier.contains(version) for version in pins)


def test_only_the_four_packages_are_installed():
    top_level = importlib.metadata.distribution("brokerbench").read_text("top_level.txt")
    assert top_level is not None
    assert sorted(top_level.split()) == PACKAGES


@pytest.mark.parametrize("package", PACKAGES)
def test_package_says_what_it_is(package):
    assert ast.get_docstring(ast.parse((ROOT / package / "__init__.py").read_text()))


def test_imports_follow_the_arrows():
    lint = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache", "--no-logo"],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )
    assert lint.returncode == 0, lint.stdout


def test_process_of_a_part_loads_nothing_heavy():
    program = f"import sys, bench.part, bench.registry; print(*sorted({HEAVY} & set(sys.modules)))"
    loaded = subprocess.run([sys.executable, "-P", "-c", program], check=True, capture_output=True, text=True)
    assert loaded.stdout.split() == []


def test_no_file_names_a_registry():
    found = {
        (path.relative_to(ROOT), host.group())
        for path in project_files()
        for host in REGISTRY_HOST.finditer(path.read_bytes().decode(errors="ignore"))
    }
    assert found == set()
