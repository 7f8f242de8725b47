"""What may be attached to a message: kinds of files, their limits, and what is said of the rest.

Rules
1. The type is what the bytes say, never what the name says (MT-23).
2. What a channel takes is a property of the channel, not of the conversation (C-06).
3. An image is one of six subtypes and below `IMAGE_BYTES`; whatever else it is, one text says so
   (MT-19, MT-20, MT-21). An HEIC image is named in that text, for phones make them (EX-36).
4. An empty file has no bytes that say what it is, and is never taken. What its name calls a picture
   is no recognized image, and gets the one text of those (MT-21, MT-23); so does what is too large
   to be anything, before its bytes have come.
5. A message takes what its author has uploaded, has not sent yet, and what was not refused.
"""

import re
from collections.abc import Mapping
from enum import StrEnum

import msgspec

from domain.limits import ATTACHMENTS_MAX, NAME_BYTES
from domain.refusal import NOT_FOUND, Code, Refusal
from domain.views import Attachment

IMAGE_BYTES = 5 * 1024 * 1024
"""An image is smaller than this (C-05)."""

IMAGE_SUBTYPES = ("jpeg", "jpg", "png", "gif", "pjpeg", "x-png")
UNKNOWN_TYPE = "application/octet-stream"
HEIC_SUBTYPES = frozenset({"heic", "heif", "heic-sequence", "heif-sequence"})

NOT_AN_IMAGE = (
    "Not a recognized image file\n"
    "Supported image types are 'jpeg', 'jpg', 'png', 'gif', 'pjpeg', and 'x-png'"
)
"""The one text for an image that is too large, of another type, or damaged (MT-21)."""

HEIC = f"{NOT_AN_IMAGE}\nThis one is HEIC: let the phone send it as JPEG."


class Kind(StrEnum):
    """What people call it."""

    IMAGE = "image"
    VIDEO = "video"
    DOCUMENT = "document"


class State(StrEnum):
    """Where an upload stands. What is `READY` or `PENDING_SCAN` can be sent."""

    UPLOADING = "uploading"
    EXAMINING = "examining"
    PENDING_SCAN = "pending-scan"
    READY = "ready"
    REFUSED = "refused"


class Reason(StrEnum):
    """Why a file was refused: the stable codes of an upload."""

    TOO_LARGE = "too_large"
    UNSUPPORTED = "unsupported"
    DAMAGED = "damaged"
    INFECTED = "infected"
    LOST = "lost"


class Rejection(msgspec.Struct, frozen=True):
    """Why a file was refused, for a program and for a person."""

    reason: Reason
    text: str


INFECTED = Rejection(Reason.INFECTED, "The file was refused: the scanner found something in it.")
LOST = Rejection(Reason.LOST, "The file was lost on the server. Upload it again.")
DAMAGED = Rejection(Reason.DAMAGED, NOT_AN_IMAGE)


class Channel(StrEnum):
    """A way on which a message travels."""

    IN_APP = "in_app"
    SMS = "sms"
    EMAIL = "email"


class Policy(msgspec.Struct, frozen=True):
    """What a channel takes: the size below which each kind of file is, and how many of them."""

    bytes_below: Mapping[Kind, int]
    count: int = ATTACHMENTS_MAX

    def largest(self) -> int:
        """Files of this size are refused, whatever they are."""
        return max(self.bytes_below.values())


CHANNELS: Mapping[Channel, Policy] = {
    Channel.IN_APP: Policy(
        {Kind.IMAGE: IMAGE_BYTES, Kind.VIDEO: 100 * 2**20, Kind.DOCUMENT: 25 * 2**20}
    ),
    Channel.SMS: Policy({Kind.IMAGE: 600 * 1024}),  # carriers of the US; others become a link
    Channel.EMAIL: Policy({Kind.IMAGE: IMAGE_BYTES, Kind.DOCUMENT: 10 * 2**20}),
}
"""The defaults. What a server sets otherwise for the app comes from its settings."""


def kind_of(media_type: str) -> Kind:
    """What a file of a sniffed ``media_type`` counts as."""
    top = media_type.partition("/")[0]
    return Kind(top) if top in (Kind.IMAGE, Kind.VIDEO) else Kind.DOCUMENT


