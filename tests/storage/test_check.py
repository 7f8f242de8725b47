"""`check_file` finds what must not be, and changes nothing."""

import hashlib
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import msgspec
import pytest
import trio

from domain.attachments import State
from domain.channels import APP, Channel, Channels
from domain.events import AttachmentSettled, SavedReplyChanged
from domain.mark_events import Marked
from domain.note_events import Note, NoteChanged
from storage import check
from storage.backup import files_of
from storage.check import FINDINGS_MAX, check_file, stray_files
from storage.database import FILE_NAME, Database
from storage.migrations import APPLICATION_ID, UnusableDatabase, migrate, migrations
from tests.contract.house import House, running_database
from tests.fixtures.attached import attachment


async def talk_with_attachments(house: House, database: Database) -> None:
    """In a conversation of their own: one stays, one is settled, one is deleted."""
    await house.converse("c2", "sam", "carla")
    no = house.business.no
    for name, state in (("a1", State.READY), ("a2", State.PENDING_SCAN), ("a3", State.READY)):
        found = await attachment(database, no, "carla", name, name.encode(), state=state)
        await house.append([house.message("c2", "carla", "", attachments=(found,))])
    await house.append([AttachmentSettled("c2", 2, house.at(), "carla", "a2", "ready")])
    await house.delete("c2", 3)


async def note(house: House) -> None:
    """One that stays, and one that does not."""
    for id_, kind, text, deleted_at in (
        ("n1", "add", "He bites", 0),
        ("n2", "add", "He does not", 0),
        ("n2", "delete", "", house.at()),
    ):
        written = Note(id_, 5, 1, "sam", text, deleted_at=deleted_at)
        await house.append([NoteChanged("c1", house.at(), "sam", kind, written)])
    await house.append([Marked("c1", house.at(), "sam", unread=True)])


async def save_reply(house: House, database: Database) -> None:
    """With a picture; one that it had before is given up."""
    for id_ in ("map-1", "map-2"):
        held = await attachment(database, house.business.no, "sam", id_, id_.encode())
        event = SavedReplyChanged(house.at(), "sam", "map", "Map", "Here:", "", (held,))
        await house.append([event])


async def by_text(house: House) -> None:
    """Three that began with a text; the customer wrote to two of them in the app since, to one when
    a clock had been put back.
    """
    text, back = Channels(Channel.TEXT, Channel.TEXT), Channels(APP, APP)
    for id_, seconds in (("t1", None), ("t2", 0), ("t3", 60)):
        await house.converse(id_, "sam", "carla")
        first = house.message(id_, "carla", "Hello")
        await house.append([msgspec.structs.replace(first, heard_at=first.at, channels=text)])
        answers = [house.message(id_, "sam", "Hello") for _ in range(2)]
        await house.append([msgspec.structs.replace(answers[0], channels=text), answers[1]])
        if seconds is not None:
            last = house.message(id_, "carla", "Hello")
            at = last.at - 1000 * seconds
            again = msgspec.structs.replace(last, at=at, heard_at=at, channels=back)
            await house.append([again])


async def lived_in(folder: Path) -> Path:
    """A database with some of everything."""
    async with running_database(folder) as database:
        for business in ("pawsome", "meowsome"):
            house = await House.founded(database, business)
            await house.converse("c1", "sam", "carla")
            await house.converse("empty", "sam", "dave")
            await house.append([house.message("c1", "carla", f"text {n}") for n in range(5)])
            await house.edit("c1", 1, "edited")
            await house.edit("c1", 1, "edited again")
            await house.delete("c1", 2)
            await talk_with_attachments(house, database)
            await note(house)
            await save_reply(house, database)
            await by_text(house)
            await house.add("c1", "dave")
            await house.receipt("c1", "sam", 3, 1)
            await house.append([house.advanced("c1", [("sam", 5, 5), ("dave", 6, 0)])])
            await house.remove("c1", "dave")
            await house.add("c1", "dave")
            await house.append([house.message("c1", "dave", "reply", reply_to=1)])
            await house.receipt("c1", "dave", 7, 7)
            await house.settings(read_receipts=False)
            await house.privacy("carla", read_receipts=False, last_seen=False)
            await house.transfer("olivia", "sam")
            await house.receipt("c1", "sam", 8, 8)
    return folder / FILE_NAME


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return trio.run(lived_in, tmp_path)


