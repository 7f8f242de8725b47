"""A connection whose admission takes long: it does not displace one that came after it."""

import itertools
from collections.abc import Callable
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from actors.business import RevokeAccess
from domain.roles import Role
from storage.access import Viewer
from storage.queries import Queries
from tests.faults.premises import DAY_MS, Premises, freely, opened
from tests.faults.raw_client import Frame, RawClient

PEOPLE = {"olivia": Role.OWNER, "sam": Role.STAFF, "carla": Role.CUSTOMER}


@pytest.fixture
def slow_admission(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """From when it is called, judging a cursor takes half a second; without one it does not."""
    too_far_behind = Queries.too_far_behind

    async def slowly(self: Queries, viewer: Viewer, revision: int, limit: int) -> bool:
        await trio.sleep(0.5)
        return await too_far_behind(self, viewer, revision, limit)

    return lambda: monkeypatch.setattr(Queries, "too_far_behind", slowly)


async def cursor_of(premises: Premises, person: str) -> Frame:
    """Where a device of this person was; it has gone."""
    client = await premises.enter(person)
    welcome = await client.next("welcome")
    client.drop()
    await trio.sleep(60.0)
    return {"epoch": welcome["epoch"], "revision": welcome["revision"]}


async def asking(premises: Premises, person: str, device: str, cursor: Frame) -> RawClient:
    """A connection whose `hello` has arrived and is being judged."""
    client = await premises.socket()
    client.send("hello", token=premises.token(person), device=device, cursor=cursor)
    await trio.sleep(0.1)
    return client


@pytest.mark.parametrize("older", ["dead", "alive", "unheard"])
async def test_who_said_hello_first_does_not_replace_who_came_after(
    older: str, virtual_time: MockClock, folder: Path, slow_admission: Callable[[], None]
) -> None:
    async with opened(folder, freely(), PEOPLE) as premises:
        cursor = await cursor_of(premises, "sam")
        slow_admission()
        first = await asking(premises, "sam", "s1", cursor)
        if older == "dead":
            first.drop()
        elif older == "unheard":
            first.vanish()
        second = await premises.enter("sam", "s1")
        await second.next("welcome")
        await trio.sleep(2.0)
        assert second.closed is None
        assert (await second.ask("ping"))["type"] == "pong"
        if older == "alive":
            assert await first.ended() == (4509, "replaced by another connection")
            assert not first.frames


async def test_what_others_lose_meanwhile_keeps_nobody_out(
    virtual_time: MockClock, folder: Path, slow_admission: Callable[[], None]
) -> None:
    async def revoke_tokens(premises: Premises) -> None:
        for number in itertools.count():
            token = f"pawsome/{number:024x}"
            expires_at = premises.clock() + DAY_MS
            await premises.change(RevokeAccess("@business", None, "", token, expires_at))
            await trio.sleep(0.4)

    async with opened(folder, freely(), PEOPLE) as premises:
        cursor = await cursor_of(premises, "sam")
        slow_admission()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(revoke_tokens, premises)
            client = await asking(premises, "sam", "s1", cursor)
            with trio.fail_after(2.0):
                assert (await client.next("welcome"))["resume"] == "complete"
            nursery.cancel_scope.cancel()
