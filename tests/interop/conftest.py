from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.interop.parts import Parts


@pytest.fixture
def parts(tmp_path: Path) -> Iterator[Parts]:
    """Starts parts of ours; in the end each must still live, and stop in peace."""
    parts = Parts(tmp_path)
    try:
        yield parts
    finally:
        parts.stop()
