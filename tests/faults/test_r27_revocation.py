"""R27: rights that go while people talk; who lost them is told nothing of what follows."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from actors.business import ChangePerson, RevokeAccess, TransferOwnership
from domain import commands
from domain.commands import Done
from domain.events import Person
from domain.roles import Role
from server.http.caller import UNAUTHENTICATED, identify
from server.live import LiveBusiness
from server.node import Node
from storage.queries import Queries
from tests.faults.premises import Premises, freely, opened
from tests.faults.raw_client import Frame, RawClient

PEOPLE = {
    "olivia": Role.OWNER,
    "sam": Role.STAFF,
    "mo": Role.MANAGER,
    "carla": Role.CUSTOMER,
}
RATE = 100
SECONDS = 3.0

Change = Callable[[Premises, str], Awaitable[Any]]


async def deactivate(premises: Premises, _: str) -> Any:
    person = Person("sam", "sam", Role.STAFF, active=False)
    return await premises.change(ChangePerson("backend", None, person, ("main",)))


async def change_role(premises: Premises, _: str) -> Any:
    person = Person("sam", "sam", Role.CUSTOMER)
    return await premises.change(ChangePerson("backend", None, person, ("main",)))


async def revoke_person(premises: Premises, _: str) -> Any:
    return await premises.change(RevokeAccess("backend", None, "sam"))


async def revoke_token(premises: Premises, token: str) -> Any:
    claims = premises.node.tokens.verify(token, premises.clock())
    assert claims is not None
    return await premises.change(RevokeAccess("backend", None, "sam", claims.id, claims.expires_at))


async def transfer(premises: Premises, _: str) -> Any:
    command = TransferOwnership("backend", None, "olivia", Role.STAFF, "sam")
    return await premises.change(command)


CHANGES: dict[str, tuple[Change, int]] = {
    "deactivated": (deactivate, 4503),
    "role changed": (change_role, 4010),
    "person revoked": (revoke_person, 4501),
    "token revoked": (revoke_token, 4501),
    "ownership transferred": (transfer, 4010),
}


async def talk(premises: Premises, conversation: str) -> None:
    """Carla says and edits things, the owner reads them: 100 changes a second."""
    for number in range(round(SECONDS * RATE / 2)):
        accepted = await premises.say(conversation, "carla", "hello", f"{conversation}.{number}")
        carla = premises.speaker("carla")
        await premises.do(conversation, commands.Edit(carla, accepted.seq, "hello!"))
        await trio.sleep(2 / RATE)


def revisions(frames: list[Frame]) -> list[int]:
    return [frame["revision"] for frame in frames if frame["type"] not in ("welcome", "resumed")]


@pytest.mark.parametrize("behind", [False, True], ids=["live", "catching up"])
@pytest.mark.parametrize("name", CHANGES)
async def test_r27_who_loses_access_hears_nothing_of_what_follows(
    name: str, behind: bool, virtual_time: MockClock, folder: Path
) -> None:
    change, code = CHANGES[name]
    async with opened(folder, freely(), PEOPLE) as premises, trio.open_nursery() as nursery:
        await premises.group("c1", "sam", "carla")
        token = premises.token("sam")
        cursor = None
        if behind:
            cursor = {"epoch": premises.node.epoch, "revision": 0}
            for number in range(2_000):
                await premises.say("c1", "carla", "x" * 500, f"old{number}")
            await premises.change(RevokeAccess("backend", None, "nobody"))
        heard: list[Frame] = []
        premises.capacity = 2_048 if behind else 65_536
        client = await premises.enter("sam", token=token, cursor=cursor)
        heard += client.frames
        client.on_frame = heard.append
        nursery.start_soon(talk, premises, "c1")
        await client.until(lambda: len(heard) > 20)
        if not behind:
            await trio.sleep(0.5)

        changed_at = trio.current_time()
        done = await change(premises, token)
        assert isinstance(done, Done), done
        reason = await client.ended()

        assert reason[0] == code
        assert trio.current_time() - changed_at <= 1.0
        assert revisions(heard)
        assert max(revisions(heard)) <= done.revision
        await trio.sleep(SECONDS)
        assert premises.live.connections_of("sam") == []
        if code != 4010:
            late = await premises.socket()
            late.send("hello", token=token, device="sam-1")
            assert (await late.ended())[0] == code


async def test_r27_the_former_owner_is_let_go_too(virtual_time: MockClock, folder: Path) -> None:
    async with opened(folder, freely(), PEOPLE) as premises, trio.open_nursery() as nursery:
        await premises.group("c1", "sam", "carla")
        client = await premises.enter("olivia")
        heard: list[Frame] = []
        client.on_frame = heard.append
        nursery.start_soon(talk, premises, "c1")
        await trio.sleep(1.0)
        done = await transfer(premises, "")
        assert (await client.ended())[0] == 4010
        assert max(revisions(heard)) <= done.revision
        again = await premises.enter("olivia")
        assert (await again.next("welcome"))["role"] == "staff"
        assert (await again.ask("open", conversation="c1"))["code"] == "not_found"
        cursor = {"epoch": premises.node.epoch, "revision": 3}
        later = await premises.enter("olivia", "other", cursor=cursor)
        assert (await later.next("welcome"))["reset_reason"] == "access_changed"


@pytest.mark.parametrize("behind", [False, True], ids=["live", "catching up"])
async def test_r27_who_is_removed_hears_nothing_more_of_the_conversation(
    behind: bool, virtual_time: MockClock, folder: Path
) -> None:
    """Not the messages, nor the receipts and edits of what they had said, nor who types."""
    async with opened(folder, freely(), PEOPLE) as premises, trio.open_nursery() as nursery:
        await premises.group("c1", "sam", "carla", "mo")
        await premises.group("c2", "sam", "carla")
        own = await premises.say("c1", "sam", "mine", "sam1")
        if behind:
            for number in range(1_000):
                await premises.say("c1", "carla", "x" * 500, f"old{number}")
            premises.capacity = 2_048
        cursor = {"epoch": premises.node.epoch, "revision": own.revision} if behind else None
        client = await premises.enter("sam", cursor=cursor)
        heard: list[Frame] = list(client.frames)
        client.on_frame = heard.append
        nursery.start_soon(talk, premises, "c1")
        nursery.start_soon(talk, premises, "c2")
        await client.until(lambda: len(heard) > 20)
        removal = commands.RemoveMember(premises.speaker("mo"), "sam")
        removed = await premises.do("c1", removal)
        await premises.do("c1", commands.ShowTyping(premises.speaker("carla"), active=True))
        read = commands.AdvanceReceipt(premises.speaker("carla"), 10**6, 10**6)
        assert isinstance(await premises.do("c1", read), Done)
        await trio.sleep(SECONDS)

        of_c1 = [f for f in heard if f.get("conversation") == "c1"]
        assert of_c1[-1]["type"] == "conversation_removed"
        assert of_c1[-1]["revision"] == removed.revision
        assert max(revisions(of_c1)) == removed.revision
        assert max(revisions(heard)) > removed.revision, "c2 goes on"
        assert client.closed is None
        client.on_frame = None
        for command in ("open", "history"):
            assert (await client.ask(command, conversation="c1"))["code"] == "not_found"
        said = await client.ask(
            "send", conversation="c1", client_message_id="late", text="still here?"
        )
        assert said["code"] == "not_found"
        client.drop()
        resumed = await premises.enter(
            "sam", cursor={"epoch": premises.node.epoch, "revision": removed.revision}
        )
        await resumed.next("welcome")
        rest = await resumed.all_until("resumed")
        assert not [f for f in rest if f.get("conversation") == "c1"]


@pytest.mark.parametrize("name", CHANGES)
async def test_r27_rights_that_go_during_the_handshake(
    name: str, virtual_time: MockClock, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are there when the person is looked up, and gone before the connection is noted."""
    change, code = CHANGES[name]
    async with opened(folder, freely(), PEOPLE) as premises:
        await premises.group("c1", "sam", "carla")
        await premises.say("c1", "carla", "hello", "m1")
        token = premises.token("sam")
        arrived, go_on = trio.Event(), trio.Event()
        queries = premises.node.queries
        too_far_behind = queries.too_far_behind

        async def held_up(*arguments: Any) -> bool:
            arrived.set()
            await go_on.wait()
            return await too_far_behind(*arguments)

        monkeypatch.setattr(queries, "too_far_behind", held_up)
        client = await premises.socket()
        cursor = {"epoch": premises.node.epoch, "revision": 5}
        client.send("hello", token=token, device="sam-1", cursor=cursor)
        await arrived.wait()
        done = await change(premises, token)
        go_on.set()

        if code == 4010:  # not turned away: in with the new rights
            welcome = await client.next("welcome")
            assert welcome["role"] == ("owner" if change is transfer else "customer")
            assert welcome.get("reset_reason") == "access_changed"
            assert welcome["revision"] >= done.revision
        else:
            assert (await client.ended())[0] == code
            assert not client.frames


