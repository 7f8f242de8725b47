"""The send hook: who is asked before a message of a person is accepted."""

from typing import Annotated, Any

import msgspec

from actors.webhook_commands import ChangeSendHook
from domain.refusal import NOT_FOUND, Code, Refusal
from domain.roles import Operation
from domain.scopes import Scope
from domain.webhook_rules import SendHookChange
from domain.webhooks import DEADLINE_MS_MOST, OnFailure
from server.http.desk import ask_desk
from server.http.fields import Changed, Input, Nothing, Output
from server.http.route import BUSINESS_OR_PERSON, UNDONE, AnyRoute, Call, Repeat, Route
from server.http.webhooks import Url
from server.tokens import make_key

Deadline = Annotated[int, msgspec.Meta(ge=1, le=DEADLINE_MS_MOST)]


class SendHook(Output, frozen=True, kw_only=True):
    """``on_failure``: what counts when there is no answer in time, or none that makes sense."""

    url: str
    deadline_ms: int
    on_failure: OnFailure


class WantedSendHook(Input, frozen=True, kw_only=True):
    url: Url
    deadline_ms: Deadline = 1_000
    on_failure: OnFailure


class SetSendHook(SendHook, frozen=True, kw_only=True):
    """``secret`` signs what the hook is asked; shown when it is made, and empty otherwise."""

    secret: str


class SendHookSecret(Output, frozen=True, kw_only=True):
    """``secret`` signs what the hook is asked; it is shown this once."""

    secret: str


async def show(call: Call[Nothing, Nothing]) -> SendHook | Refusal:
    """The send hook, if there is one."""
    hook = call.live.state.send_hook
    if hook is None:
        return NOT_FOUND
    return SendHook(url=hook.url, deadline_ms=hook.deadline_ms, on_failure=hook.on_failure)


async def put(call: Call[Nothing, WantedSendHook]) -> SetSendHook | Refusal:
    """Show what people say to ``url`` before it is accepted, or change how.

    It answers `{"action": "allow"}`, `{"action": "edit", "text": …}`, or `{"action": "refuse",
    "message": …}`, whose text the author is shown. Announcements are not shown to it.
    """
    body = call.body
    endpoint = call.node.hooks.dispatcher.courier.endpoint(body.url)
    if isinstance(endpoint, Refusal):
        return endpoint
    secret = make_key("whsec")
    change = SendHookChange(body.url, body.deadline_ms, body.on_failure, secret)
    changed = await ask_desk(call.live, ChangeSendHook(call.insider.author, change))
    if isinstance(changed, Refusal):
        return changed
    hook = call.live.state.send_hook
    made = hook is not None and hook.secrets.present == secret
    return SetSendHook(
        url=body.url,
        deadline_ms=body.deadline_ms,
        on_failure=body.on_failure,
        secret=secret if made else "",
    )


async def remove(call: Call[Nothing, Nothing]) -> Changed | Refusal:
    """Ask nobody any more."""
    change = SendHookChange("", 0, "allow", "")
    return await ask_desk(call.live, ChangeSendHook(call.insider.author, change))


async def rotate(call: Call[Nothing, Nothing]) -> SendHookSecret | Refusal:
    """Make a new secret. For 24 hours the hook is asked with both signatures."""
    hook, secret = call.live.state.send_hook, make_key("whsec")
    if hook is None:
        return NOT_FOUND
    change = SendHookChange(hook.url, hook.deadline_ms, hook.on_failure, secret, rotate=True)
    changed = await ask_desk(call.live, ChangeSendHook(call.insider.author, change))
    return changed if isinstance(changed, Refusal) else SendHookSecret(secret=secret)


_EXAMPLE = SendHook(
    url="https://book.example.com/deskbell/check", deadline_ms=1_000, on_failure="allow"
)
_SECRET = "whsec_Zm9yIGV4YW1wbGUgb25seSwgbm90IGEga2V5IQ"  # noqa: S105 - an example


def _route(method: str, path: str, summary: str, **more: Any) -> AnyRoute:
    """A route for the business and its owners."""
    return Route(
        method=method,
        path=f"/v1/send-hook{path}",
        summary=summary,
        callers=BUSINESS_OR_PERSON,
        operation=Operation.WEBHOOKS,
        scope=Scope.WEBHOOKS_READ if method == "GET" else Scope.WEBHOOKS_WRITE,
        parameters=Nothing,
        **{"body": Nothing, **more},
    )


ROUTES = (
    _route(
        "GET",
        "",
        "Show the send hook",
        handler=show,
        answer=SendHook,
        refusals=(Code.NOT_FOUND,),
        shows=_EXAMPLE,
    ),
    _route(
        "PUT",
        "",
        "Set the send hook",
        handler=put,
        body=WantedSendHook,
        answer=SetSendHook,
        refusals=UNDONE,
        asks=WantedSendHook(url=_EXAMPLE.url, deadline_ms=1_000, on_failure="allow"),
        shows=SetSendHook(secret=_SECRET, **msgspec.structs.asdict(_EXAMPLE)),
    ),
    _route(
        "DELETE",
        "",
        "Remove the send hook",
        handler=remove,
        answer=Changed,
        refusals=UNDONE,
        shows=Changed(revision=1087),
    ),
    _route(
        "POST",
        "/secret",
        "Make a new secret for the send hook",
        handler=rotate,
        answer=SendHookSecret,
        repeat=Repeat.NOTHING,
        refusals=(Code.NOT_FOUND, *UNDONE),
        shows=SendHookSecret(secret=_SECRET),
    ),
)
