"""A copy of what is stored of one person, as a zip that is made while it is sent (EX-21).

Rules
1. It holds all that is stored of them: their record, what they said wherever, what they uploaded,
   and of one of the team what they noted.
2. It holds what others said where a customer may read it, as they read it. What the team talks
   about, among itself or with others, is not a copy of anything of one of the team.
3. What only the team may see (notes, handling, who may what, the audit log) is in nobody else's.

In memory is a page of it at a time: of messages, or a part of a file.
"""

import zipfile
from collections.abc import AsyncIterator
from typing import Final

import msgspec
import trio

from domain.attachments import State
from domain.contact import Contact
from domain.roles import Role
from domain.views import Message
from server.live import LiveBusiness
from server.node import Node
from server.reading import viewer_of
from storage.access import Viewer
from storage.export import OwnRecord
from storage.people import PersonRecord
from storage.uploads import Upload

PAGE: Final = 100
PART_BYTES: Final = 128 * 1024

_encode = msgspec.json.Encoder().encode


class Account(msgspec.Struct, frozen=True):
    """How somebody of the team signs in, and on which devices they are."""

    email: str
    sign_ins: tuple[object, ...]


class ExportedPerson(msgspec.Struct, frozen=True, kw_only=True):
    """The record of a person, as `person.json` holds it; times are milliseconds since 1970 UTC."""

    id: str
    name: str
    role: str
    active: bool
    enrolled: bool
    locations: tuple[str, ...]
    contact: Contact
    household: str
    reference: str
    read_receipts: bool
    last_seen: bool
    last_seen_at: int
    account: Account | None


class ExportedUpload(msgspec.Struct, frozen=True, kw_only=True):
    """A file that they uploaded; ``file`` is where in the archive it is, or ``""``."""

    id: str
    name: str
    media_type: str
    bytes: int
    state: str
    file: str


class ExportedNote(msgspec.Struct, frozen=True):
    """A note that one of the team wrote."""

    conversation: str
    id: str
    at: int
    text: str


