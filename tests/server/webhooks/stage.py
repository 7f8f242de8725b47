"""A business with webhooks on a running node, and what its people say."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import trio

from domain import commands
from domain.commands import Accepted, Done, Speaker
from server import creating
from server.asking import ask_conversation
from server.http.app import build_http_app
from server.live import LiveBusiness
from server.page import page_folder
from server.settings import Settings
from tests.fixtures.api import PAWSOME, ApiStage, Contract, Reply
from tests.fixtures.node import running_node

SOON = (0.01, 0.02, 0.02)
"""A schedule for tests: three further attempts."""


@dataclass
class Shop:
    """The business, asked over HTTP as its backend and told things by its people."""

    api: ApiStage
    live: LiveBusiness
    sent: int = 0

    async def ask(self, method: str, path: str, body: object = None) -> Reply:
        return await self.api.ask(method, path, self.api.key(), body)

    async def add(self, url: str, *events: str, id: str = "crm") -> str:  # noqa: A002
        """Add a webhook; its secret."""
        body = {"id": id, "url": url, "events": events or ["message.sent"]}
        added = await self.ask("POST", "/v1/webhooks", body)
        assert added.status == 201, added.body
        return str(added.json["secret"])

    async def converse(self, conversation: str, *people: str) -> None:
        started = await creating.create(
            self.api.stage.node.queries,
            self.live,
            self.speaker("carla"),
            "group",
            people or ("sam",),
            "Talk",
            conversation,
        )
        assert isinstance(started[1], Done), started

    def speaker(self, person: str) -> Speaker:
        return Speaker(person, person.title(), PAWSOME[person], "test")

    async def say(self, conversation: str, text: str, person: str = "carla") -> Accepted:
        self.sent += 1
        return await self.do(
            conversation, commands.Send(self.speaker(person), f"m{self.sent}", text)
        )

    async def do(self, conversation: str, command: commands.Command) -> Any:
        answer = await ask_conversation(self.live, conversation, command)
        assert isinstance(answer, Accepted | Done), answer
        return answer

    async def deliveries(self, state: str, webhook: str = "crm") -> Any:
        found = await self.ask("GET", f"/v1/webhooks/{webhook}/deliveries?state={state}")
        assert found.status == 200, found.body
        return found.json["deliveries"]

    async def until_deliveries(self, state: str, number: int) -> Any:
        """Wait until so many are listed: what came of a delivery is written a little later."""
        with trio.fail_after(30):
            while len(found := await self.deliveries(state)) != number:
                await trio.lowlevel.checkpoint()
        return found

    async def until_reason(self, webhook: str = "crm") -> str:
        """Wait until the server has disabled the webhook."""
        with trio.fail_after(30):
            while not (shown := await self.ask("GET", f"/v1/webhooks/{webhook}")).json["reason"]:
                await trio.lowlevel.checkpoint()
        assert shown.json["active"] is False
        return str(shown.json["reason"])


@asynccontextmanager
async def running_shop(
    folder: Path,
    schedule: Sequence[float] = SOON,
    *,
    after: Shop | None = None,
    **settings: Any,
) -> AsyncIterator[Shop]:
    """The shop; ``after``: the same one before a restart, whose keys and time go on."""
    settings.setdefault("webhook_private_addresses", True)
    chosen = Settings(data_dir=str(folder), commands_per_second=0, **settings)
    clock = after.api.stage.clock if after else None
    async with running_node(folder, chosen, clock, webhook_schedule=schedule) as stage:
        if after is None:
            await stage.add_business("pawsome", PAWSOME)
        else:
            stage.keys.update(after.api.stage.keys)
        live = await stage.node.live("pawsome")
        assert live is not None
        app = build_http_app(stage.node, demo=None, page_folder=page_folder(), ready=lambda: True)
        yield Shop(ApiStage(stage, app, await Contract.of(app)), live)
