"""What the tests of the HTTP API share: the API on a node with a real database."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fixtures.api import ApiStage, running_api


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[ApiStage]:
    """The HTTP API with a business `pawsome`."""
    async with running_api(tmp_path) as stage:
        yield stage
