"""What the contract is held against; another database is one more parameter here."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.contract.house import House, Opened, running_database
from tests.contract.memory import MemoryDatabase


@pytest.fixture
async def opened(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Opened]:
    """An empty database of the kind that the module's tests are held against, journal running."""
    if getattr(request, "param", "sqlite") == "memory":
        yield MemoryDatabase()  # type: ignore[misc]
        return
    async with running_database(tmp_path) as database:
        yield database


@pytest.fixture
async def house(opened: Opened) -> House:
    return await House.founded(opened)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """What actors need is held against the database in memory too, which their own tests use."""
    if "opened" in metafunc.fixturenames:
        for_actors = metafunc.module.__name__.endswith(("journal_contract", "store_contract"))
        kinds = ["sqlite", "memory"] if for_actors else ["sqlite"]
        metafunc.parametrize("opened", kinds, indirect=True)
