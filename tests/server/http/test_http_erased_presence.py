"""Of whoever was erased nobody notes when they were there, also not of their last connection."""

from contextlib import closing
from pathlib import Path

import pytest

from actors.presence import Tick
from domain.presence import GRACE_MS
from protocol.close_codes import CloseCode
from server.node import PRESENCE
from storage.backup import FILE_NAME
from storage.migrations import open_read_only
from tests.fixtures.api import running_api
from tests.fixtures.canary import Desk, erase
from tests.fixtures.websockets import running_edge


def seen(folder: Path) -> int:
    """When carla was there last."""
    with closing(open_read_only(folder / FILE_NAME)) as connection:
        row = connection.execute("SELECT last_seen_at FROM person WHERE id = 'carla'").fetchone()
    return int(row[0])


@pytest.mark.requirement("EX-21", "R38")
async def test_who_is_connected_when_they_are_erased_was_never_there(tmp_path: Path) -> None:
    async with running_api(tmp_path) as api, running_edge(api.stage, api.app) as edge:
        desk = Desk(api)
        talk = {"kind": "group", "people": ["sam"], "id": "dog"}
        await desk.done("POST", "/v1/conversations", "carla", talk)
        carla = await edge.welcomed(api.token("carla"), "phone")
        sam = await edge.welcomed(api.token("sam"), "web")
        assert (await erase(desk)).status == 200
        assert (await carla.closed()).code == CloseCode.DEACTIVATED
        await sam.ask(type="ping")
        live = api.stage.node.businesses["pawsome"]
        for _ in range(10):
            api.stage.clock.now += GRACE_MS
            await live.presence.ask(PRESENCE, Tick(), 5.0)
        assert seen(tmp_path) == 0
        assert "carla" not in live.board.shown
        shown = await api.ask("GET", "/v1/conversations/dog", api.token("sam"))
        (member,) = [each for each in shown.json["members"] if each["person"] == "carla"]
        assert "last_seen_at" not in member
