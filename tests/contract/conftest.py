"""What the contract is held against; another database is one more parameter here."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.contract.house import House, Opened, running_database


@pytest.fixture(params=["sqlite"])
async def opened(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Opened]:
    """An empty database of each kind, its journal running."""
    assert request.param == "sqlite"
    async with running_database(tmp_path) as database:
        yield database


@pytest.fixture
async def house(opened: Opened) -> House:
    return await House.founded(opened)