async def test_r27_revoking_others_one_after_the_other_keeps_nobody_out(
    virtual_time: MockClock, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    person, looked_up = Queries.person, []

    async def slowly(self: Queries, *arguments: Any) -> Any:
        found = await person(self, *arguments)
        looked_up.append(found)
        await trio.sleep(0.005)
        return found

    async with opened(folder, freely(), PEOPLE) as premises:
        monkeypatch.setattr(Queries, "person", slowly)

        async def revoke() -> None:
            while True:
                await premises.change(RevokeAccess("backend", None, "sam"))
                await trio.sleep(0.004)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(revoke)
            await trio.sleep(0.1)
            client = await premises.enter("carla")
            await client.next("welcome")
            nursery.cancel_scope.cancel()
    assert len(looked_up) == 1


async def test_r27_a_connection_ends_when_its_session_token_does(
    virtual_time: MockClock, folder: Path
) -> None:
    settings = freely(session_token_seconds=60)
    async with opened(folder, settings, PEOPLE) as premises:
        client: RawClient = await premises.enter("sam")
        welcome = await client.next("welcome")
        assert (await client.ended())[0] == 4501
        expired = welcome["session_token_expires_at"]
        assert 0 <= premises.clock() - expired <= 60_000


async def test_r27_a_token_revoked_while_its_business_starts_lets_nobody_in(
    virtual_time: MockClock, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the look at the token and the first look at the business's rights."""
    async with opened(folder, freely(), PEOPLE) as premises:
        token = premises.token("sam")
        live = Node.live

        async def slow(node: Node, business: str) -> LiveBusiness | None:
            found = await live(node, business)
            await trio.sleep(1.0)
            return found

        found: list[object] = []

        async def ask() -> None:
            found.append(await identify(premises.node, f"Bearer {token}", None, None))

        late = await premises.socket()
        monkeypatch.setattr(Node, "live", slow)
        async with trio.open_nursery() as nursery:
            late.send("hello", token=token, device="sam-1")
            nursery.start_soon(ask)
            await trio.sleep(0.5)
            assert isinstance(await revoke_token(premises, token), Done)
            with trio.fail_after(2.0):
                assert (await late.ended())[0] == 4501
        assert found == [UNAUTHENTICATED]
