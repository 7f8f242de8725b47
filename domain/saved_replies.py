"""Saved replies: texts with variables, of a business or of one of its locations (EX-27).

Rules
1. A variable is a name of `Variable` in braces, ``{customer.name}``; no other name is saved. A
   brace that is meant is written twice: ``{{``. A closing brace needs nothing.
2. A variable without a value refuses: no customer ever reads ``{customer.name}`` or a gap.
3. What a value holds is text, whatever it looks like: it is not looked through for variables.
4. Attachments are taken from what its author has uploaded, examined and scanned, and are the
   business's from then on. Who takes the reply gets a copy of each to send.
"""

import re
from datetime import UTC, datetime, timedelta, tzinfo
from enum import Enum

import msgspec

from domain.attachments import State, Uploaded, attach
from domain.events import SavedReplyChanged
from domain.limits import TITLE_BYTES
from domain.refusal import Code, Refusal
from domain.text import refuse_label, refuse_text
from domain.views import Attachment

SAVED_REPLIES_MAX = 500
"""Of one business, with those of its locations."""
SAVED_REPLY_BYTES = 4096
NAME_SHOWN = 40
"""Characters of an unknown variable that its refusal repeats."""


class SavedReply(msgspec.Struct, frozen=True, kw_only=True):
    """``location``: whose it is; ``""`` is the whole business's."""

    id: str
    title: str
    text: str
    location: str = ""
    attachments: tuple[Attachment, ...] = ()


