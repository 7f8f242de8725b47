"""The matrix: for every operation of the HTTP API and of the websocket, who may, and about what.

It is written down a second time here, apart from the code, so that a change of either shows.
"""

from dataclasses import dataclass, field
from typing import Any

CUSTOMER, STAFF, MANAGER, OWNER = "customer", "staff", "manager", "owner"
PERSON = frozenset({CUSTOMER, STAFF, MANAGER, OWNER})
TEAM = PERSON - {CUSTOMER}
LEADERS = frozenset({MANAGER, OWNER})
OWNERS = frozenset({OWNER})
BUSINESS = frozenset({"business"})
OPERATOR = frozenset({"operator"})
ANYBODY = frozenset({"nobody", "operator", "business", *PERSON})


@dataclass(frozen=True)
class Ask:
    """One way to ask for an operation; see `world.Caller.filled` for what begins with ``@``.

    ``success``: the status for who may, about what is theirs. ``missing``: about what is foreign
    or nowhere; ``None``: the request names nothing. ``instead``: other answers for some ranks,
    about what is theirs. ``octets``: a body that is no JSON.
    """

    may: frozenset[str]
    path: str
    body: Any = None
    success: int = 200
    missing: int | None = None
    instead: dict[str, int] = field(default_factory=dict)
    missing_instead: dict[str, int] = field(default_factory=dict)
    octets: bytes | None = None


_TALK = "/v1/conversations/@t-talk"
_MY_TALK = "/v1/conversations/@o-talk"
_SENT = {"client_message_id": "matrix", "text": "Hi"}
_LEFT_OPEN = {**_SENT, "text": "Hi {customer.name}", "saved_reply": "@t-open"}
_REPLY = {"title": "New", "text": "Hi {customer.name}"}
_NEW = {"name": "New", "role": "customer"}
VISIT_MS = 1_700_000_000_000
_BOOKED = {"customer": "@o-guest", "location": "@o-place", "start": VISIT_MS, "end": VISIT_MS + 1}
_HOOK = {"url": "https://hook.invalid/", "events": ["message.sent"]}
_SEND_HOOK = {"url": "https://hook.invalid/", "deadline_ms": 50, "on_failure": "allow"}
_WEBHOOK = "/v1/webhooks/@t-hook"
_RELEASE = {"kind": "conversations", "id": "p-talk"}

