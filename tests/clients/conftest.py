"""What the tests of the Python SDK share: virtual time, a scripted server, a client of it."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path

import pytest
import trio
import trio.testing

import deskbell_client
from tests.clients.scripted import ScriptedServer, counting


def in_virtual_time(
    main: Callable[[], Awaitable[object]],
    clock: trio.abc.Clock | None,
    instruments: Sequence[trio.abc.Instrument],
) -> object:
    """`trio.run`, with a clock that jumps to the next deadline as soon as nobody can run."""
    clock = clock or trio.testing.MockClock(autojump_threshold=0)
    return trio.run(main, clock=clock, instruments=instruments)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whatever here speaks with the scripted server does so in virtual time."""
    for item in items:
        here = Path(__file__).parent in item.path.parents
        if here and "server" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.trio(run=in_virtual_time), append=False)


@pytest.fixture
async def server(nursery: trio.Nursery) -> AsyncIterator[ScriptedServer]:
    yield ScriptedServer(nursery)
    nursery.cancel_scope.cancel()


Connect = Callable[..., deskbell_client.Desk]


@pytest.fixture
def connect(server: ScriptedServer) -> Connect:
    """A client of ``server``, not entered yet; its random number is always 0.5."""

    def make(
        *,
        storage: deskbell_client.Storage | None = None,
        token: str | None = "token-1",
        get_token: object = None,
        device: str = "d1",
        **options: object,
    ) -> deskbell_client.Desk:
        settings = {"random": lambda: 0.5, "new_id": counting()} | options
        return deskbell_client.connect_over(
            server.dial,
            device=device,
            token=token,
            get_token=get_token,  # type: ignore[arg-type]
            storage=storage,
            options=deskbell_client.Options(**settings),  # type: ignore[arg-type]
        )

    return make
