"""What a business knows of people beside their names: who sees it, who changes it, who is found."""

from typing import Any

import pytest

from tests.fixtures.api import ApiStage

CONTACT = {
    "phones": ["+1 212 555 0100"],
    "email": "Carla@Example.COM",
    "email_verified": True,
    "consents": {"sms_transactional": True},
    "language": "en-us",
}
STORED = {
    "phones": ["+12125550100"],
    "email": "Carla@example.com",
    "email_verified": True,
    "app_installed": False,
    "consents": {
        "sms_transactional": True,
        "sms_marketing": False,
        "email_transactional": False,
        "email_marketing": False,
    },
    "language": "en-US",
}


async def put(api: ApiStage, person: str = "carla", /, **change: Any) -> dict[str, Any]:
    """Change somebody, which must succeed."""
    changed = await api.ask("PATCH", f"/v1/people/{person}", api.key(), change)
    assert changed.status == 200, changed.body
    shown: dict[str, Any] = changed.json
    return shown


async def found(api: ApiStage, query: str, key: str = "") -> tuple[list[str], bool]:
    reply = await api.ask("GET", f"/v1/people?{query}", key or api.key())
    assert reply.status == 200, reply.body
    return [person["id"] for person in reply.json["people"]], reply.json["ambiguous"]


@pytest.mark.requirement("TT-39")
async def test_a_contact_is_stored_in_its_normal_form(api: ApiStage) -> None:
    changed = await put(api, contact=CONTACT, household="vega", reference="crm-1")
    assert changed["contact"] == STORED
    assert (changed["household"], changed["reference"]) == ("vega", "crm-1")
    assert (await api.ask("GET", "/v1/people/carla", api.key())).json == changed


async def test_a_patch_of_a_contact_changes_what_it_names(api: ApiStage) -> None:
    await put(api, contact=CONTACT)
    assert (await put(api, contact={"consents": {"email_marketing": True}}))["contact"] == {
        **STORED,
        "consents": {**STORED["consents"], "email_marketing": True},  # type: ignore[dict-item]
    }
    other = await put(api, contact={"email": "c@example.com"})
    assert other["contact"]["email_verified"] is False, "another address is not verified"
    assert (await put(api, contact={"phones": []}))["contact"]["phones"] == []
    assert (await put(api, name="Carla V."))["contact"]["email"] == "c@example.com"


@pytest.mark.parametrize(
    ("contact", "field"),
    [
        ({"phones": ["212 555 0100"]}, "phones"),
        ({"phones": ["+1"]}, "phones"),
        ({"phones": ["+12125550100", "+1 212 555 0100"]}, "phones"),
        ({"phones": "+12125550100"}, "contact.phones"),
        ({"email": "carla"}, "email"),
        ({"email": "a b@example.com"}, "email"),
        ({"email": "", "email_verified": True}, "email_verified"),
        ({"language": "klingonish-1-2"}, "language"),
        ({"consents": {"fax": True}}, "fax"),
        ({"consents": {"sms_marketing": 1}}, "contact.consents.sms_marketing"),
    ],
)
async def test_a_contact_that_cannot_be(
    api: ApiStage, contact: dict[str, object], field: str
) -> None:
    refused = await api.ask("PATCH", "/v1/people/carla", api.key(), {"contact": contact})
    assert (refused.status, refused.code) == (400, "bad_request")
    assert f"'{field}'" in refused.json["detail"]
    shown = await api.ask("GET", "/v1/people/carla", api.key())
    assert "contact" not in shown.json


async def test_who_sees_how_a_customer_is_reached(api: ApiStage) -> None:
    await put(api, contact=CONTACT)
    await put(api, "sam", contact={"phones": ["+12125550199"]})

    async def shown(key: str, person: str) -> bool:
        return "contact" in (await api.ask("GET", f"/v1/people/{person}", key)).json

    for who in ("olivia", "max", "sam", "carla"):
        assert await shown(api.token(who), "carla"), who
    assert not await shown(api.token("carla"), "sam")
    await put(api, "sam", permissions=["inbox", "assign"])
    assert not await shown(api.token("sam"), "carla")
    assert await shown(api.token("sam"), "sam"), "one's own"
    assert await shown(api.token("max"), "sam")
    refused = await api.ask("GET", "/v1/people?phone=%2B12125550100", api.token("sam"))
    assert (refused.status, refused.code) == (403, "forbidden")