HTTP: dict[str, tuple[Ask, ...]] = {
    "POST /v1/businesses": (Ask(OPERATOR, "/v1/businesses", {"name": "New"}, success=201),),
    "GET /v1/businesses": (Ask(OPERATOR, "/v1/businesses"),),
    "PUT /v1/businesses/{business}/parent": (
        Ask(OPERATOR, "/v1/businesses/@business/parent", {"parent": None}),
        Ask(OPERATOR, "/v1/businesses/@business/parent", {"parent": "nowhere"}, success=400),
    ),
    "GET /v1/business": (Ask(BUSINESS | PERSON, "/v1/business"),),
    "PATCH /v1/business": (Ask(BUSINESS | OWNERS, "/v1/business", {"last_seen": True}),),
    "GET /v1/locations": (Ask(BUSINESS | PERSON, "/v1/locations"),),
    "POST /v1/locations": (
        Ask(BUSINESS | OWNERS, "/v1/locations", {"name": "L", "time_zone": "UTC"}, success=201),
    ),
    "GET /v1/locations/{location}": (
        Ask(BUSINESS | PERSON, "/v1/locations/@t-place", missing=404),
    ),
    "GET /v1/locations/{location}/queue": (
        Ask(TEAM, "/v1/locations/@t-desk/queue", missing=404),
        Ask(TEAM, "/v1/locations/@o-desk/queue?waiting=true"),
        Ask(TEAM, "/v1/locations/@t-shed/queue", missing=404, instead={STAFF: 404, MANAGER: 404}),
    ),
    "PATCH /v1/locations/{location}": (
        Ask(BUSINESS | OWNERS, "/v1/locations/@t-place", {"name": "Place"}, missing=404),
    ),
    "POST /v1/locations/{location}/close": (
        Ask(BUSINESS | OWNERS, "/v1/locations/@t-shed/close", missing=404),
    ),
    "POST /v1/locations/{location}/reopen": (
        Ask(BUSINESS | OWNERS, "/v1/locations/@t-shed/reopen", missing=404),
    ),
    "POST /v1/locations/{location}/merge": (
        Ask(BUSINESS | OWNERS, "/v1/locations/@t-hut/merge", {"into": "@o-place"}, missing=404),
        Ask(BUSINESS | OWNERS, "/v1/locations/@o-hut/merge", {"into": "@t-place"}, missing=400),
    ),
    "GET /v1/people": (
        Ask(BUSINESS | PERSON, "/v1/people"),
        Ask(BUSINESS | PERSON, "/v1/people?search=@t-helper", missing=200),
        Ask(BUSINESS | PERSON, "/v1/people?after=z"),
        Ask(BUSINESS | TEAM, "/v1/people?reference=@t-known", missing=200),
        Ask(BUSINESS | TEAM, "/v1/people?email=@t-guest@example.com", missing=200),
        Ask(BUSINESS | TEAM, "/v1/people?phone=%2B12125550100"),
    ),
    "POST /v1/people": (
        Ask(BUSINESS | LEADERS, "/v1/people", _NEW, success=201),
        Ask(BUSINESS | LEADERS, "/v1/people", {**_NEW, "role": "staff"}, success=201),
        Ask(
            BUSINESS | LEADERS,
            "/v1/people",
            {**_NEW, "locations": ["@t-place"]},
            success=201,
            missing=400,
        ),
        Ask(
            BUSINESS | LEADERS,
            "/v1/people",
            {**_NEW, "role": "manager"},
            success=201,
            instead={MANAGER: 403},
        ),
    ),
    "GET /v1/people/{person}": (
        Ask(BUSINESS | PERSON, "/v1/people/@t-helper", missing=404),
        Ask(BUSINESS | PERSON, "/v1/people/@t-guest", missing=404, instead={CUSTOMER: 404}),
    ),
    "PATCH /v1/people/{person}": (
        Ask(BUSINESS | LEADERS, "/v1/people/@t-guest", {"name": "Guest"}, missing=404),
        Ask(
            BUSINESS | LEADERS,
            "/v1/people/@t-owner",
            {"name": "Owner"},
            missing=404,
            instead={MANAGER: 403},
        ),
        Ask(
            BUSINESS | LEADERS,
            "/v1/people/@o-guest",
            {"locations": ["@t-place"]},
            missing=400,
        ),
    ),
    "POST /v1/people/{person}/revoke": (
        Ask(BUSINESS | LEADERS, "/v1/people/@t-victim/revoke", missing=404),
        Ask(
            BUSINESS | LEADERS,
            "/v1/people/@t-second/revoke",
            missing=404,
            instead={MANAGER: 403},
        ),
    ),
    "GET /v1/people/{person}/export": (
        Ask(BUSINESS | OWNERS, "/v1/people/@t-guest/export", missing=404),
    ),
    "POST /v1/people/{person}/erase": (
        Ask(BUSINESS | OWNERS, "/v1/people/@t-goner/erase", missing=404),
    ),
    "PUT /v1/people/{person}/hold": (
        Ask(BUSINESS | OWNERS, "/v1/people/@t-guest/hold", missing=404),
    ),
    "DELETE /v1/people/{person}/hold": (
        Ask(BUSINESS | OWNERS, "/v1/people/@t-guest/hold", missing=404),
    ),
    "PUT /v1/conversations/{conversation}/hold": (
        Ask(BUSINESS | OWNERS, f"{_TALK}/hold", missing=404),
    ),
    "DELETE /v1/conversations/{conversation}/hold": (
        Ask(BUSINESS | OWNERS, f"{_TALK}/hold", missing=404),
    ),
    "POST /v1/ownership": (
        # To a customer: a rule forbids it, to whoever may transfer at all.
        Ask(
            BUSINESS | OWNERS,
            "/v1/ownership",
            {"from": "@o-owner", "to": "@t-guest", "new_role": "manager"},
            success=400,
            missing=404,
        ),
        Ask(
            BUSINESS | OWNERS,
            "/v1/ownership",
            {"from": "@t-owner", "to": "@o-guest", "new_role": "manager"},
            success=400,
            missing=404,
        ),
    ),
    "PUT /v1/appointments/{appointment}": (
        Ask(BUSINESS, "/v1/appointments/new", {**_BOOKED, "customer": "@t-guest"}, missing=400),
        Ask(BUSINESS, "/v1/appointments/new", {**_BOOKED, "staff": "@t-helper"}, missing=400),
        Ask(BUSINESS, "/v1/appointments/new", {**_BOOKED, "location": "@t-place"}, missing=400),
    ),
    "GET /v1/appointments/{appointment}": (
        Ask(BUSINESS | PERSON, "/v1/appointments/@t-visit", missing=404),
        Ask(
            BUSINESS | PERSON,
            "/v1/appointments/@t-other",
            missing=404,
            instead={CUSTOMER: 404, STAFF: 404},
        ),
    ),
    "DELETE /v1/appointments/{appointment}": (
        Ask(BUSINESS, "/v1/appointments/@t-spare", missing=404),
    ),
    "GET /v1/appointments": (
        Ask(BUSINESS | PERSON, "/v1/appointments?limit=1"),
        Ask(BUSINESS | PERSON, "/v1/appointments?customer=@t-guest", missing=200),
        Ask(BUSINESS | PERSON, "/v1/appointments?location=@t-hut", missing=200),
    ),
    "POST /v1/imports": (Ask(BUSINESS, "/v1/imports", {"id": "matrix"}, success=201),),
    "GET /v1/imports/{name}": (Ask(BUSINESS, "/v1/imports/@t-import", missing=404),),
    "POST /v1/imports/{name}/records": (
        Ask(BUSINESS, "/v1/imports/@t-import/records", {"first": 1, "records": [1]}, missing=404),
    ),
    "GET /v1/imports/{name}/refused": (
        Ask(BUSINESS, "/v1/imports/@t-import/refused", missing=404),
    ),
    "POST /v1/imports/{name}/finish": (Ask(BUSINESS, "/v1/imports/@t-spent/finish", missing=404),),
    "POST /v1/tokens": (
        Ask(BUSINESS, "/v1/tokens", {"person": "@t-customer"}, success=201, missing=404),
    ),
    "POST /v1/tokens/revoke": (
        Ask(BUSINESS, "/v1/tokens/revoke", {"token_id": "@t-token"}, missing=200),
    ),
    "POST /v1/operator/tokens": (
        Ask(
            OPERATOR,
            "/v1/operator/tokens",
            {"business": "@business", "person": "@t-customer"},
            success=201,
            missing=404,
        ),
        Ask(
            OPERATOR,
            "/v1/operator/tokens",
            {"business": "nowhere", "person": "@o-customer"},
            success=404,
        ),
    ),
    "GET /v1/keys": (Ask(BUSINESS | OWNERS, "/v1/keys"),),
    "POST /v1/keys": (
        Ask(BUSINESS | OWNERS, "/v1/keys", {"name": "K", "scopes": ["people:read"]}, success=201),
    ),
    "DELETE /v1/keys/{key}": (Ask(BUSINESS | OWNERS, "/v1/keys/@t-key", missing=404),),
    "GET /v1/audit": (
        Ask(BUSINESS | OWNERS, "/v1/audit?limit=1&before=3"),
        Ask(BUSINESS | OWNERS, "/v1/audit?person=@t-nobody", missing=200),
    ),
    # Whoever may try: what is tried here is malformed, or has no cookie, so nobody has to wait.
    "POST /v1/sign-in": (
        Ask(ANYBODY, "/v1/sign-in", {"email": "@t-helper@x.example"}, success=400, missing=400),
    ),
    "POST /v1/sign-in/refresh": (Ask(ANYBODY, "/v1/sign-in/refresh", {}, success=403),),
    "DELETE /v1/sign-in": (Ask(ANYBODY, "/v1/sign-in", success=403),),
    "POST /v1/sign-in/link": (Ask(ANYBODY, "/v1/sign-in/link", {}, success=400),),
    "POST /v1/sign-in/link/redeem": (
        Ask(ANYBODY, "/v1/sign-in/link/redeem", {"link": "nothing"}, success=401),
    ),
    "POST /v1/setup": (
        Ask(
            ANYBODY,
            "/v1/setup",
            {
                "setup_token": "nothing",
                "business": "B",
                "name": "N",
                "email": "n@b.example",
                "password": "a walk in the rain",
            },
            success=404,
        ),
    ),
    "PUT /v1/people/{person}/account": (
        Ask(
            BUSINESS | LEADERS,
            "/v1/people/@t-helper/account",
            {"email": "@t-helper@x.example"},
            missing=404,
        ),
        Ask(
            BUSINESS | LEADERS,
            "/v1/people/@t-second/account",
            {"email": "@t-second@x.example"},
            missing=404,
            instead={MANAGER: 403},
        ),
        Ask(
            BUSINESS | LEADERS,
            "/v1/people/@t-guest/account",
            {"email": "@t-guest@x.example"},
            success=409,
            missing=404,
        ),
    ),
    "GET /v1/people/{person}/account": (
        Ask(BUSINESS | LEADERS, "/v1/people/@t-helper/account", missing=404),
        Ask(BUSINESS | LEADERS, "/v1/people/@t-guest/account", success=404, missing=404),
    ),
    "DELETE /v1/people/{person}/account": (
        Ask(BUSINESS | LEADERS, "/v1/people/@t-ghost/account", missing=404),
        Ask(
            BUSINESS | LEADERS,
            "/v1/people/@t-second/account",
            missing=404,
            instead={MANAGER: 403},
        ),
    ),
    "POST /v1/people/{person}/account/link": (
        Ask(BUSINESS | LEADERS, "/v1/people/@t-helper/account/link", success=201, missing=404),
        Ask(
            BUSINESS | LEADERS,
            "/v1/people/@t-manager/account/link",
            success=404,
            missing=404,
            instead={MANAGER: 403},
        ),
    ),
    "GET /v1/people/{person}/sessions": (
        Ask(BUSINESS | OWNERS, "/v1/people/@t-helper/sessions", missing=404),
    ),
    "DELETE /v1/people/{person}/sessions/{session}": (
        Ask(
            BUSINESS | OWNERS,
            "/v1/people/@t-helper/sessions/@t-session",
            success=404,
            missing=404,
        ),
    ),
    "GET /v1/me/sessions": (Ask(PERSON, "/v1/me/sessions"),),
    "DELETE /v1/me/sessions/{session}": (
        Ask(PERSON, "/v1/me/sessions/@t-session", success=404, missing=404),
    ),
    "POST /v1/me/password": (
        # None of them has an account.
        Ask(PERSON, "/v1/me/password", {"new": "a walk in the rain"}, success=404),
    ),
    "POST /v1/operator/accounts": (
        Ask(
            OPERATOR,
            "/v1/operator/accounts",
            {"business": "@business", "person": "@t-helper", "email": "@t-helper@x.example"},
            success=201,
            missing=404,
        ),
    ),
    "GET /v1/conversations": (
        Ask(PERSON, "/v1/conversations"),
        Ask(PERSON, "/v1/conversations?before=0"),
    ),
    "POST /v1/conversations": (
        Ask(
            PERSON,
            "/v1/conversations",
            {"kind": "group", "people": ["@t-helper"]},
            success=201,
            missing=404,
        ),
        Ask(
            PERSON,
            "/v1/conversations",
            {"kind": "direct", "people": ["@t-guest"]},
            success=201,
            missing=404,
            instead={CUSTOMER: 404},
        ),
        Ask(
            PERSON,
            "/v1/conversations",
            {"kind": "group", "people": ["@o-helper", "@t-victim"]},
            success=201,
            missing=404,
        ),
    ),
    "GET /v1/conversations/{conversation}": (Ask(PERSON, _TALK, missing=404),),
    "POST /v1/conversations/{conversation}/members": (
        Ask(TEAM, f"{_TALK}/members", {"person": "@o-guest"}, missing=404),
        Ask(TEAM, f"{_MY_TALK}/members", {"person": "@t-guest"}, missing=404),
    ),
    "DELETE /v1/conversations/{conversation}/members/{person}": (
        Ask(PERSON, f"{_TALK}/members/@o-ghost", missing=404, instead={CUSTOMER: 403}),
        Ask(
            PERSON,
            f"{_MY_TALK}/members/@t-ghost",
            missing=200,
            instead={CUSTOMER: 403},
            missing_instead={CUSTOMER: 403},
        ),
        Ask(PERSON, f"{_MY_TALK}/members/@o-owner", success=409),
    ),
    "GET /v1/conversations/{conversation}/messages": (
        Ask(PERSON, f"{_TALK}/messages", missing=404),
        Ask(PERSON, f"{_TALK}/messages?after=0&limit=1", missing=404),
    ),
    "POST /v1/conversations/{conversation}/messages": (
        Ask(PERSON, f"{_TALK}/messages", _SENT, success=201, missing=404),
        Ask(PERSON, f"{_TALK}/messages", _LEFT_OPEN, success=409, missing=409),
        Ask(
            PERSON,
            f"{_MY_TALK}/messages",
            {"client_message_id": "file", "text": "Hi", "attachments": ["@t-file-helper"]},
            success=404,
            missing=404,
        ),
    ),
    "PATCH /v1/conversations/{conversation}/messages/{seq}": (
        Ask(PERSON, f"{_TALK}/messages/@mine", {"text": "Ho"}, missing=404),
        Ask(PERSON, f"{_TALK}/messages/@theirs", {"text": "Ho"}, success=403, missing=404),
        Ask(PERSON, f"{_MY_TALK}/messages/99999", {"text": "Ho"}, success=404),
    ),
    "DELETE /v1/conversations/{conversation}/messages/{seq}": (
        Ask(PERSON, f"{_TALK}/messages/@delete", missing=404),
        Ask(PERSON, f"{_MY_TALK}/messages/99999", success=404),
    ),
    "POST /v1/conversations/{conversation}/mark": (
        Ask(PERSON, f"{_TALK}/mark", {"unread": True}, missing=404),
        Ask(PERSON, f"{_MY_TALK}/mark", {"unread": False}),
    ),
    "GET /v1/conversations/{conversation}/notes": (
        Ask(TEAM, f"{_TALK}/notes", missing=404),
        Ask(TEAM, f"{_MY_TALK}/notes?before=1&limit=1"),
    ),
    "POST /v1/conversations/{conversation}/notes": (
        Ask(TEAM, f"{_TALK}/notes", {"text": "Hi"}, success=201, missing=404),
        Ask(
            TEAM,
            f"{_MY_TALK}/notes",
            {"text": "Hi", "mentions": ["@t-helper"]},
            success=201,
            missing=400,
        ),
        Ask(TEAM, f"{_MY_TALK}/notes", {"text": "Hi", "mentions": ["@o-customer"]}, success=400),
    ),
    "PATCH /v1/conversations/{conversation}/notes/{note}": (
        Ask(TEAM, f"{_TALK}/notes/@mine", {"text": "Ho"}, missing=404),
        Ask(
            TEAM,
            f"{_TALK}/notes/@theirs",
            {"text": "Ho"},
            success=403,
            missing=404,
            instead={OWNER: 200},
        ),
        Ask(TEAM, f"{_MY_TALK}/notes/nowhere", {"text": "Ho"}, success=404),
    ),
    "DELETE /v1/conversations/{conversation}/notes/{note}": (
        Ask(TEAM, f"{_TALK}/notes/@delete", missing=404),
        Ask(TEAM, f"{_MY_TALK}/notes/nowhere", success=404),
    ),
    "GET /v1/conversations/{conversation}/messages/{seq}/receipts": (
        Ask(PERSON, f"{_TALK}/messages/@theirs/receipts", missing=404),
        Ask(PERSON, f"{_MY_TALK}/messages/99999/receipts", success=404),
    ),
    "GET /v1/conversations/{conversation}/messages/{seq}/versions": (
        Ask(PERSON, f"{_TALK}/messages/@mine/versions", missing=404),
        Ask(
            PERSON,
            f"{_TALK}/messages/@theirs/versions",
            success=404,
            missing=404,
            instead={OWNER: 200},
        ),
        Ask(PERSON, f"{_MY_TALK}/messages/99999/versions", success=404),
    ),
    "POST /v1/conversations/{conversation}/receipts": (
        Ask(PERSON, f"{_TALK}/receipts", {"read_up_to": 3}, missing=404),
    ),
    "GET /v1/saved-replies": (
        Ask(BUSINESS | TEAM, "/v1/saved-replies"),
        Ask(BUSINESS | TEAM, "/v1/saved-replies?location=@t-place", missing=200),
    ),
    "POST /v1/saved-replies": (
        Ask(BUSINESS | LEADERS, "/v1/saved-replies", _REPLY, success=201),
        Ask(
            BUSINESS | LEADERS,
            "/v1/saved-replies",
            {**_REPLY, "location": "@t-place"},
            success=201,
            missing=400,
        ),
    ),
    "GET /v1/saved-replies/{saved_reply}": (
        Ask(BUSINESS | TEAM, "/v1/saved-replies/@t-reply", missing=404),
    ),
    "PATCH /v1/saved-replies/{saved_reply}": (
        Ask(BUSINESS | LEADERS, "/v1/saved-replies/@t-reply", {"title": "Reply"}, missing=404),
        Ask(
            BUSINESS | LEADERS,
            "/v1/saved-replies/@o-reply",
            {"location": "@t-place"},
            missing=400,
        ),
    ),
    "DELETE /v1/saved-replies/{saved_reply}": (
        Ask(BUSINESS | LEADERS, "/v1/saved-replies/@t-bye-@caller", missing=404),
    ),
    "POST /v1/conversations/{conversation}/render": (
        Ask(TEAM, f"{_TALK}/render", {"saved_reply": "@o-reply"}, missing=404),
        Ask(TEAM, f"{_MY_TALK}/render", {"saved_reply": "@t-reply"}, missing=404),
        Ask(TEAM, f"{_MY_TALK}/render", {"saved_reply": "@o-open"}, success=409),
    ),
    "POST /v1/conversations/{conversation}/handling": (
        Ask(TEAM, f"{_TALK}/handling", {"action": "close"}, missing=404),
        Ask(
            TEAM,
            f"{_MY_TALK}/handling",
            {"action": "transfer", "location": "@t-place"},
            missing=404,
        ),
        Ask(
            TEAM,
            f"{_MY_TALK}/handling",
            {"action": "assign", "person": "@t-owner"},
            missing=404,
        ),
    ),
    "GET /v1/conversations/{conversation}/handling": (Ask(TEAM, f"{_TALK}/handling", missing=404),),
    "GET /v1/conversations/{conversation}/colleagues": (
        Ask(TEAM, f"{_TALK}/colleagues", missing=404),
    ),
    "GET /v1/conversations/{conversation}/messages/{seq}/explanation": (
        Ask(TEAM, f"{_TALK}/messages/@theirs/explanation", missing=404),
        Ask(TEAM, f"{_MY_TALK}/messages/99999/explanation", success=404),
    ),
    "POST /v1/people/{person}/conversation": (
        Ask(PERSON, "/v1/people/@t-guest/conversation", missing=404, instead={CUSTOMER: 404}),
        Ask(PERSON, "/v1/people/@t-helper/conversation", success=404, missing=404),
    ),
    "POST /v1/appointments/{appointment}/conversation": (
        Ask(PERSON, "/v1/appointments/@t-visit/conversation", missing=404),
        Ask(
            PERSON,
            "/v1/appointments/@t-other/conversation",
            missing=404,
            instead={CUSTOMER: 404, STAFF: 404},
        ),
    ),
    "POST /v1/people/{person}/announcements": (
        Ask(
            BUSINESS,
            "/v1/people/@t-customer/announcements",
            {"client_message_id": "m", "location": "@o-place", "text": "Hi"},
            success=201,
            missing=404,
        ),
        Ask(
            BUSINESS,
            "/v1/people/@o-customer/announcements",
            {"client_message_id": "n", "location": "@t-place", "text": "Hi"},
            success=201,
            missing=400,
        ),
    ),
    "GET /v1/search": (
        Ask(PERSON, "/v1/search?q=hi"),
        Ask(PERSON, "/v1/search?q=hi&conversation=@t-talk", missing=404),
        Ask(PERSON, "/v1/search?q=hi&author=@t-guest", missing=200),
        Ask(PERSON, "/v1/search?q=hi&person=@t-guest&attachments=true", missing=200),
        Ask(TEAM, "/v1/search?q=hi&location=@t-place&status=open", missing=200),
    ),
    "GET /v1/people/{person}/timeline": (
        Ask(PERSON, "/v1/people/@t-customer/timeline", missing=404),
        Ask(PERSON, "/v1/people/@t-guest/timeline", missing=404, instead={CUSTOMER: 404}),
    ),
    "POST /v1/uploads": (Ask(PERSON, "/v1/uploads", {"name": "x", "size": 1}, success=201),),
    "GET /v1/uploads/{upload}": (Ask(PERSON, "/v1/uploads/@t-file-@role", missing=404),),
    "PATCH /v1/uploads/{upload}": (
        # It is complete.
        Ask(
            PERSON,
            "/v1/uploads/@t-file-@role?offset=0",
            octets=b"x",
            success=409,
            missing=404,
        ),
        Ask(PERSON, "/v1/uploads/@t-file-helper?offset=0", octets=b"x", success=404, missing=404),
    ),
    "DELETE /v1/uploads/{upload}": (
        # It is part of a message.
        Ask(PERSON, "/v1/uploads/@t-file-@role", success=409, missing=404),
        Ask(PERSON, "/v1/uploads/@t-file-helper", success=404, missing=404),
    ),
    "GET /v1/conversations/{conversation}/messages/{seq}/attachments/{attachment}": (
        Ask(PERSON, f"{_TALK}/messages/@theirs/attachments/@t-file-helper", missing=404),
        Ask(PERSON, f"{_MY_TALK}/messages/@mine/attachments/@t-file-@role", missing=404),
        Ask(PERSON, f"{_MY_TALK}/messages/@mine/attachments/@o-file-helper", success=404),
    ),
    "GET /v1/files/{signed}": (
        Ask(ANYBODY, "/v1/files/WyJwYXdzb21lIl0=." + "A" * 43, success=404),
    ),
    "GET /v1/me": (Ask(PERSON, "/v1/me"),),
    "PATCH /v1/me": (Ask(PERSON, "/v1/me", {"read_receipts": True}),),
    "GET /v1/me/contact": (Ask(PERSON, "/v1/me/contact"),),
    "PATCH /v1/me/contact": (Ask(PERSON, "/v1/me/contact", {"language": "it"}),),
    "GET /v1/presence": (Ask(PERSON, "/v1/presence?people=@t-helper,@t-guest", missing=200),),
    "GET /v1/webhooks": (Ask(BUSINESS | OWNERS, "/v1/webhooks"),),
    "POST /v1/webhooks": (Ask(BUSINESS | OWNERS, "/v1/webhooks", _HOOK, success=201),),
    "GET /v1/webhooks/{webhook}": (Ask(BUSINESS | OWNERS, _WEBHOOK, missing=404),),
    "PATCH /v1/webhooks/{webhook}": (
        Ask(BUSINESS | OWNERS, _WEBHOOK, {"active": False}, missing=404),
    ),
    "DELETE /v1/webhooks/{webhook}": (
        # Nobody's, for the others' sake: there is one for all who may.
        Ask(BUSINESS | OWNERS, "/v1/webhooks/@t-none", success=404, missing=404),
    ),
    "POST /v1/webhooks/{webhook}/secret": (
        Ask(BUSINESS | OWNERS, f"{_WEBHOOK}/secret", missing=404),
    ),
    "GET /v1/webhooks/{webhook}/deliveries": (
        Ask(BUSINESS | OWNERS, f"{_WEBHOOK}/deliveries?state=failed", missing=404),
        Ask(BUSINESS | OWNERS, f"{_WEBHOOK}/deliveries?state=pending", missing=404),
    ),
    "POST /v1/webhooks/{webhook}/deliveries/{event}/retry": (
        # It is switched off.
        Ask(
            BUSINESS | OWNERS,
            f"{_WEBHOOK}/deliveries/@business.7/retry",
            success=409,
            missing=404,
        ),
        Ask(BUSINESS | OWNERS, f"{_WEBHOOK}/deliveries/nowhere.7/retry", success=404, missing=404),
    ),
    "POST /v1/webhooks/{webhook}/replay": (
        Ask(BUSINESS | OWNERS, f"{_WEBHOOK}/replay", {"from_revision": 1}, missing=404),
        Ask(BUSINESS | OWNERS, f"{_WEBHOOK}/replay", {"from_time": 0}, missing=404),
    ),
    "GET /v1/send-hook": (Ask(BUSINESS | OWNERS, "/v1/send-hook", success=404),),
    "PUT /v1/send-hook": (Ask(BUSINESS | OWNERS, "/v1/send-hook", _SEND_HOOK),),
    "POST /v1/send-hook/secret": (Ask(BUSINESS | OWNERS, "/v1/send-hook/secret"),),
    "DELETE /v1/send-hook": (Ask(BUSINESS | OWNERS, "/v1/send-hook"),),
    "GET /v1/operator/actors": (Ask(OPERATOR, "/v1/operator/actors"),),
    "GET /v1/operator/dead-letters": (Ask(OPERATOR, "/v1/operator/dead-letters"),),
    "POST /v1/operator/actors/release": (
        # Nobody is in quarantine.
        Ask(
            OPERATOR,
            "/v1/operator/actors/release",
            {**_RELEASE, "business": "pawsome"},
            success=404,
        ),
        Ask(
            OPERATOR,
            "/v1/operator/actors/release",
            {**_RELEASE, "business": "nowhere"},
            success=404,
        ),
    ),
    "POST /v1/operator/backup": (
        Ask(OPERATOR, "/v1/operator/backup", {"path": "/no/such/folder/x.db"}, success=400),
    ),
    "GET /v1/health": (Ask(ANYBODY, "/v1/health"),),
    "GET /v1/ready": (Ask(ANYBODY, "/v1/ready"),),
    "GET /metrics": (Ask(OPERATOR, "/metrics"),),
    "GET /v1/demo": (Ask(ANYBODY, "/v1/demo", success=404),),
    "POST /v1/demo/tokens": (
        Ask(ANYBODY, "/v1/demo/tokens", {"person": "@t-customer"}, success=404, missing=404),
    ),
    "GET /": (Ask(ANYBODY, "/"),),
    "GET /v1/docs": (Ask(ANYBODY, "/v1/docs"),),
    "GET /page/{file}": (Ask(ANYBODY, "/page/app.js"), Ask(ANYBODY, "/page/nothing", success=404)),
    "GET /v1/openapi.json": (Ask(ANYBODY, "/v1/openapi.json"),),
}


