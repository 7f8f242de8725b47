"""Appointments are put by the scheduling product, and seen by the people in them."""

from typing import Any

import pytest

from tests.fixtures.api import ApiStage, Reply

START = 1_793_000_000_000
HOUR = 3_600_000
BOOKED = {
    "customer": "carla",
    "staff": "sam",
    "location": "main",
    "start": START,
    "end": START + HOUR,
    "status": "confirmed",
    "title": "Rex: wash & trim 🐕",
}


async def put(api: ApiStage, id_: str = "a1", /, **change: Any) -> Reply:
    body = {name: value for name, value in {**BOOKED, **change}.items() if value is not None}
    return await api.ask("PUT", f"/v1/appointments/{id_}", api.key(), body)


async def listed(api: ApiStage, query: str = "", key: str = "") -> list[str]:
    reply = await api.ask("GET", f"/v1/appointments?{query}", key or api.key())
    assert reply.status == 200, reply.body
    return [one["id"] for one in reply.json["appointments"]]


async def test_an_appointment_is_put_shown_changed_and_taken_back(api: ApiStage) -> None:
    first = await put(api)
    assert (first.status, first.json) == (200, {"id": "a1", **BOOKED})
    before = api.stage.node.database.journal.released("pawsome")
    assert (await put(api)).json == first.json
    assert api.stage.node.database.journal.released("pawsome") == before, "again is no change"
    assert (await api.ask("GET", "/v1/appointments/a1", api.key())).json == first.json
    moved = await put(api, staff=None, status="cancelled", title="")
    assert moved.json["status"] == "cancelled"
    assert "staff" not in moved.json
    assert (await api.ask("DELETE", "/v1/appointments/a1", api.key())).status == 200
    gone = [
        await api.ask("GET", "/v1/appointments/a1", api.key()),
        await api.ask("DELETE", "/v1/appointments/a1", api.key()),
        await api.ask("GET", "/v1/appointments/a2", api.token("carla")),
    ]
    assert {(reply.status, reply.body) for reply in gone} == {(404, gone[0].body)}


async def test_a_local_time_is_that_of_the_location(api: ApiStage) -> None:
    place = {"id": "ny", "name": "NY", "time_zone": "America/New_York"}
    await api.ask("POST", "/v1/locations", api.key(), place)
    local = {
        "start": {"date": "2026-10-26", "time": "09:00"},
        "end": {"date": "2026-10-26", "time": "10:30"},
    }
    rome = await put(api, **local)
    york = await put(api, "a2", location="ny", **local)
    assert rome.json["end"] - rome.json["start"] == HOUR * 3 // 2
    assert york.json["start"] - rome.json["start"] == 5 * HOUR, "Rome has left summer time"
    skipped = {"date": "2026-03-29", "time": "02:30"}
    refused = await put(api, "a3", start=skipped, end=skipped)
    assert (refused.status, refused.code) == (400, "bad_request")
    assert "skips 02:30" in refused.json["detail"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"customer": "nobody"}, "customer"),
        ({"customer": "sam"}, "customer"),
        ({"customer": "a b"}, "customer"),
        ({"staff": "mia"}, "staff"),
        ({"location": "nowhere"}, "location"),
        ({"end": START - 1}, "end"),
        ({"end": 253_370_764_800_000}, "end"),
        ({"start": -1}, "start"),
        ({"start": "now"}, "start"),
        ({"start": 1.5}, "start"),
        ({"start": {"date": "2026-06-01"}}, "start"),
        ({"start": {"date": "2026-06-31", "time": "09:00"}}, "start"),
        ({"status": "maybe"}, "status"),
        ({"title": 5}, "title"),
        ({"colour": "red"}, "colour"),
    ],
)
async def test_the_field_that_is_wrong_is_named(
    api: ApiStage, change: dict[str, Any], field: str
) -> None:
    refused = await put(api, **change)
    assert (refused.status, refused.code) == (400, "bad_request")
    assert f"'{field}" in refused.json["detail"]
    assert await listed(api) == []


async def test_who_sees_which_appointments(api: ApiStage) -> None:
    place = {"id": "north", "name": "North", "time_zone": "Europe/Rome"}
    await api.ask("POST", "/v1/locations", api.key(), place)
    await put(api, "carla-main")
    await put(api, "carla-north", location="north", staff=None)
    await put(api, "mia-north", customer="mia", location="north", staff="max")
    everything = ["carla-main", "carla-north", "mia-north"]
    for who, expected in (
        ("olivia", everything),
        ("max", everything),
        ("sam", ["carla-main"]),
        ("carla", ["carla-main", "carla-north"]),
        ("mia", ["mia-north"]),
    ):
        assert await listed(api, "", api.token(who)) == expected, who
        for one in everything:
            shown = await api.ask("GET", f"/v1/appointments/{one}", api.token(who))
            assert shown.status == (200 if one in expected else 404), (who, one)
    assert await listed(api, "customer=mia", api.token("carla")) == []
    await api.ask("PATCH", "/v1/people/sam", api.key(), {"permissions": []})
    assert await listed(api, "", api.token("sam")) == ["carla-main"], "their own"
    await put(api, "carla-main", staff=None)
    assert await listed(api, "", api.token("sam")) == []


