"""EX-24: the business says whether its team shares what is unread where a customer is."""

from typing import Any

from tests.fixtures.api import ApiStage

TALK = "/v1/conversations/c1"


async def ask(api: ApiStage, person: str, method: str, path: str, body: object = None) -> Any:
    reply = await api.ask(method, path, api.token(person), body)
    assert reply.status < 300, reply.body
    return reply.json


async def share(api: ApiStage, unread: str = "team") -> None:
    await ask(api, "olivia", "PATCH", "/v1/business", {"policies": {"unread": unread}})


async def group(api: ApiStage, id_: str, *people: str) -> None:
    body = {"kind": "group", "people": list(people), "id": id_}
    await ask(api, "sam", "POST", "/v1/conversations", body)


async def say(api: ApiStage, person: str, id_: str, talk: str = TALK) -> None:
    body = {"client_message_id": id_, "text": id_}
    await ask(api, person, "POST", f"{talk}/messages", body)


async def read(api: ApiStage, person: str, up_to: int, talk: str = TALK) -> None:
    await ask(api, person, "POST", f"{talk}/receipts", {"read_up_to": up_to})


async def counts(api: ApiStage, *people: str, talk: str = "c1") -> list[int]:
    """As their lists say, and the same by what `unread=true` leaves and by the one picture."""
    found = []
    for person in people:
        listed = (await ask(api, person, "GET", "/v1/conversations"))["conversations"]
        unread = {each["id"]: each["unread"] for each in listed}[talk]
        left = await ask(api, person, "GET", "/v1/conversations?unread=true")
        assert (talk in {each["id"] for each in left["conversations"]}) == (unread > 0)
        picture = await ask(api, person, "GET", f"/v1/conversations/{talk}")
        assert picture["unread"] == unread
        found.append(unread)
    return found


async def test_ex24_what_one_of_the_team_has_read_is_unread_for_none(api: ApiStage) -> None:
    await group(api, "c1", "sam", "max", "carla", "mia")
    for number in range(3):
        await say(api, "carla", f"c{number}")
    await say(api, "mia", "mia")
    everybody = ("olivia", "max", "sam", "carla", "mia")
    await share(api)
    assert await counts(api, *everybody) == [4, 4, 4, 1, 3]
    await read(api, "sam", 2)
    assert await counts(api, *everybody) == [2, 2, 2, 1, 3]
    await read(api, "olivia", 1)
    assert await counts(api, *everybody) == [2, 2, 2, 1, 3], "the team has read farther"
    await read(api, "mia", 4)
    assert await counts(api, *everybody) == [2, 2, 2, 1, 0], "a customer reads for nobody else"
    await share(api, "personal")
    assert await counts(api, *everybody) == [3, 4, 2, 1, 0], "each as far as they read themselves"
    await share(api)
    assert await counts(api, *everybody) == [2, 2, 2, 1, 0], "it was noted all the time"


async def test_ex24_what_the_team_says_is_unread_for_customers_alone(api: ApiStage) -> None:
    await group(api, "c1", "sam", "max", "carla")
    await share(api)
    await say(api, "sam", "s1")
    assert await counts(api, "olivia", "max", "sam", "carla") == [0, 0, 0, 1]
    await say(api, "carla", "c1")
    await ask(api, "carla", "DELETE", f"{TALK}/messages/2")
    assert await counts(api, "olivia", "max", "sam", "carla") == [0, 0, 0, 1]


async def test_ex24_who_reads_and_goes_leaves_it_read(api: ApiStage) -> None:
    await group(api, "c1", "sam", "max", "carla")
    await share(api)
    await say(api, "carla", "c1")
    await read(api, "sam", 1)
    await ask(api, "olivia", "DELETE", f"{TALK}/members/sam")
    assert await counts(api, "olivia", "max") == [0, 0]
    await ask(api, "olivia", "POST", f"{TALK}/members", {"person": "sam"})
    assert await counts(api, "olivia", "max", "sam") == [0, 0, 0], "also for who comes back"


async def test_ex24_among_themselves_everybody_reads_for_themselves(api: ApiStage) -> None:
    await group(api, "c1", "sam", "max")
    await share(api)
    await say(api, "sam", "s1")
    await read(api, "olivia", 1)
    assert await counts(api, "olivia", "max", "sam") == [0, 1, 0]
    await ask(api, "sam", "POST", f"{TALK}/members", {"person": "carla"})
    assert await counts(api, "olivia", "max", "sam") == [0, 0, 0], "a customer is there now"
    await ask(api, "sam", "DELETE", f"{TALK}/members/carla")
    assert await counts(api, "olivia", "max", "sam") == [0, 1, 0]


async def test_ex24_how_far_the_team_has_read_is_shown_to_it_where_it_counts(
    api: ApiStage,
) -> None:
    await group(api, "c1", "sam", "max", "carla")
    await group(api, "c2", "sam", "max")
    await say(api, "carla", "c1")

    async def shown(person: str, talk: str) -> Any:
        picture = await ask(api, person, "GET", f"/v1/conversations/{talk}")
        return picture.get("team_read_up_to"), picture["revision"]

    assert [(await shown(p, "c1"))[0] for p in ("olivia", "max", "carla")] == [None, None, None]
    await share(api)
    assert [(await shown(p, "c1"))[0] for p in ("olivia", "max", "carla")] == [0, 0, None]
    before = {person: (await shown(person, "c1"))[1] for person in ("olivia", "max", "carla")}
    await ask(api, "sam", "PATCH", "/v1/me", {"read_receipts": False})
    await ask(api, "sam", "POST", f"{TALK}/receipts", {"delivered_up_to": 1})
    hidden = {person: (await shown(person, "c1"))[1] for person in ("olivia", "max", "carla")}
    await read(api, "sam", 1)
    assert [(await shown(p, "c1"))[0] for p in ("olivia", "max", "carla")] == [1, 1, None]
    after = {person: (await shown(person, "c1"))[1] for person in ("olivia", "max", "carla")}
    assert after["max"] > hidden["max"] > before["max"], "its revision covers it"
    assert after["carla"] == hidden["carla"], "a reading that is hidden moves nothing of hers"
    assert (await shown("max", "c2"))[0] is None