@dataclass(frozen=True)
class Say:
    """One way to use a websocket command: its fields, and the type or the code of the reply.

    ``success`` is ``None`` where nothing is answered at all.
    """

    fields: dict[str, Any]
    success: str | None
    missing: str | None = None
    instead: dict[str, str] = field(default_factory=dict)
    missing_instead: dict[str, str] = field(default_factory=dict)


_T = {"conversation": "@t-talk"}
_O = {"conversation": "@o-talk"}
_FORBIDDEN = {CUSTOMER: "forbidden"}
_OTHERS = [n << 32 | seq for n in (1, 2, 3, 4, 5, 6, 7, 2**20) for seq in (1, 2)]
"""Numbers that would name messages of other conversations if a place were not bounded."""

WEBSOCKET: dict[str, tuple[Say, ...]] = {
    "hello": (Say({"token": "x", "device": "d9"}, "bad_request"),),
    "send": (
        Say({**_T, "client_message_id": "ws", "text": "Hi"}, "ack", "not_found"),
        Say({**_T, "client_message_id": "re", "text": "Hi", "reply_to": 1}, "ack", "not_found"),
        Say(
            {**_O, "client_message_id": "at", "text": "Hi", "attachments": ["@t-file-helper"]},
            "not_found",
            "not_found",
        ),
    ),
    "edit": (
        Say({**_T, "seq": "@mine", "text": "Ho"}, "ok", "not_found"),
        Say({**_T, "seq": "@theirs", "text": "Ho"}, "forbidden", "not_found"),
        *(Say({**_O, "seq": seq, "text": "Ho"}, "not_found") for seq in _OTHERS),
    ),
    "delete": (
        Say({**_T, "seq": "@delete"}, "ok", "not_found"),
        *(Say({**_O, "seq": seq}, "not_found") for seq in _OTHERS),
    ),
    "receipt": (Say({**_T, "read_up_to": 3}, "ok", "not_found"),),
    "typing": (Say({**_T}, None, missing="nothing"),),
    "history": (
        Say({**_T}, "page", "not_found"),
        Say({**_T, "after": 0, "limit": 1}, "page", "not_found"),
    ),
    "conversations": (Say({}, "conversation_list"), Say({"before": "1"}, "conversation_list")),
    "open": (Say({**_T}, "conversation", "not_found"),),
    "create": (
        Say({"kind": "group", "people": ["@t-helper"]}, "conversation", "not_found"),
        Say(
            {"kind": "direct", "people": ["@t-guest"]},
            "conversation",
            "not_found",
            instead={CUSTOMER: "not_found"},
        ),
        Say({"kind": "group", "people": ["@o-helper", "@t-victim"]}, "conversation", "not_found"),
    ),
    "add_member": (
        Say({**_T, "person": "@o-guest"}, "ok", "not_found", instead=_FORBIDDEN),
        Say(
            {**_O, "person": "@t-guest"},
            "ok",
            "not_found",
            instead=_FORBIDDEN,
            missing_instead=_FORBIDDEN,
        ),
    ),
    "remove_member": (
        Say(
            {**_T, "person": "@o-ghost"},
            "ok",
            "not_found",
            instead=_FORBIDDEN,
            missing_instead=_FORBIDDEN,
        ),
        Say(
            {**_O, "person": "@t-ghost"},
            "ok",
            "ok",
            instead=_FORBIDDEN,
            missing_instead=_FORBIDDEN,
        ),
        Say({**_O, "person": "@o-owner"}, "owner_required", instead=_FORBIDDEN),
    ),
    "leave": (
        Say({"conversation": "@t-exit"}, "ok", "not_found", instead={OWNER: "owner_required"}),
    ),
    "handle": (
        Say({**_T, "action": "close"}, "ok", "not_found", instead=_FORBIDDEN),
        Say(
            {**_T, "action": "transfer", "location": "@t-place"},
            "ok",
            "not_found",
            instead=_FORBIDDEN,
        ),
        Say(
            {**_O, "action": "assign", "person": "@t-helper"},
            "ok",
            "not_found",
            instead=_FORBIDDEN,
            missing_instead=_FORBIDDEN,
        ),
    ),
    "mark": (Say({**_T}, "ok", "not_found"), Say({**_O, "unread": False}, "ok")),
    "note": (
        Say(
            {**_T, "note": "@caller-ws", "action": "add", "text": "Hi"},
            "ok",
            "not_found",
            instead=_FORBIDDEN,
            missing_instead=_FORBIDDEN,
        ),
        Say(
            {**_T, "note": "@mine", "action": "edit", "text": "Hu"},
            "ok",
            "not_found",
            instead=_FORBIDDEN,
            missing_instead=_FORBIDDEN,
        ),
        Say(
            {**_T, "note": "@theirs", "action": "delete"},
            "forbidden",
            "not_found",
            instead={**_FORBIDDEN, OWNER: "ok"},
            missing_instead=_FORBIDDEN,
        ),
        Say(
            {**_O, "note": "n", "action": "add", "text": "Hi", "mentions": ["@t-guest"]},
            "bad_request",
            "bad_request",
            instead=_FORBIDDEN,
            missing_instead=_FORBIDDEN,
        ),
    ),
    "notes": (
        Say({**_T}, "note_list", "not_found", instead=_FORBIDDEN, missing_instead=_FORBIDDEN),
        Say({**_O, "before": "1"}, "note_list", instead=_FORBIDDEN, missing_instead=_FORBIDDEN),
    ),
    "receipts": (
        Say({**_T, "seq": "@theirs"}, "receipt_list", "not_found"),
        Say({**_O, "seq": 99999}, "not_found"),
        *(Say({**_O, "seq": seq}, "not_found") for seq in _OTHERS),
    ),
    "versions": (
        Say({**_T, "seq": "@mine"}, "version_list", "not_found"),
        Say({**_T, "seq": "@theirs"}, "not_found", "not_found", instead={OWNER: "version_list"}),
        Say({**_O, "seq": 99999}, "not_found"),
        *(Say({**_O, "seq": seq}, "not_found") for seq in _OTHERS),
    ),
    "people": (
        Say({}, "person_list"),
        Say({"search": "@t-helper"}, "person_list", "person_list"),
    ),
    "search": (
        Say({"q": "hi"}, "found_list"),
        Say({"q": "hi", **_T}, "found_list", "not_found"),
        Say({"q": "hi", "author": "@t-guest"}, "found_list", "found_list"),
        Say({"q": "hi", "person": "@t-guest", "channel": "app"}, "found_list", "found_list"),
        Say({"q": "hi", **_O, "before": "1"}, "found_list"),
    ),
    "watch": (Say({"people": ["@t-helper", "@t-guest"]}, "ok", "ok"),),
    "activity": (Say({"active": True}, None),),
    "privacy": (Say({"read_receipts": True}, "ok"),),
    "ping": (Say({}, "pong"),),
}