class Archive:
    """A zip that is written piece by piece; `taken` is what has come since the last time."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self.zip = zipfile.ZipFile(self, "w", zipfile.ZIP_DEFLATED)

    def write(self, part: bytes) -> int:
        """As a file that cannot be sought in."""
        self._parts.append(bytes(part))
        return len(part)

    def flush(self) -> None:
        """Nothing waits."""

    def close(self) -> None:
        """There is nothing to close."""

    @property
    def waiting(self) -> int:
        """How many bytes have been written since the last time."""
        return sum(map(len, self._parts))

    def taken(self) -> bytes:
        """What has been written since the last time."""
        parts, self._parts = self._parts, []
        return b"".join(parts)

    def add(self, name: str, value: object) -> None:
        """A file of JSON, whole."""
        self.zip.writestr(name, _encode(value))


async def exported(node: Node, live: LiveBusiness, person: PersonRecord) -> AsyncIterator[bytes]:
    """The parts of the archive, in order."""
    archive = Archive()
    async for _ in _written(node, live, person, archive):
        if archive.waiting >= PART_BYTES:
            yield archive.taken()
    archive.zip.close()
    yield archive.taken()


async def _written(
    node: Node, live: LiveBusiness, person: PersonRecord, archive: Archive
) -> AsyncIterator[None]:
    """Write the archive; whatever has been written may be taken after each step."""
    record = await node.database.erasures.record(live.state.no, person.id)
    archive.add("person.json", _person(person, record))
    archive.add("appointments.json", record.appointments)
    archive.add("conversations.json", record.memberships)
    async for _ in _said(node, live, person.id, archive):
        yield
    files = {each.id: each for each in record.uploads}
    if person.role is Role.CUSTOMER:
        viewer = viewer_of(live, person.id, person.role)
        for membership in record.memberships:
            async for _ in _read(node, viewer, membership.conversation, archive, files):
                yield
    else:
        async for _ in _noted(node, live, person.id, archive):
            yield
    archive.add("uploads.json", [_upload(each) for each in record.uploads])
    for upload in files.values():
        if has_file(upload):
            async for _ in _file(node, upload, archive):
                yield


def _person(person: PersonRecord, record: OwnRecord) -> ExportedPerson:
    return ExportedPerson(
        id=person.id,
        name=person.name,
        role=person.role,
        active=person.active,
        enrolled=person.profile.enrolled,
        locations=person.locations,
        contact=person.profile.contact,
        household=person.profile.household,
        reference=person.profile.reference,
        read_receipts=person.read_receipts,
        last_seen=person.last_seen,
        last_seen_at=person.last_seen_at,
        account=Account(record.email, record.sign_ins) if record.email else None,
    )


async def _said(
    node: Node, live: LiveBusiness, person: str, archive: Archive
) -> AsyncIterator[None]:
    """`said.json`: what they said, everywhere, with what it said before."""
    with archive.zip.open("said.json", "w", force_zip64=True) as file:
        after: int | None = 0
        separator = b"["
        while after is not None:
            page = await node.database.erasures.own_messages(live.state.no, person, after)
            for message in page.messages:
                file.write(separator + _encode(message))
                separator = b",\n"
            after = page.next
            yield
        file.write(b"[]" if separator == b"[" else b"]")


async def _noted(
    node: Node, live: LiveBusiness, person: str, archive: Archive
) -> AsyncIterator[None]:
    """`notes.json`: what one of the team noted."""
    with archive.zip.open("notes.json", "w", force_zip64=True) as file:
        after = (0, "")
        separator = b"["
        while page := await node.database.erasures.own_notes(live.state.no, person, after):
            for each in page:
                shown = ExportedNote(each.conversation, each.note, each.at, each.text)
                file.write(separator + _encode(shown))
                separator = b",\n"
            after = page[-1].conversation_no, page[-1].note
            yield
        file.write(b"[]" if separator == b"[" else b"]")


async def _read(
    node: Node, viewer: Viewer, conversation: str, archive: Archive, files: dict[str, Upload]
) -> AsyncIterator[None]:
    """A conversation as a customer reads it; notes the ``files`` that they see there."""
    with archive.zip.open(f"conversations/{conversation}.json", "w", force_zip64=True) as file:
        after, more = 0, True
        separator = b"["
        while more:
            found = await node.queries.history(viewer, conversation, None, after, PAGE)
            if found is None:
                break  # they have left it meanwhile
            messages, more = found
            for message in messages:
                file.write(separator + _encode(message))
                separator = b",\n"
                after = message.seq
                await _note_files(node, viewer, message, files)
            yield
        file.write(b"[]" if separator == b"[" else b"]")


async def _note_files(
    node: Node, viewer: Viewer, message: Message, files: dict[str, Upload]
) -> None:
    for each in message.attachments:
        if each.id not in files:
            found = await node.keeper.rows.in_message(
                viewer, message.conversation, message.seq, each.id
            )
            if found is not None and found.state is State.READY:
                files[each.id] = found


async def _file(node: Node, upload: Upload, archive: Archive) -> AsyncIterator[None]:
    info = zipfile.ZipInfo(file_of(upload))  # stored as it is: pictures do not get smaller
    try:
        source = await trio.open_file(node.keeper.files.path(upload.file), "rb")
    except FileNotFoundError:
        return  # its message has been deleted meanwhile
    async with source:
        with archive.zip.open(info, "w", force_zip64=True) as file:
            while part := await source.read(PART_BYTES):
                file.write(part)
                yield


def has_file(upload: Upload) -> bool:
    """Whether there is a file that may be handed out."""
    return bool(upload.file) and upload.state in (State.READY, State.PENDING_SCAN)


def file_of(upload: Upload) -> str:
    """Where in the archive the file of an upload is."""
    name = upload.name.replace("/", "_").replace("\\", "_")
    return f"attachments/{upload.id}/{name}"


def _upload(upload: Upload) -> ExportedUpload:
    return ExportedUpload(
        id=upload.id,
        name=upload.name,
        media_type=upload.media_type,
        bytes=upload.bytes,
        state=upload.state,
        file=file_of(upload) if has_file(upload) else "",
    )
