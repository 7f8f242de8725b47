"""How conversations start in a business: who gets into them, who may not, and whose they stay."""

from typing import Any

import pytest

from actors.business import ChangeBusiness, ChangePerson
from domain.events import Person
from domain.policies import Policies
from domain.profile import Profile
from domain.roles import Role
from tests.fixtures.api import ApiStage, Reply
from tests.fixtures.websockets import running_edge

NOBODY = {"kind": "group", "people": [], "id": "help"}
DAY = 86_400_000


async def book(api: ApiStage, id_: str, staff: str | None, days: float, **more: Any) -> None:
    """An appointment of an hour that begins so many days from now."""
    start = api.stage.clock.now + int(days * DAY)
    body = {
        "customer": "carla",
        "location": "main",
        "start": start,
        "end": start + 3_600_000,
        **({"staff": staff} if staff else {}),
        **more,
    }
    booked = await api.ask("PUT", f"/v1/appointments/{id_}", api.key(), body)
    assert booked.status == 200, booked.json


async def change(api: ApiStage, person: str, role: Role, **more: Any) -> None:
    profile = Profile(blocked=more.pop("blocked", False))
    someone = Person(person, person.title(), role, more.pop("active", True))
    await api.stage.change("pawsome", ChangePerson("test", None, someone, ("main",), profile))


async def start(api: ApiStage, person: str, **body: Any) -> Reply:
    return await api.ask("POST", "/v1/conversations", api.token(person), {**NOBODY, **body})


def people_in(reply: Reply) -> set[str]:
    assert reply.status == 201, reply.json
    return {member["person"] for member in reply.json["members"]}


# --- a customer starts ----------------------------------------------------------------------------


@pytest.mark.requirement("DT-18")
@pytest.mark.requirement("DT-20")
async def test_a_customer_who_names_nobody_gets_who_is_assigned_and_the_owner(
    api: ApiStage,
) -> None:
    await book(api, "a1", "sam", 1)
    started = await start(api, "carla")
    assert people_in(started) == {"carla", "sam", "olivia"}
    assert started.json["kind"] == "group"


@pytest.mark.requirement("DT-21")
@pytest.mark.parametrize(
    ("booked", "staff"),
    [
        ([], None),
        ([("sam", -0.01), ("max", 1)], "sam"),
        ([("sam", -5), ("max", 1)], "max"),
        ([("sam", 2), ("max", 1)], "max"),
        ([("sam", -5), ("max", -9)], "sam"),
        ([(None, 1), ("sam", 2)], "sam"),
    ],
    ids=["nobody", "current", "next before last", "next", "last", "with nobody"],
)
async def test_which_staff_it_is(
    api: ApiStage, booked: list[tuple[str | None, float]], staff: str | None
) -> None:
    for number, (who, days) in enumerate(booked):
        await book(api, f"a{number}", who, days)
    expected = {"carla", "olivia"} | ({staff} if staff else set())
    assert people_in(await start(api, "carla")) == expected


@pytest.mark.requirement("DT-21")
async def test_who_is_not_active_is_not_assigned(api: ApiStage) -> None:
    await book(api, "a1", "sam", 1)
    await change(api, "sam", Role.STAFF, active=False)
    assert people_in(await start(api, "carla")) == {"carla", "olivia"}


@pytest.mark.requirement("DT-20")
async def test_the_same_again_is_the_same_though_others_are_assigned(api: ApiStage) -> None:
    await book(api, "a1", "sam", 2)
    first = await start(api, "carla")
    await book(api, "a2", "max", 1)
    again = await start(api, "carla")
    assert again.json == first.json
    assert people_in(await start(api, "carla", id="more")) == {"carla", "max", "olivia"}
    assert (await start(api, "carla", title="Other")).code == "conflict"


@pytest.mark.requirement("DT-18")
async def test_the_team_names_somebody(api: ApiStage) -> None:
    for person in ("sam", "max", "olivia"):
        assert (await start(api, person)).code == "bad_request"


@pytest.mark.requirement("DT-24")
async def test_several_owners_are_in_what_a_customer_starts(api: ApiStage) -> None:
    await change(api, "otto", Role.OWNER)
    assert people_in(await start(api, "carla")) == {"carla", "olivia", "otto"}


# --- from an appointment --------------------------------------------------------------------------


async def tap(api: ApiStage, person: str, appointment: str) -> Reply:
    return await api.ask(
        "POST", f"/v1/appointments/{appointment}/conversation", api.token(person), {}
    )


