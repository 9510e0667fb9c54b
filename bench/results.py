"""The folder that a run leaves, and the link to the latest complete one.

Invariant: a run writes only into a folder that was absent or empty; ``latest`` never points to an incomplete run.
"""

import os
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from bench.errors import BadInput

RESULTS = Path("results")
LATEST = "latest"


def make_folder(out: Path | None, scenario: str) -> Path:
    """Make the folder of a run: ``out``, or one of its own under ``results/``.

    Raises:
        BadInput: ``out`` has something in it, or cannot be made; or ``latest`` could not be linked to it afterwards.
    """
    link = RESULTS / LATEST
    if (out is None or out.parent == RESULTS) and link.exists() and not link.is_symlink():
        raise BadInput(f"{link} must be absent or a link, got a folder or file: move it away")
    try:
        return _given(out) if out else _dated(scenario)
    except OSError as error:
        raise BadInput(
            f"--out must be a folder that can be made, got {str(out or RESULTS)!r}: {error.strerror}"
        ) from None


def link_latest(folder: Path) -> None:
    """Let ``results/latest`` lead to ``folder``, where that is one of ``results/``."""
    if folder.parent != RESULTS:
        return
    link = RESULTS / LATEST
    fresh = RESULTS / f".{LATEST}.{os.getpid()}"
    fresh.symlink_to(folder.name)
    fresh.replace(link)


def _given(out: Path) -> Path:
    if out.is_dir() and any(out.iterdir()):
        raise BadInput(f"--out must be absent or an empty folder, got {str(out)!r} with something in it")
    if out.exists() and not out.is_dir():
        raise BadInput(f"--out must be absent or an empty folder, got the file {str(out)!r}")
    out.mkdir(parents=True, exist_ok=True)
    return out


def _dated(scenario: str) -> Path:
    stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H-%M-%SZ")
    for number in count(1):
        folder = RESULTS / (f"{stamp}-{scenario}" + (f"-{number}" if number > 1 else ""))
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            continue
        return folder
    raise AssertionError("count has no end")


def check_run(which: str, folder: Path) -> None:
    """``which`` names what was given, for the message.

    Raises:
        BadInput: it is not the folder of a run.
    """
    if not (folder / "run.json").is_file():
        raise BadInput(f"{which} must be the folder of a run, which holds a run.json, got {str(folder)!r}")
