"""How tests are shared out among processes (``make test``: pytest-xdist, ``-p tests.lanes -n 4``).

A file stays in one process, so that what its tests share is made once. Files that play whole deployments go into
*lanes*, which begin first: each is one unit of work, so that no more of them are under way at once than there are lanes.
They mostly wait, and the rest of the tests fill the processors meanwhile.

What looks at time itself is marked ``alone`` and is played after all others, one after the other.
"""

import atexit
import os
from collections.abc import Iterable
from itertools import cycle

import pytest
from xdist.scheduler import LoadScopeScheduling

DEPLOYMENTS = ("tests/end_to_end/", "tests/interop/")
LANES = 3


def file_of(nodeid: str) -> str:
    """``tests/test_lanes.py::test_it`` is of ``tests/test_lanes.py``."""
    return nodeid.partition("::")[0]


def lanes(nodeids: Iterable[str]) -> dict[str, str]:
    """{file: its lane}, of those that play deployments, by turns."""
    files = dict.fromkeys(file for file in map(file_of, nodeids) if file.startswith(DEPLOYMENTS))
    return dict(zip(files, cycle(f"lane {number}" for number in range(1, LANES + 1)), strict=False))


class Lanes(LoadScopeScheduling):
    """Gives away lanes and files, in the order of the collection."""

    def schedule(self) -> None:
        """As every scheduler of xdist; what a process gets is known when all have collected."""
        if self.collection is None:
            self._lanes = lanes(next(iter(self.registered_collections.values())))
        super().schedule()

    def _split_scope(self, nodeid: str) -> str:
        file = file_of(nodeid)
        return self._lanes.get(file, file)


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> Lanes:
    """Only called where there are several processes."""
    config.option.loadscopereorder = False
    return Lanes(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What plays deployments begins first."""
    items.sort(key=lambda item: not item.nodeid.startswith(DEPLOYMENTS))


def pytest_configure(config: pytest.Config) -> None:
    """A process that xdist started ends in silence. All is told by then; what remains is a page of complaints of DuckDB's
    binding, in each of them, about objects that xdist holds to the very end.
    """
    if hasattr(config, "workerinput"):
        atexit.register(silence)


def silence() -> None:
    """Whatever this process says from here on goes nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)
