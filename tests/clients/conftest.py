"""What the tests of the Python SDK share: virtual time, a scripted server, a client of it."""

from collections.abc import AsyncIterator, Callable

import pytest
import trio.testing

import deskbell_client
from tests.clients.scripted import ScriptedServer, counting


@pytest.fixture
async def server(
    nursery: trio.Nursery,
    autojump_clock: trio.testing.MockClock,
) -> AsyncIterator[ScriptedServer]:
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