def judge(policy: Policy, media_type: str, size: int) -> Kind | Rejection:
    """What a file of a sniffed type is to a channel, or why the channel does not take it."""
    kind = kind_of(media_type)
    below = policy.bytes_below.get(kind)
    if kind is Kind.IMAGE:
        return _judge_image(media_type.partition("/")[2], below, size)
    if below is None:
        return Rejection(Reason.UNSUPPORTED, f"A {kind} cannot be sent this way.")
    if size >= below:
        text = f"A {kind} must be smaller than {megabytes(below)}."
        return Rejection(Reason.TOO_LARGE, text)
    return kind


def _judge_image(subtype: str, below: int | None, size: int) -> Kind | Rejection:
    if subtype in HEIC_SUBTYPES:
        return Rejection(Reason.UNSUPPORTED, HEIC)
    if below is None or subtype not in IMAGE_SUBTYPES:
        return Rejection(Reason.UNSUPPORTED, NOT_AN_IMAGE)
    return Kind.IMAGE if size < below else Rejection(Reason.TOO_LARGE, NOT_AN_IMAGE)


_is_named_as_picture = re.compile(
    r"\.(jpe?g|jfif|png|gif|hei[cf]|webp|bmp|tiff?|avif|svg|ico)\Z", re.IGNORECASE
).search


def refuse_announced(policy: Policy, name: str, size: int) -> Refusal | None:
    """Why nobody needs to send the bytes of a file, or ``None`` (rule 4)."""
    if 0 < size < policy.largest():
        return None
    code, text = Code.BAD_REQUEST, "The file is empty: there is nothing to send."
    if size:
        code = Code.TOO_LARGE
        text = f"A file must be smaller than {megabytes(policy.largest())}."
    return Refusal(code, NOT_AN_IMAGE if _is_named_as_picture(clean_name(name)) else text)


def megabytes(size: int) -> str:
    """``size`` in bytes, as people say it."""
    return f"{size / 2**20:.1f}".removesuffix(".0") + " MB"


# --- Names ----------------------------------------------------------------------------------------

# Controls, line separators, and what turns the direction of writing: `exe.gpj` must not look like
# a picture. Joiners stay: Persian and emoji need them.
_unwelcome = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)
_EXTENSION_MAX = 16


def clean_name(name: str) -> str:
    """The name of a file as it is shown: without folders, one line, at most `NAME_BYTES`.

    A name that is too long loses its middle and keeps its extension; nothing left is ``file``.
    """
    last = re.split(r"[/\\]", name)[-1]
    cleaned = _unwelcome.sub("", last).strip().strip(".").strip()
    if not cleaned:
        return "file"
    if len(cleaned.encode()) <= NAME_BYTES:
        return cleaned
    stem, dot, extension = cleaned.rpartition(".")
    if not dot or len(extension) > _EXTENSION_MAX:
        stem, extension = cleaned, ""
    end = f".{extension}" if extension else ""
    room = NAME_BYTES - len(end.encode())
    return stem.encode()[:room].decode("utf-8", "ignore") + end


# --- Sending --------------------------------------------------------------------------------------


class Uploaded(msgspec.Struct, frozen=True):
    """One of the speaker's own uploads, as far as a message needs to know it."""

    attachment: Attachment
    sent: bool


TOO_MANY = Refusal(Code.TOO_LARGE, f"A message takes at most {ATTACHMENTS_MAX} attachments.")
_TWICE = Refusal(Code.BAD_REQUEST, "Name each attachment once.")
_SENT = Refusal(Code.CONFLICT, "An attachment belongs to another message. Upload the file again.")
_NOT_READY = Refusal(
    Code.CONFLICT, "An attachment is still being uploaded or examined. Send when it is ready."
)


def attach(
    asked: tuple[str, ...], found: tuple[Uploaded, ...], taken: frozenset[str] | set[str]
) -> tuple[Attachment, ...] | Refusal:
    """The attachments of a message, in the order asked for, or why it cannot have them (MT-22).

    ``found`` is what of ``asked`` is the speaker's own; ``taken`` has been sent just now.
    """
    if len(asked) > ATTACHMENTS_MAX:
        return TOO_MANY
    if len(set(asked)) < len(asked):
        return _TWICE
    own = {uploaded.attachment.id: uploaded for uploaded in found}
    attached = []
    for id_ in asked:
        uploaded = own.get(id_)
        if uploaded is None:
            return NOT_FOUND
        if uploaded.sent or id_ in taken:
            return _SENT
        state = uploaded.attachment.state
        if state == State.REFUSED:
            return Refusal(Code.CONFLICT, "An attachment was refused. Send without it.")
        if state not in (State.READY, State.PENDING_SCAN):
            return _NOT_READY
        attached.append(uploaded.attachment)
    return tuple(attached)
