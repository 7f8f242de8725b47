"""How a conversation comes to be: who is in it, and what makes two requests ask for the same."""

import hashlib

from domain.business import Business
from domain.commands import Create, Done, Speaker
from domain.company import refuse_start
from domain.conversation import Conversation, refuse_size
from domain.events import ConversationCreated, MemberAdded, Person
from domain.ids import CUSTOMER, DIRECT, OWNER, direct_conversation_id
from domain.limits import TITLE_BYTES, Limits
from domain.refusal import NOT_FOUND, Code, Refusal
from domain.roles import TEAM, Role
from domain.text import refuse_label


def decide(
    state: Conversation | None,
    business: Business,
    conversation: str,
    command: Create,
    limits: Limits,
    now: int,
) -> ConversationCreated | MemberAdded | Done | Refusal:
    """A new conversation, or what asking for one means that exists."""
    if state is None:
        return decide_start(business, conversation, command, limits, now)
    if command.own:
        return decide_enter(state, command, limits, now)
    if same_creation(state, command):
        return Done()
    return TAKEN_ID if state.admits(command.speaker) else NOT_FOUND


TAKEN_ID = Refusal(Code.CONFLICT, "This conversation id is taken. Choose another one.")


def decide_start(
    business: Business, conversation: str, command: Create, limits: Limits, now: int
) -> ConversationCreated | Refusal:
    """`decide_create`, where the business has a say in who talks to whom."""
    decided = decide_create(conversation, command, limits, now)
    if isinstance(decided, Refusal):
        return decided
    return refuse_start(business, command.speaker, decided.members) or decided


def decide_create(
    conversation: str, command: Create, limits: Limits, now: int
) -> ConversationCreated | Refusal:
    """Whom the speaker asked for are in it, and always the owner (DT-19).

    For a customer who names nobody, ``people`` are those whom the business chose (DT-20).
    """
    speaker = command.speaker
    if command.kind != "direct" and conversation.startswith(DIRECT):
        return RESERVED_ID
    if not command.own and conversation.startswith(CUSTOMER):
        return RESERVED_ID
    found = {person.id: person for person in command.people if person.active}
    if any(asked not in found for asked in command.asked if asked != speaker.person):
        return NOT_FOUND
    found.pop(speaker.person, None)
    refusal = _refuse_company(speaker, command, found, limits)
    if refusal is not None:
        return refusal
    me = Person(speaker.person, speaker.name, speaker.role)
    members = tuple(p for p in (me, *found.values()) if p.role is not Role.OWNER)
    return ConversationCreated(
        conversation,
        command.kind,
        command.title,
        now,
        speaker.person,
        members,
        creation_digest(command),
        tuple(person.id for person in found.values() if person.role is Role.OWNER),
    )


RESERVED_ID = Refusal(
    Code.BAD_REQUEST,
    f"Ids that begin with {DIRECT} or {CUSTOMER} are the server's own. Choose another one.",
)


def creation_digest(command: Create) -> bytes:
    """What makes two requests ask for the same conversation; roles and order do not matter."""
    people = sorted({command.speaker.person, *command.asked})
    asked = "\n".join((command.kind, command.title, *people)).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(asked, digest_size=16).digest()


def _refuse_company(
    speaker: Speaker, command: Create, others: dict[str, Person], limits: Limits
) -> Refusal | None:
    if speaker.role is Role.CUSTOMER and any(p.role not in TEAM for p in others.values()):
        return NOT_FOUND  # before all else: to them there are no other customers
    if not others and not command.own:
        return Refusal(Code.BAD_REQUEST, "Name somebody to talk to.")
    if command.kind == "direct" and len(others) != 1:
        return Refusal(Code.BAD_REQUEST, "A direct conversation is with exactly one other person.")
    people = [speaker.role, *(person.role for person in others.values())]
    refusal = refuse_size(sum(role is not Role.OWNER for role in people) + 1, limits)
    if refusal is None and command.title:
        refusal = refuse_label(command.title, TITLE_BYTES, "title")
    return refusal


def direct_conversation(speaker: Speaker, other: Person) -> str:
    """The id of the direct conversation of two people (DT-14).

    Between an owner and somebody else, the owner's place belongs to the ownership (DT-24).
    """
    if speaker.role is other.role is Role.OWNER:
        return direct_conversation_id(speaker.person, other.id)
    return direct_conversation_id(
        OWNER if speaker.role is Role.OWNER else speaker.person,
        OWNER if other.role is Role.OWNER else other.id,
    )


def decide_enter(
    state: Conversation, command: Create, limits: Limits, now: int
) -> MemberAdded | Done | Refusal:
    """Somebody of the team comes into a customer's own conversation, as at a second tap (DT-14)."""
    speaker = command.speaker
    if state.admits(speaker):
        return Done()
    if speaker.role not in TEAM:
        return NOT_FOUND
    refusal = refuse_size(len(state.members) + 2, limits)  # with the owner, who is in all of them
    if refusal is not None:
        return refusal
    me = Person(speaker.person, speaker.name, speaker.role)
    return MemberAdded(state.id, state.last_seq + 1, now, speaker.person, me)


def same_creation(state: Conversation, command: Create) -> bool:
    """Whether ``command`` asks for what exists already, whoever has come and gone since."""
    if command.kind == "direct":
        others = set(command.asked) - {command.speaker.person}
        return state.kind == "direct" and len(others) == 1 and state.admits(command.speaker)
    return state.creation == creation_digest(command)