async def test_what_the_team_knows_of_a_customer_is_not_shown_to_them(api: ApiStage) -> None:
    known = await put(api, blocked=True, household="vega", reference="crm-1")
    assert {"blocked", "household", "reference", "enrolled"} <= known.keys()
    own = (await api.ask("GET", "/v1/people/carla", api.token("carla"))).json
    assert own.keys() == {"id", "name", "role", "active", "locations"}
    assert (await api.ask("GET", "/v1/people/carla", api.token("sam"))).json["blocked"] is True


@pytest.mark.requirement("EX-32", "TI-01")
@pytest.mark.parametrize("field", ["blocked", "enrolled"])
@pytest.mark.parametrize("said", [True, False])
async def test_only_of_a_customer_it_is_said_whether_they_are_blocked_or_enrolled(
    api: ApiStage, field: str, said: bool
) -> None:
    for role in ("owner", "manager", "staff"):
        new = {"id": "new", "name": "New", "role": role, field: said}
        refused = await api.ask("POST", "/v1/people", api.key(), new)
        assert (refused.status, refused.code) == (400, "bad_request")
        assert refused.json["detail"].startswith(f"'{field}': ")
    assert (await api.ask("GET", "/v1/people/new", api.key())).status == 404
    for person, change in (("sam", {}), ("olivia", {}), ("carla", {"role": "staff"})):
        path = f"/v1/people/{person}"
        refused = await api.ask("PATCH", path, api.key(), {**change, field: said})
        assert (refused.status, refused.code) == (400, "bad_request")
        assert refused.json["detail"].startswith(f"'{field}': ")
    new = {"id": "new", "name": "New", "role": "customer", field: said}
    assert (await api.ask("POST", "/v1/people", api.key(), new)).json[field] is said
    assert (await put(api, **{field: said}))[field] is said
    assert (await put(api, "sam", role="customer", **{field: said}))[field] is said


@pytest.mark.requirement("EX-32")
async def test_who_becomes_one_of_the_team_is_blocked_no_more(api: ApiStage) -> None:
    """So what is stored of the team says nothing that nobody is shown."""
    await put(api, blocked=True, enrolled=False)
    assert (await put(api, name="Carla V."))["blocked"] is True
    staff = await put(api, role="staff")
    assert not {"blocked", "enrolled"} & staff.keys()
    again = await put(api, role="customer")
    assert (again["blocked"], again["enrolled"]) == (False, True)


@pytest.mark.requirement("EX-31", "CL-04")
async def test_somebody_is_found_by_number_address_and_reference(api: ApiStage) -> None:
    await put(api, contact=CONTACT, reference="crm 1/ß")
    for query in (
        "phone=%2B12125550100",
        "phone=+12125550100",
        "phone=%2B1%20(212)%20555-0100",
        "email=carla@EXAMPLE.com",
        "reference=crm%201/%C3%9F",
    ):
        assert await found(api, query) == (["carla"], False), query
    assert await found(api, "phone=%2B12125550101") == ([], False)
    assert await found(api, "email=mia@example.com") == ([], False)
    await put(api, contact={"phones": ["+12125550111"], "email": ""})
    assert await found(api, "phone=%2B12125550100") == ([], False)
    assert await found(api, "email=carla@example.com") == ([], False)
    for query, field in (("phone=212", "'phone'"), ("phone=%2B1212&email=a@b.co", "reference")):
        refused = await api.ask("GET", f"/v1/people?{query}", api.key())
        assert (refused.status, refused.code) == (400, "bad_request")
        assert field in refused.json["detail"]


@pytest.mark.requirement("EX-31", "C-28")
async def test_a_number_of_no_common_household_is_ambiguous(api: ApiStage) -> None:
    phone, query = {"phones": ["+12125550100"]}, "phone=%2B12125550100"
    await put(api, contact=phone, household="vega")
    await put(api, "mia", contact=phone, household="vega")
    assert await found(api, query) == (["carla", "mia"], False)
    await put(api, "mia", household="")
    assert await found(api, query) == (["carla", "mia"], True)
    await put(api, "mia", contact={"phones": []})
    await put(api, "sam", contact=phone, household="vega")
    assert await found(api, query) == (["carla", "sam"], True)
    assert await found(api, query, api.token("sam")) == (["carla", "sam"], True)
    await put(api, "olivia", contact=phone)
    assert "olivia" not in (await found(api, query, api.token("sam")))[0]


