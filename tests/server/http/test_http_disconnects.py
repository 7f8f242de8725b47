"""A client that goes away half-way: what was begun is done once or not at all."""

from typing import Any

import msgspec
import pytest
import trio

from tests.fixtures.api import ApiStage, http_scope

MESSAGES = "/v1/conversations/rex/messages"
STEPS = 40
"""More steps of the scheduler than a request takes, but for its disk; the last stays to the end."""


async def gone_after(
    steps: int, api: ApiStage, method: str, path: str, key: str, body: object
) -> None:
    """Ask, and be gone after so many steps, as the edge tells the application.

    Who would go at the last of `STEPS` stays until there is an answer, however slow the disk is.
    """
    gone = trio.Event()
    answered = trio.Event()
    messages: list[Any] = [{"type": "http.request", "body": msgspec.json.encode(body)}]

    async def receive() -> Any:
        if messages:
            return messages.pop()
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(_: Any) -> None:
        answered.set()
        await trio.lowlevel.checkpoint()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(api.app, http_scope(method, path, key), receive, send)
        if steps == STEPS - 1:
            await answered.wait()
        for _ in range(steps):
            await trio.lowlevel.checkpoint()
        gone.set()


@pytest.mark.requirement("R21", "R05")
async def test_a_send_that_was_given_up_can_be_repeated(api: ApiStage) -> None:
    body: dict[str, object] = {"kind": "group", "people": ["sam"], "id": "rex"}
    carla = api.token("carla")
    await api.ask("POST", "/v1/conversations", carla, body)
    for steps in range(STEPS):
        said = {"client_message_id": f"m{steps}", "text": f"{steps}"}
        await gone_after(steps, api, "POST", MESSAGES, carla, said)
        again = await api.ask("POST", MESSAGES, carla, said)
        assert (again.status, again.json["seq"]) == (201, steps + 1)
    page = await api.ask("GET", f"{MESSAGES}?limit=200", carla)
    assert [m["text"] for m in page.json["messages"]] == [f"{n}" for n in range(STEPS)]


@pytest.mark.requirement("R21")
async def test_a_change_that_was_given_up_is_kept_by_the_next_one(api: ApiStage) -> None:
    """The next one changes something else: what was stored before it must not be taken back."""
    path, journal = "/v1/people/sam", api.stage.node.database.journal
    name, kept = "Sam", 0
    for steps in range(STEPS):
        before = journal.released("pawsome")
        await gone_after(steps, api, "PATCH", path, api.key(), {"name": f"Sam {steps}"})
        with trio.fail_after(5):
            changed = await api.ask("PATCH", path, api.key(), {"role": "staff"})
        if journal.released("pawsome") == before + 2:
            name, kept = f"Sam {steps}", kept + 1
        assert changed.json["name"] == name
    assert 0 < kept < STEPS


@pytest.mark.requirement("R21")
async def test_a_business_that_was_given_up_has_its_location_or_is_none(api: ApiStage) -> None:
    for steps in range(STEPS):
        body = {"id": f"business-{steps}", "name": "Barkley"}
        await gone_after(steps, api, "POST", "/v1/businesses", api.stage.operator_key, body)
    listed = await api.ask("GET", "/v1/businesses", api.stage.operator_key)
    made = {business["id"] for business in listed.json["businesses"]}
    assert 1 < len(made) < STEPS + 1
    for business in made - {"pawsome"}:
        live = await api.stage.node.live(business)
        assert live is not None
        (location,) = await api.stage.node.queries.locations(live.state)
        assert location.id == "main"