@pytest.mark.requirement("DT-14")
async def test_each_tap_opens_the_customers_own_conversation(api: ApiStage) -> None:
    await book(api, "a1", "sam", 1)
    await book(api, "a2", "sam", 2)
    await book(api, "a3", "sam", 2, customer="mia")
    first = await tap(api, "sam", "a1")
    assert first.status == 200
    assert {m["person"] for m in first.json["members"]} == {"carla", "sam", "olivia"}
    assert (await tap(api, "sam", "a1")).json == first.json
    assert (await tap(api, "sam", "a2")).json == first.json
    assert (await tap(api, "carla", "a2")).json["id"] == first.json["id"]
    assert (await tap(api, "sam", "a3")).json["id"] != first.json["id"]
    own = await api.ask("POST", "/v1/people/carla/conversation", api.token("sam"), {})
    assert own.json["id"] == first.json["id"]


@pytest.mark.requirement("DT-14")
async def test_nobody_taps_what_they_do_not_see(api: ApiStage) -> None:
    await book(api, "a1", "sam", 1)
    assert (await tap(api, "mia", "a1")).code == "not_found"
    assert (await tap(api, "sam", "nowhere")).code == "not_found"
    await change(api, "carla", Role.CUSTOMER, active=False)
    assert (await tap(api, "sam", "a1")).code == "not_found"


# --- staff among themselves -----------------------------------------------------------------------


async def apart(api: ApiStage) -> None:
    """The business does without talk among its staff."""
    await change(api, "sue", Role.STAFF)
    policies = Policies(staff_to_staff=False)
    await api.stage.change("pawsome", ChangeBusiness("test", policies=policies))


@pytest.mark.requirement("DT-23")
@pytest.mark.parametrize(
    ("who", "people", "status"),
    [
        ("sam", ["sue"], 403),
        ("sam", ["max"], 403),
        ("max", ["sam"], 403),
        ("sam", ["sue", "olivia"], 403),
        ("sam", ["olivia"], 201),
        ("sam", ["carla", "sue"], 201),
        ("olivia", ["sam", "sue"], 201),
        ("carla", ["sam", "sue"], 201),
    ],
)
async def test_staff_do_not_start_among_themselves(
    api: ApiStage, who: str, people: list[str], status: int
) -> None:
    await apart(api)
    tried = await start(api, who, people=people, id="now")
    assert tried.status == status
    if status == 403:
        assert tried.code == "forbidden"
        assert "owner" in tried.json["detail"]
        if len(people) == 1:
            direct = await start(api, who, people=people, kind="direct")
            assert direct.code == "forbidden"


@pytest.mark.requirement("DT-23")
async def test_staff_do_not_add_one_another_where_no_customer_is(api: ApiStage) -> None:
    await start(api, "sam", people=["max"], id="before")
    await apart(api)
    await start(api, "sam", people=["olivia"], id="alone")
    await start(api, "sam", people=["carla"], id="customers")

    async def add(who: str, conversation: str) -> Reply:
        path = f"/v1/conversations/{conversation}/members"
        return await api.ask("POST", path, api.token(who), {"person": "sue"})

    assert (await add("sam", "alone")).code == "forbidden"
    assert (await add("sam", "before")).code == "forbidden"
    assert (await add("sam", "customers")).status == 200
    assert (await add("olivia", "alone")).status == 200
    message = {"client_message_id": "m1", "text": "Hi"}
    said = await api.ask("POST", "/v1/conversations/before/messages", api.token("sam"), message)
    assert said.status == 201  # what there is goes on
    assert (await start(api, "sam", people=["max"], id="before")).status == 201


@pytest.mark.requirement("DT-13")
@pytest.mark.requirement("DT-23")
async def test_the_search_offers_whom_one_may_talk_to(api: ApiStage) -> None:
    async def found(who: str) -> set[str]:
        reply = await api.ask("GET", "/v1/people?search=a", api.token(who))
        return {person["id"] for person in reply.json["people"]}

    assert await found("sam") == {"carla", "mia", "olivia", "max"}
    assert await found("carla") == {"olivia", "max", "sam"}
    await apart(api)
    assert await found("sam") == {"carla", "mia", "olivia"}
    assert await found("max") == {"carla", "mia", "olivia"}
    assert await found("olivia") == {"carla", "mia", "max", "sam"}
    assert await found("carla") == {"olivia", "max", "sam"}


# --- who is blocked -------------------------------------------------------------------------------


