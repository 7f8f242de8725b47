"""How the team deals with conversations with customers, and why a message is where it is."""

import msgspec

from domain.commands import Handle
from domain.explaining import (
    IMPORTED,
    IMPORTED_NOWHERE,
    NOT_A_CUSTOMERS,
    NOT_ROUTED,
    SENTENCES,
)
from domain.handling_action import Action
from domain.refusal import NOT_FOUND, Code, Refusal
from domain.roles import Operation, Role
from domain.routing import Rule, TriggerKind
from domain.scopes import Scope
from domain.views import Handling
from server.asking import ask_conversation
from server.http.conversations import ConversationPath
from server.http.desk import changed
from server.http.fields import (
    UNSET,
    Changed,
    Id,
    Input,
    Nothing,
    Output,
    Uint,
    Unset,
    page_size,
    set_or,
)
from server.http.messages import MessagePath
from server.http.route import PERSON, UNDONE, Call, Route
from server.monitoring import note_read
from storage.explaining import Explained

NEWEST = 2**53 - 1


class HandlingCommand(Input, frozen=True, kw_only=True):
    """``person`` for `assign`, ``location`` for `transfer`, ``until`` (ms) for `snooze`."""

    action: Action
    person: Id | Unset = UNSET
    location: Id | Unset = UNSET
    until: Uint = 0


class ChangesQuery(ConversationPath, frozen=True, kw_only=True):
    """``before``: ``next`` of the page before."""

    before: Uint | Unset = UNSET
    limit: Uint = 50


class HandlingChange(Output, frozen=True, kw_only=True):
    """What happened, and the handling after it."""

    revision: int
    at: int
    author: str
    kind: str
    handling: Handling


class HandlingChanges(Output, frozen=True, kw_only=True):
    """Newest first; ``next`` goes into ``before``, left out at the end."""

    changes: tuple[HandlingChange, ...]
    next: str | Unset = UNSET


class Recipient(Output, frozen=True, kw_only=True):
    """``live``: they were connected; else ``reason``: `not_logged_in`, or `no_permission` of
    somebody who works there. ``delivered_at``: when it reached them, 0 if it has not."""

    person: str
    name: str
    live: bool
    reason: str = ""
    delivered_at: int = 0


class Answered(Output, frozen=True, kw_only=True):
    """What the message answers: `nothing`, a `confirmation` or `campaign` of ``location``,
    somebody of the `staff` who began from there, or a `transfer` to it."""

    kind: TriggerKind
    location: str
    person: str
    at: int


class Explanation(Output, frozen=True, kw_only=True):
    """``rule``: `confirmation`, `campaign_last_appointment`, `campaign`, `staff_elsewhere`,
    `staff_only_location`, `staff_location`, `staff_all_locations`, `transfer`, `last_appointment`,
    `newest_conversation`, `all_locations` or `unassigned`; `""` for what is not routed.
    ``sentence`` says it to a person; the rest are the facts as they were when the message came, of
    an imported one ``locations`` alone. ``last_appointment``: the location of the latest that has
    begun and was not cancelled."""

    conversation: str
    seq: int
    rule: str
    sentence: str
    locations: tuple[str, ...] = ()
    answers: Answered | None = None
    customer_locations: tuple[str, ...] = ()
    last_appointment: str = ""
    newest_conversation: tuple[str, ...] = ()
    staff_locations: tuple[str, ...] = ()
    recipients: tuple[Recipient, ...] = ()


async def handle(call: Call[ConversationPath, HandlingCommand]) -> Changed | Refusal:
    """Assign it, transfer it, close it, snooze it, or say that nobody waits any more."""
    body = call.body
    command = Handle(
        call.somebody.speaker,
        body.action,
        set_or(body.person, ""),
        set_or(body.location, ""),
        body.until,
    )
    return changed(await ask_conversation(call.live, call.parameters.conversation, command))


async def changes(call: Call[ChangesQuery, Nothing]) -> HandlingChanges | Refusal:
    """What happened to the handling of a conversation."""
    asked, limit = call.parameters, page_size(call.parameters.limit)
    refusal = await note_read(call.node, call.live, call.somebody.viewer, asked.conversation)
    if refusal is not None:
        return refusal
    found = await call.node.queries.handling_changes(
        call.somebody.viewer, asked.conversation, set_or(asked.before, NEWEST), limit + 1
    )
    if found is None:
        return NOT_FOUND
    page = found[:limit]
    return HandlingChanges(
        changes=tuple(
            HandlingChange(
                revision=each.revision,
                at=each.at,
                author=each.author,
                kind=each.kind,
                handling=Handling(
                    locations=each.handling.locations,
                    status=each.handling.status,
                    snoozed_until=each.handling.snoozed_until,
                    assignee=each.handling.assignee,
                    alerted=each.handling.alerted,
                ),
            )
            for each in page
        ),
        next=str(page[-1].revision) if len(found) > limit else UNSET,
    )


