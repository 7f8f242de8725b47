"""What the send hook is asked, and what it may answer."""

import msgspec

from domain.webhooks import SENDING


class HookQuestion(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag=SENDING):
    """A message that is about to be accepted: in ``conversation``, by ``author``.

    ``reply_to`` 0 is an answer to none; ``at`` is in milliseconds since 1970 UTC.
    """

    business: str
    conversation: str
    author: str
    role: str
    device: str
    client_message_id: str
    text: str
    reply_to: int
    at: int


class HookAllows(msgspec.Struct, frozen=True, tag_field="action", tag="allow"):
    """The message is accepted as it is."""


class HookRefuses(msgspec.Struct, frozen=True, tag_field="action", tag="refuse"):
    """Nothing is stored; the author is shown ``message``, if it has 1 to 500 bytes."""

    message: str = ""


class HookEdits(msgspec.Struct, frozen=True, tag_field="action", tag="edit"):
    """``text`` is stored in place of theirs, under the same rules as any text."""

    text: str


HookAnswer = HookAllows | HookRefuses | HookEdits