class Variable(Enum):
    """What a text can leave open."""

    CUSTOMER_FIRST_NAME = "customer.first_name"
    CUSTOMER_NAME = "customer.name"
    STAFF_NAME = "staff.name"
    LOCATION_NAME = "location.name"
    BUSINESS_NAME = "business.name"
    APPOINTMENT_START = "appointment.start"
    APPOINTMENT_TITLE = "appointment.title"


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What is known where a text is to be sent, a field for each variable; ``None``: nothing.

    Customer and appointment are those of the conversation, ``staff_name`` is who writes.
    """

    customer_first_name: str | None = None
    customer_name: str | None = None
    staff_name: str | None = None
    location_name: str | None = None
    business_name: str | None = None
    appointment_start: str | None = None
    appointment_title: str | None = None

    def value(self, variable: Variable) -> str | None:
        """What stands for ``variable``; ``None`` also where it would be a gap."""
        found: str | None = getattr(self, variable.value.replace(".", "_"))
        return found if found and not found.isspace() else None


Template = tuple[str | Variable, ...]
"""A text in its parts: what is said as it is, and what stands for something else."""

_NAMES = "|".join(re.escape(variable.value) for variable in Variable)
_braces = re.compile(r"\{\{|\{([^{}]*)\}|\{")
_variables = re.compile(rf"\{{({_NAMES})\}}")
_doubled = re.compile(rf"(?<!\{{)\{{\{{\s*({_NAMES})\s*\}}\}}(?!\}})")

_ALL = ", ".join(f"{{{variable.value}}}" for variable in Variable)
_OPEN = Refusal(
    Code.BAD_REQUEST, "'text': a variable begins with { and never ends. Write {{ for a brace."
)
_NOT_SCANNED = Refusal(
    Code.CONFLICT, "An attachment is still being scanned. Save the reply when it is ready."
)
_WHY = {
    Variable.CUSTOMER_FIRST_NAME: "there is not exactly one customer in this conversation",
    Variable.CUSTOMER_NAME: "there is not exactly one customer in this conversation",
    Variable.STAFF_NAME: "nobody is known who writes",
    Variable.LOCATION_NAME: "this conversation belongs to no location",
    Variable.BUSINESS_NAME: "the business has no name",
    Variable.APPOINTMENT_START: "the customer has no appointment to come",
    Variable.APPOINTMENT_TITLE: "the customer has no appointment to come that has a title",
}


def parse(text: str) -> Template | Refusal:
    """The parts of ``text``; refused are names that are no variable, and a brace left open."""
    parts: list[str | Variable] = []
    said, end = "", 0
    for match in _braces.finditer(text):
        said += text[end : match.start()]
        end = match.end()
        if match[0] == "{{":
            said += "{"
            continue
        variable = _named(match[1])
        if isinstance(variable, Refusal):
            return variable
        parts += [said, variable] if said else [variable]
        said = ""
    said += text[end:]
    return (*parts, said) if said else tuple(parts)


def _named(name: str | None) -> Variable | Refusal:
    if name is None:
        return _OPEN
    try:
        return Variable(name)
    except ValueError:
        shown = "".join(letter if letter.isprintable() else "?" for letter in name[:NAME_SHOWN])
        return Refusal(
            Code.BAD_REQUEST,
            f"'text': there is no variable {{{shown}}}. There are {_ALL}. Write {{{{ for a brace.",
        )


def written(template: Template) -> str:
    """The text of which ``template`` has the parts."""
    return "".join(
        f"{{{part.value}}}" if isinstance(part, Variable) else part.replace("{", "{{")
        for part in template
    )


def render(template: Template, facts: Facts) -> str | Refusal:
    """What is sent, or which variable has no value here, and what to do."""
    said = ""
    for part in template:
        value = facts.value(part) if isinstance(part, Variable) else part
        if value is None:
            assert isinstance(part, Variable)
            return _unresolved(part, _WHY[part])
        said += value
    return said


def refuse_leftover(text: str) -> Refusal | None:
    """Why ``text``, made from a saved reply, cannot be sent: a variable stands in it still."""
    left = _variables.search(text)
    return left and _unresolved(Variable(left[1]), "nothing was put in its place")


def _unresolved(variable: Variable, why: str) -> Refusal:
    message = f"{{{variable.value}}} has no value: {why}. Write what belongs there yourself."
    return Refusal(Code.UNRESOLVED_VARIABLE, message)


def first_name(name: str) -> str | None:
    """What to call ``name``: its first word; how people order their names is not known."""
    return next(iter(name.split()), None)


def shown_start(at: int, zone: tzinfo) -> str:
    """When an appointment begins, as a clock there shows it: in figures, the same in any language.

    ``at``: milliseconds since 1970 UTC.
    """
    start = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=at)
    return start.astimezone(zone).strftime("%Y-%m-%d %H:%M")


def refuse_saved_reply(reply: SavedReply) -> Refusal | None:
    """Why ``reply`` cannot be saved, or ``None``."""
    refusal = refuse_label(reply.title, TITLE_BYTES, "title") or _refuse_said(reply.text)
    if refusal is not None:
        return refusal
    doubled = _doubled.search(reply.text)
    if doubled is not None:
        message = f"'text': write a variable with one brace on each side: {{{doubled[1]}}}."
        return Refusal(Code.BAD_REQUEST, message)
    template = parse(reply.text)
    return template if isinstance(template, Refusal) else None


def _refuse_said(text: str) -> Refusal | None:
    refusal = refuse_text(text, SAVED_REPLY_BYTES)
    if refusal is not None and refusal.code is Code.TOO_LARGE:
        message = f"A saved reply has at most {SAVED_REPLY_BYTES} bytes. Shorten it."
        return Refusal(Code.TOO_LARGE, message)
    return refusal


def decide_saved_reply(
    author: str, reply: SavedReply, others: int, now: int
) -> SavedReplyChanged | Refusal:
    """Add or change a saved reply; ``others``: how many the business has beside it."""
    refusal = refuse_saved_reply(reply)
    if refusal is not None:
        return refusal
    if others >= SAVED_REPLIES_MAX:
        message = f"A business has at most {SAVED_REPLIES_MAX} saved replies. Delete one first."
        return Refusal(Code.TOO_LARGE, message)
    return SavedReplyChanged(
        now, author, reply.id, reply.title, reply.text, reply.location, reply.attachments
    )


def choose(
    asked: tuple[str, ...], kept: tuple[Attachment, ...], found: tuple[Uploaded, ...]
) -> tuple[Attachment, ...] | Refusal:
    """The attachments of a saved reply, in the order asked for, or why it cannot have them.

    ``kept`` are those that it has; ``found`` is what of ``asked`` its author has uploaded.
    """
    own = (*(Uploaded(each, sent=False) for each in kept), *found)
    chosen = attach(asked, own, frozenset())
    if isinstance(chosen, Refusal):
        return chosen
    if any(each.state != State.READY for each in chosen):
        return _NOT_SCANNED
    return chosen