async def explain(call: Call[MessagePath, Nothing]) -> Explanation | Refusal:
    """Why a message is where it is: by which rule, which facts, and whom it reached."""
    asked = call.parameters
    refusal = await note_read(call.node, call.live, call.somebody.viewer, asked.conversation)
    if refusal is not None:
        return refusal
    found = await call.node.queries.explain(call.somebody.viewer, asked.conversation, asked.seq)
    return NOT_FOUND if found is None else _explanation(asked.conversation, found)


def _explanation(conversation: str, found: Explained) -> Explanation:
    why, placed = found.why, found.imported
    if placed is not None:
        return Explanation(
            conversation=conversation,
            seq=found.seq,
            rule="",
            sentence=IMPORTED if placed else IMPORTED_NOWHERE,
            locations=placed,
        )
    if why is None:
        is_customers = found.author_role == Role.CUSTOMER
        return Explanation(
            conversation=conversation,
            seq=found.seq,
            rule="",
            sentence=NOT_ROUTED if is_customers else NOT_A_CUSTOMERS,
        )
    live = set(why.live)
    people = [(person, "" if person in live else "not_logged_in") for person in why.recipients]
    people += [(person, "") for person in why.live if person not in why.recipients]
    people += [(person, "no_permission") for person in why.denied]
    return Explanation(
        conversation=conversation,
        seq=found.seq,
        rule=why.rule,
        sentence=SENTENCES[why.rule],
        locations=why.locations,
        answers=Answered(**msgspec.structs.asdict(why.trigger)),
        customer_locations=why.customer_locations,
        last_appointment=why.last_appointment,
        newest_conversation=why.newest,
        staff_locations=why.staff_locations,
        recipients=tuple(
            Recipient(
                person=person,
                name=found.names.get(person, ""),
                live=not reason,
                reason=reason,
                delivered_at=found.delivered.get(person, 0),
            )
            for person, reason in people
        ),
    )


_HANDLING = Handling(
    locations=("downtown",), assignee="sam", waiting_since=1_793_000_001_234, status="open"
)

ROUTES = (
    Route(
        method="POST",
        path="/v1/conversations/{conversation}/handling",
        summary="Assign, transfer, close or snooze a conversation",
        handler=handle,
        callers=PERSON,
        operation=Operation.HANDLE,
        scope=Scope.CONVERSATIONS_WRITE,
        parameters=ConversationPath,
        body=HandlingCommand,
        answer=Changed,
        refusals=(Code.NOT_FOUND, *UNDONE),
        asks=HandlingCommand(action=Action.TRANSFER, location="downtown"),
        shows=Changed(revision=1083),
    ),
    Route(
        method="GET",
        path="/v1/conversations/{conversation}/handling",
        summary="What happened to the handling of a conversation",
        handler=changes,
        callers=PERSON,
        operation=Operation.HANDLE,
        scope=Scope.CONVERSATIONS_READ,
        parameters=ChangesQuery,
        body=Nothing,
        answer=HandlingChanges,
        refusals=(Code.NOT_FOUND,),
        shows=HandlingChanges(
            changes=(
                HandlingChange(
                    revision=1083,
                    at=1_793_000_001_234,
                    author="sam",
                    kind="transfer",
                    handling=_HANDLING,
                ),
            ),
        ),
    ),
    Route(
        method="GET",
        path="/v1/conversations/{conversation}/messages/{seq}/explanation",
        summary="Why a message is where it is",
        handler=explain,
        callers=PERSON,
        operation=Operation.HANDLE,
        scope=Scope.MESSAGES_READ,
        parameters=MessagePath,
        body=Nothing,
        answer=Explanation,
        refusals=(Code.NOT_FOUND,),
        shows=Explanation(
            conversation="rex-grooming",
            seq=42,
            rule=Rule.CONFIRMATION,
            sentence=SENTENCES[Rule.CONFIRMATION],
            locations=("downtown",),
            answers=Answered(
                kind=TriggerKind.CONFIRMATION,
                location="downtown",
                person="",
                at=1_793_000_000_000,
            ),
            customer_locations=("downtown", "uptown"),
            recipients=(
                Recipient(
                    person="sam", name="Sam Rivers", live=True, delivered_at=1_793_000_001_300
                ),
                Recipient(person="zoe", name="Zoe Brook", live=False, reason="not_logged_in"),
            ),
        ),
    ),
)