@pytest.mark.requirement("EX-32")
async def test_a_blocked_customer_reads_and_says_nothing(api: ApiStage) -> None:
    await start(api, "carla", people=["sam"])
    path = "/v1/conversations/help/messages"

    async def say(who: str, id_: str, text: str = "Hi") -> Reply:
        message = {"client_message_id": id_, "text": text}
        return await api.ask("POST", path, api.token(who), message)

    first = await say("carla", "m1")
    await change(api, "carla", Role.CUSTOMER, blocked=True)
    refused = await say("carla", "m2")
    assert (refused.status, refused.code) == (403, "forbidden")
    assert "The business takes no messages from you" in refused.json["detail"]
    assert (await say("carla", "m1")).json == first.json  # what was accepted stays so
    edited = await api.ask("PATCH", f"{path}/1", api.token("carla"), {"text": "Ho"})
    assert edited.code == "forbidden"
    assert (await start(api, "carla", id="new")).code == "forbidden"
    own = await api.ask("POST", "/v1/people/carla/conversation", api.token("carla"), {})
    assert own.code == "forbidden"
    people = await api.ask("GET", "/v1/people?search=a", api.token("carla"))
    assert people.json["people"] == []
    assert (await say("sam", "m1", "It is over")).status == 201
    read = await api.ask("GET", path, api.token("carla"))
    assert [m["text"] for m in read.json["messages"]] == ["Hi", "It is over"]
    await change(api, "carla", Role.CUSTOMER)
    assert (await say("carla", "m2")).status == 201


@pytest.mark.requirement("EX-32")
async def test_who_is_blocked_stays_so_over_a_start(api: ApiStage) -> None:
    await change(api, "carla", Role.CUSTOMER, blocked=True)
    await change(api, "max", Role.MANAGER, blocked=True)
    stored = await api.stage.node.queries.business("pawsome")
    assert stored is not None
    assert stored.blocked == {"carla"}


# --- a late message -------------------------------------------------------------------------------


async def test_a_late_message_of_who_has_gone_is_refused_and_stays_theirs(api: ApiStage) -> None:
    await start(api, "carla", people=["sam"])
    path, message = "/v1/conversations/help/messages", {"client_message_id": "m1", "text": "Late"}
    token = api.token("carla")
    await change(api, "carla", Role.CUSTOMER, active=False)
    refused = await api.ask("POST", path, token, message)
    assert (refused.status, refused.code) == (401, "unauthenticated")
    kept = await api.ask("GET", path, api.token("sam"))
    assert kept.json["messages"] == []
    await change(api, "carla", Role.CUSTOMER)
    made = await api.ask("POST", "/v1/tokens", api.key(), {"person": "carla"})
    new = made.json["token"]
    sent = await api.ask("POST", path, new, message)
    assert sent.status == 201
    assert (await api.ask("POST", path, new, message)).json == sent.json


# --- over a websocket -----------------------------------------------------------------------------


@pytest.mark.requirement("DT-20")
@pytest.mark.requirement("DT-21")
async def test_a_websocket_starts_the_same(api: ApiStage) -> None:
    command = {"type": "create", "kind": "group", "people": [], "conversation": "help"}
    async with running_edge(api.stage, api.app) as edge:
        socket = await edge.welcomed(api.token("mia"))
        alone = (await socket.ask(**{**command, "conversation": "alone"}))["conversation"]
        assert {m["person"] for m in alone["members"]} == {"mia", "olivia"}
        await book(api, "a1", "sam", 1)
        socket = await edge.welcomed(api.token("carla"))
        first = (await socket.ask(**command))["conversation"]
        assert {m["person"] for m in first["members"]} == {"carla", "sam", "olivia"}
        await book(api, "a2", "max", 0.5)
        again = (await socket.ask(**command))["conversation"]
        assert {m["person"] for m in again["members"]} == {"carla", "sam", "olivia"}
        over_http = await start(api, "carla")
        assert people_in(over_http) == {"carla", "sam", "olivia"}


@pytest.mark.requirement("EX-32")
async def test_a_blocked_customer_is_told_so_on_a_websocket(api: ApiStage) -> None:
    await start(api, "carla", people=["sam"])
    async with running_edge(api.stage, api.app) as edge:
        socket = await edge.welcomed(api.token("carla"))
        await change(api, "carla", Role.CUSTOMER, blocked=True)
        said = await socket.ask(type="send", conversation="help", client_message_id="m1", text="Hi")
        assert (said["type"], said["code"]) == ("error", "forbidden")
        assert said["client_message_id"] == "m1"