def changed(path: Path, sql: str) -> None:
    """What no rule of the tables would prevent."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA foreign_keys=OFF")
        connection.execute("DROP TRIGGER IF EXISTS audit_is_not_shortened")
        assert connection.execute(sql).rowcount != 0, "the plant must take"


def test_a_file_that_is_missing_or_another_is_found(path: Path) -> None:
    files = files_of(path)
    first, second = (files.path(hashlib.sha256(name).hexdigest()) for name in (b"a1", b"a2"))
    first.unlink()
    second.write_bytes(b"another")
    found = {str(finding) for finding in check_file(path)}
    assert found == {
        f"an attachment has its file: {first.name} is missing",
        f"an attachment has its file: {second.name} holds something else",
    }


def test_files_of_no_attachment_are_counted_and_no_fault(path: Path) -> None:
    stray = path.parent / "attachments" / "ab" / ("ab" * 32)
    stray.parent.mkdir(exist_ok=True)
    stray.write_bytes(b"x")
    assert check_file(path) == []
    assert stray_files(path) == 1


def test_a_file_of_an_older_program_is_checked_as_it_will_be(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for number, sql in migrations()[:1]:
            connection.executescript(f"{sql}; PRAGMA user_version={number};")
        connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
        connection.execute("INSERT INTO business (id, name, created_at) VALUES ('b', 'B', 1)")
    assert check_file(path) == []
    changed(path, "INSERT INTO log VALUES (1, 5)")
    assert rules(path) == {"each revision is of one event, without gaps"}


def rules(path: Path) -> set[str]:
    return {finding.rule for finding in check_file(path)}


def test_a_database_that_was_lived_in_has_no_faults(path: Path) -> None:
    assert check_file(path) == []


async def test_a_database_in_use_can_be_checked(tmp_path: Path) -> None:
    async with running_database(tmp_path) as database:
        house = await House.founded(database)
        await house.converse("c1", "sam", "carla")
        for _ in range(5):
            await house.send("c1", "carla")
            assert check_file(tmp_path / FILE_NAME) == []


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_checking_changes_nothing(path: Path) -> None:
    before = contents(path.parent)
    check_file(path)
    assert contents(path.parent).items() >= before.items()


PLANTS = {
    "UPDATE message SET id = id + 1 WHERE id & 0xffffffff = 9": "seq counts 1, 2, 3",
    "UPDATE message SET id = id - 1 WHERE id & 0xffffffff = 1": "seq counts 1, 2, 3",
    "DELETE FROM message WHERE id & 0xffffffff = 4": "seq counts 1, 2, 3",
    "UPDATE message SET id = id | 99 << 32 WHERE id = 1 << 32 | 9": (
        "a message belongs to a conversation of its business"
    ),
    "UPDATE message SET business_no = 2 WHERE id = 1 << 32 | 6": (
        "a message belongs to a conversation of its business"
    ),
    "UPDATE message SET revision = revision - 2 WHERE id & 0xffffffff = 4": (
        "revisions rise with seq"
    ),
    "UPDATE message SET revision = 1 WHERE id & 0xffffffff = 1": (
        "each revision is of one event, without gaps"
    ),
    "DELETE FROM audit WHERE revision = 2": "each revision is of one event, without gaps",
    "UPDATE log SET revision = revision + 1": "each revision is of one event, without gaps",
    "DELETE FROM log": "each revision is of one event, without gaps",
    "UPDATE head SET revision = revision - 1 WHERE conversation_no = 1": (
        "a head says where its conversation stands"
    ),
    "UPDATE head SET activity = revision WHERE conversation_no = 1": (
        "a head says where its conversation stands"
    ),
    "DELETE FROM head WHERE conversation_no = 2": "a head says where its conversation stands",
    "UPDATE member SET since_seq = 3 WHERE person = 'dave' AND conversation_no = 1": (
        "a member is a person of the business, from an entry on"
    ),
    "UPDATE member SET person = 'nobody' WHERE person = 'carla'": (
        "a member is a person of the business, from an entry on"
    ),
    "DELETE FROM member WHERE person = 'dave' AND conversation_no = 1": (
        "membership is what its newest entry says"
    ),
    "UPDATE message SET kind = 'member_left' WHERE kind = 'member_added'": (
        "membership is what its newest entry says"
    ),
    "UPDATE removal SET revision = revision + 1": "a removal is an entry",
    "UPDATE cursor SET read_up_to = delivered_up_to + 1": (
        "a cursor is within its conversation, and read implies delivered"
    ),
    "UPDATE head SET team_read_up_to = 99 WHERE conversation_no = 1": (
        "how far the team has read is within its conversation, and a receipt"
    ),
    "UPDATE head SET team_read_revision = 1 WHERE conversation_no = 1": (
        "how far the team has read is within its conversation, and a receipt"
    ),
    "UPDATE head SET team_read_up_to = 0 WHERE conversation_no = 1": (
        "how far the team has read is within its conversation, and a receipt"
    ),
    "UPDATE head SET channel = 'email' WHERE conversation_no = 1": (
        "a head is on the channel on which a customer wrote last"
    ),
    "UPDATE head SET channel = '' WHERE channel <> ''": (
        "a head is on the channel on which a customer wrote last"
    ),
    "UPDATE message SET channel = '' WHERE channel <> ''": (
        "a head is on the channel on which a customer wrote last"
    ),
    "UPDATE cursor SET delivered_up_to = 99": (
        "a cursor is within its conversation, and read implies delivered"
    ),
    "UPDATE cursor SET delivered_at = 0": (
        "a cursor is within its conversation, and read implies delivered"
    ),
    "UPDATE cursor SET revision = revision - 1": (
        "a cursor is within its conversation, and read implies delivered"
    ),
    "UPDATE cursor SET delivered_up_to = delivered_up_to - 1, read_up_to = read_up_to - 1": (
        "a cursor is the sum of its steps"
    ),
    "DELETE FROM cursor WHERE person = 'sam'": "a cursor is the sum of its steps",
    "UPDATE receipt SET steps = (SELECT steps FROM receipt ORDER BY revision LIMIT 1)": (
        "a cursor is the sum of its steps"
    ),
    "DELETE FROM version": "each change has left a version",
    "UPDATE change SET seq = 6 WHERE deleted": "each change has left a version",
    "UPDATE message SET digest = NULL WHERE deleted_at > 0": (
        "nothing is left of an erased message"
    ),
    "UPDATE message SET text = 'still here' WHERE deleted_at > 0": (
        "a deleted message says nothing"
    ),
    "UPDATE message SET deleted_at = 5, text = '' WHERE id & 0xffffffff = 5": (
        "a deleted message says nothing"
    ),
    'UPDATE message SET attachments = \'[{"id":"a1"}]\' WHERE deleted_at > 0': (
        "a deleted message says nothing"
    ),
    "UPDATE message SET attachments = '' WHERE attachments <> ''": (
        "a message shows the attachments that are its own"
    ),
    "UPDATE attachment SET state = 'pending-scan' WHERE id = 'a2'": (
        "a message shows the attachments that are its own"
    ),
    "DELETE FROM attachment WHERE id = 'a1'": "a message shows the attachments that are its own",
    "UPDATE attachment SET expires_at = 0 WHERE person = ''": (
        "a saved reply holds the attachments that it shows"
    ),
    "UPDATE saved_reply SET attachments = ''": "a saved reply holds the attachments that it shows",
    "UPDATE attachment SET file = replace(file, substr(file, 1, 1), 'x')": (
        "an attachment has its file"
    ),
    "UPDATE message SET reply_to = 9 WHERE reply_to = 1": "a reply is to an earlier entry",
    "UPDATE note SET revision = revision + 1 WHERE id = 'n1'": (
        "a note is as its newest change left it"
    ),
    "UPDATE note SET text = 'still here' WHERE deleted_at > 0": (
        "a note is as its newest change left it"
    ),
    "DELETE FROM business WHERE no = 2": "references lead somewhere",
}


@pytest.mark.parametrize("sql", PLANTS)
def test_what_must_not_be_is_found(path: Path, sql: str) -> None:
    changed(path, sql)
    assert PLANTS[sql] in rules(path)


def test_each_rule_has_been_seen_to_find_something() -> None:
    own = {
        "a cursor is the sum of its steps",
        "an attachment has its file",
        "references lead somewhere",
    }
    assert set(PLANTS.values()) == check._RULES.keys() | own


def test_a_finding_says_where(path: Path) -> None:
    changed(path, "DELETE FROM message WHERE id = 1 << 32 | 9")
    found = [f for f in check_file(path) if f.rule == "a head says where its conversation stands"]
    assert len(found) == 1
    assert found[0].detail.startswith("conversation 1 is at revision")
    assert str(found[0]) == f"{found[0].rule}: {found[0].detail}"


async def test_findings_of_one_kind_are_bounded(tmp_path: Path) -> None:
    async with running_database(tmp_path) as database:
        house = await House.founded(database)
        await house.append([house.created(f"c{n}", "sam") for n in range(FINDINGS_MAX + 5)])
    changed(tmp_path / FILE_NAME, "UPDATE head SET revision = 0")
    assert len(check_file(tmp_path / FILE_NAME)) == FINDINGS_MAX


def of_another_program(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE t (a)")


def no_database(path: Path) -> None:
    path.write_bytes(b"Dear diary, " * 1000)


def nothing_in_it(path: Path) -> None:
    path.touch()


def no_tables(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
    assert path.stat().st_size > 0


def a_folder(path: Path) -> None:
    path.mkdir()


def not_there(path: Path) -> None:
    assert not path.exists()


def of_a_newer_program(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        migrate(connection)
        connection.execute("PRAGMA user_version=99")


NOT_OURS: dict[Callable[[Path], None], str] = {
    nothing_in_it: "is empty",
    no_tables: "is empty",
    no_database: "not a database",
    of_another_program: "another program",
    of_a_newer_program: "newer program",
    a_folder: "is a folder",
    not_there: "there is no file",
}


@pytest.mark.parametrize("make", NOT_OURS, ids=lambda make: make.__name__)
def test_what_is_no_database_of_ours_is_told(tmp_path: Path, make: Callable[[Path], None]) -> None:
    path = tmp_path / "some.db"
    make(path)
    with pytest.raises(UnusableDatabase, match=NOT_OURS[make]) as told:
        check_file(path)
    assert str(path) in str(told.value)
    assert str(told.value).endswith(".")


def overwrite(path: Path, share: float, length: int) -> None:
    """Damage the file somewhere."""
    content = bytearray(path.read_bytes())
    at = int(len(content) * share)
    content[at : at + length] = b"?" * length
    path.write_bytes(content)


def said_of(path: Path) -> str:
    try:
        return "; ".join(map(str, check_file(path)))
    except UnusableDatabase as error:  # not even its beginning can be read
        return str(error)


@pytest.mark.parametrize("share", [0.0, 0.02, 0.2, 0.5, 0.8])
def test_a_damaged_file_is_told_and_is_no_error(path: Path, share: float) -> None:
    overwrite(path, share, 5_000)
    assert re.search("a whole file|file is damaged", said_of(path))


def test_a_file_cut_short_is_told(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-4096])
    assert "damaged" in said_of(path)