async def test_a_customer_says_how_they_want_to_be_reached(api: ApiStage) -> None:
    await put(api, contact=CONTACT)
    carla = api.token("carla")
    said = {"app_installed": True, "language": "ES", "consents": {"sms_transactional": False}}
    changed = await api.ask("PATCH", "/v1/me/contact", carla, said)
    expected = {
        **STORED,
        "app_installed": True,
        "language": "es",
        "consents": {**STORED["consents"], "sms_transactional": False},  # type: ignore[dict-item]
    }
    assert (changed.status, changed.json) == (200, expected)
    assert (await api.ask("GET", "/v1/me/contact", carla)).json == expected
    assert (await api.ask("GET", "/v1/people/carla", api.key())).json["contact"] == expected
    before = api.stage.node.database.journal.released("pawsome")
    assert (await api.ask("PATCH", "/v1/me/contact", carla, said)).json == expected
    assert api.stage.node.database.journal.released("pawsome") == before
    for theirs in ({"phones": []}, {"email": "x@example.com"}, {"language": "no language"}):
        assert (await api.ask("PATCH", "/v1/me/contact", carla, theirs)).status == 400


async def test_another_role_has_what_is_usual_for_it(api: ApiStage) -> None:
    assert (await put(api, "sam", permissions=["inbox"]))["permissions"] == ["inbox"]
    assert (await put(api, "sam", name="Sam R."))["permissions"] == ["inbox"]
    promoted = await put(api, "sam", role="manager")
    assert promoted["permissions"] == ["inbox", "assign", "contacts"]
    fewer = await put(api, "sam", permissions=["contacts"])
    assert fewer["permissions"] == ["contacts"]
    usual = await put(api, "sam", permissions=None)
    assert usual["permissions"] == ["inbox", "assign", "contacts"]


@pytest.mark.parametrize(
    ("person", "permissions"),
    [
        ("sam", ["notes"]),
        ("carla", ["inbox"]),
        ("max", ["inbox"]),
        ("sam", ["fly"]),
        ("sam", "inbox"),
        ("olivia", []),
    ],
)
async def test_permissions_that_cannot_be(api: ApiStage, person: str, permissions: object) -> None:
    change = {"permissions": permissions}
    refused = await api.ask("PATCH", f"/v1/people/{person}", api.key(), change)
    assert (refused.status, refused.code) == (400, "bad_request")
    assert "'permissions" in refused.json["detail"]


async def test_a_manager_gives_only_what_they_have(api: ApiStage) -> None:
    await put(api, "max", permissions=["contacts"])
    await put(api, "sam", permissions=["contacts"])
    refused = await api.ask(
        "PATCH", "/v1/people/sam", api.token("max"), {"permissions": ["contacts", "inbox"]}
    )
    assert (refused.status, refused.code) == (403, "forbidden")
    taken = await api.ask("PATCH", "/v1/people/sam", api.token("max"), {"permissions": []})
    assert (taken.status, taken.json["permissions"]) == (200, [])


async def test_what_is_known_is_still_known_after_a_restart(api: ApiStage) -> None:
    await put(api, "sam", permissions=["inbox"])
    node = api.stage.node
    stored = await node.queries.business("pawsome")
    live = await node.live("pawsome")
    assert live is not None
    assert stored == live.state
    assert stored.team["sam"].permissions == {"inbox"}


@pytest.mark.parametrize("name", ["山田花子", "Ольга", "عائشة", "ꦱꦸꦫꦠ", "👩‍🍳 Zoë", "O'Brien-Ñandú"])
async def test_names_of_every_script(api: ApiStage, name: str) -> None:
    body = {"id": "nina", "name": name, "role": "customer", "reference": name}
    added = await api.ask("POST", "/v1/people", api.key(), body)
    assert (added.status, added.json["name"], added.json["reference"]) == (201, name, name)
