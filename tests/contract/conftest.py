"""What the contract is held against; another database is one more parameter here."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trio

from storage.database import Database
from tests.contract.house import House, Opened


@pytest.fixture(params=["sqlite"])
async def opened(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Opened]:
    """An empty database of each kind, its journal running."""
    assert request.param == "sqlite"
    database = await Database.open(tmp_path, lambda: None)
    try:
        async with trio.open_nursery() as nursery:
            await nursery.start(database.journal.run)
            yield database
            nursery.cancel_scope.cancel()
    finally:
        with trio.CancelScope(shield=True):
            await database.close()


@pytest.fixture
async def house(opened: Opened) -> House:
    return await House.founded(opened)
