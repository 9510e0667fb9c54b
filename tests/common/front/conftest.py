from collections.abc import AsyncIterator

import pytest

from tests.common.front.serving import Serving, serving


@pytest.fixture
async def site() -> AsyncIterator[Serving]:
    """A front that listens, over a client that echoes."""
    async with serving() as made:
        yield made