@pytest.mark.requirement("DT-14", "DT-21")
async def test_staff_of_another_location_are_taken_and_see_no_more_of_this_one(
    api: ApiStage,
) -> None:
    """They see this appointment and are assigned to its customer, not what else is at the place."""
    place = {"id": "north", "name": "North", "time_zone": "Europe/Rome"}
    await api.ask("POST", "/v1/locations", api.key(), place)
    tess = {"id": "tess", "name": "Tess", "role": "staff", "locations": ["north"]}
    await api.ask("POST", "/v1/people", api.key(), tess)
    await put(api, "mia-main", customer="mia")
    talk = await api.ask("POST", "/v1/people/mia/conversation", api.token("mia"), {})
    path = f"/v1/conversations/{talk.json['id']}"
    said = {"client_message_id": "m1", "text": "Hello"}
    assert (await api.ask("POST", f"{path}/messages", api.token("mia"), said)).status == 201
    assert (await put(api, "carla-main", staff="tess")).status == 200

    async def asks(address: str) -> Reply:
        return await api.ask("GET", address, api.token("tess"))

    seen = (await asks("/v1/appointments")).json["appointments"]
    assert [one["id"] for one in seen] == ["carla-main"]
    for hidden in ("/v1/appointments/mia-main", "/v1/locations/main/queue", path):
        assert (await asks(hidden)).status in {403, 404}, hidden
    assert (await asks("/v1/conversations")).json["conversations"] == []
    assert (await asks("/v1/people/tess")).json["locations"] == ["north"]
    body = {"kind": "group", "people": [], "id": "help"}
    begun = await api.ask("POST", "/v1/conversations", api.token("carla"), body)
    assert {member["person"] for member in begun.json["members"]} == {"carla", "tess", "olivia"}


async def test_an_appointment_of_who_has_gone_is_taken_and_brings_nobody_back(
    api: ApiStage,
) -> None:
    """So the scheduling product can say that it was cancelled."""
    assert (await put(api)).status == 200
    for person in ("carla", "sam"):
        await api.ask("PATCH", f"/v1/people/{person}", api.key(), {"active": False})
    cancelled = await put(api, status="cancelled")
    assert (cancelled.status, cancelled.json["status"]) == (200, "cancelled")
    assert (await put(api, "a2")).status == 200
    for person in ("carla", "sam"):
        shown = await api.ask("GET", f"/v1/people/{person}", api.key())
        assert shown.json["active"] is False
        assert (await api.ask("GET", "/v1/appointments/a2", api.token(person))).status == 401
    tapped = await api.ask("POST", "/v1/appointments/a2/conversation", api.token("olivia"), {})
    assert tapped.code == "not_found"


async def test_lists_have_pages_and_filters(api: ApiStage) -> None:
    for number in range(5):
        await put(api, f"a:{number}", start=START + number // 2 * HOUR, end=START + 9 * HOUR)
    found: list[str] = []
    query = "limit=2"
    while True:
        page = (await api.ask("GET", f"/v1/appointments?{query}", api.key())).json
        found += [one["id"] for one in page["appointments"]]
        if "next" not in page:
            break
        query = f"limit=2&after={page['next']}"
    assert found == [f"a:{number}" for number in range(5)]
    assert await listed(api, f"start={START + HOUR}&until={START + 2 * HOUR}") == ["a:2", "a:3"]
    assert await listed(api, "customer=mia") == []
    assert await listed(api, "location=main&staff=sam&limit=1") == ["a:0"]
    for query in ("after=x", "start=-1", "limit=x", "customer=a%20b", "day=1"):
        assert (await api.ask("GET", f"/v1/appointments?{query}", api.key())).status == 400, query


@pytest.mark.requirement("DT-20", "MT-R7")
async def test_what_routing_asks_of_appointments(api: ApiStage) -> None:
    place = {"id": "north", "name": "North", "time_zone": "Europe/Rome"}
    await api.ask("POST", "/v1/locations", api.key(), place)
    live = await api.stage.node.live("pawsome")
    assert live is not None
    before = live.state.stamp("carla")
    await put(api, "past", location="north", staff="max")
    await put(api, "later", start=START + 9 * HOUR, end=START + 10 * HOUR)
    queries, state = api.stage.node.queries, live.state
    assert state.stamp("carla") > before
    assert await queries.last_location(state, "carla", START + 1) == "north"
    assert await queries.assigned_staff(state, "carla", START + 1) == "max"
    assert await queries.assigned_staff(state, "carla", START + 2 * HOUR) == "sam"
    coming = await queries.next_appointment(state, "carla", START + 1)
    assert coming is not None
    assert coming.id == "later"
    await api.ask("POST", "/v1/locations/north/merge", api.key(), {"into": "main"})
    assert await queries.last_location(state, "carla", START + 1) == "main"
