"""One-time links: how one is made, and how it gets to the person it is for."""

import secrets
from enum import StrEnum
from typing import Protocol

import msgspec
import structlog

from server.tokens import hash_key

log = structlog.get_logger(__name__)

LINK_SECONDS = 900
"""How long a link that somebody asked for themselves is valid."""

INVITATION_SECONDS = 259_200
"""And one that is handed over by somebody else: three days."""


class Purpose(StrEnum):
    """What a link is for."""

    SIGN_IN = "sign_in"
    INVITATION = "invitation"


class OneTimeLink(msgspec.Struct, frozen=True):
    """A link on its way to ``email``; until it is used or expires, who has it is ``person``."""

    email: str
    business: str
    business_name: str
    person: str
    purpose: Purpose
    url: str
    expires_at: int


class LinkSender(Protocol):
    """Gets a link to the person it is for."""

    async def send(self, link: OneTimeLink) -> None:
        """Send ``link``, or see to it that it is sent; raises nothing."""
        ...


class LoggedLinks:
    """Until there is e-mail: whoever may read the server's log hands the link over."""

    async def send(self, link: OneTimeLink) -> None:
        """Write it to the log, which names people by their ids."""
        log.warning(
            "one_time_link",
            purpose=link.purpose,
            business=link.business,
            person=link.person,
            url=link.url,
        )


def make_link() -> tuple[str, bytes]:
    """The text of a new link, and the hash that is kept of it."""
    text = secrets.token_urlsafe(32)
    return text, hash_key(text)
