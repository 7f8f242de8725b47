"""Attachments as rows and files: who has them, what a change of a message does to them."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from domain.attachments import INFECTED, State
from domain.errors import StorageFailed
from domain.events import AttachmentSettled
from domain.roles import Role
from domain.views import Message
from storage.access import Viewer
from storage.attachment_files import AttachmentFiles, WrongOffset
from storage.backup import files_of
from storage.check import check_file
from storage.database import Database, copy_database
from storage.missed import Deleted, Settled
from storage.uploads import NewUpload, Quota
from tests.contract.house import House, running_database
from tests.fixtures.attached import PLENTY, attachment

CARLA = Viewer(1, "carla", Role.CUSTOMER)
SAM = Viewer(1, "sam", Role.STAFF)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with running_database(tmp_path) as database:
        house = await House.founded(database)
        await house.converse("c1", "sam", "carla")
        yield house


def database_of(house: House) -> Database:
    assert isinstance(house.database, Database)
    return house.database


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def messages(house: House, viewer: Viewer = SAM) -> list[Message]:
    found = await house.database.queries.history(viewer, "c1", None, None, 50)
    assert found is not None
    return found[0]


# --- in messages ----------------------------------------------------------------------------------


@pytest.mark.requirement("DT-16", "DT-17")
async def test_a_message_shows_what_is_attached_to_it(house: House) -> None:
    database = database_of(house)
    one = await attachment(database, 1, "carla", "a1")
    two = await attachment(database, 1, "carla", "a2", b"x", state=State.PENDING_SCAN)
    await house.append([house.message("c1", "carla", "", attachments=(two, one))])
    await house.send("c1", "carla", "plain")
    shown, plain = await messages(house)
    assert shown.attachments == (two, one)
    assert shown.attachments[0].state == "pending-scan"
    assert plain.attachments == ()
    missed = await house.database.queries.catch_up(SAM, 5, 50)
    assert [m.attachments for _, m in missed.items if isinstance(m, Message)] == [(two, one), ()]
    view = await house.database.queries.view(CARLA, "c1")
    assert view is not None
    assert view.last_message == plain


async def test_what_another_message_was_quicker_with_is_not_stored(house: House) -> None:
    """And neither is anything else of the batch; others are."""
    found = await attachment(database_of(house), 1, "carla", "a1")
    await house.converse("c2", "sam", "carla")
    await house.append([house.message("c1", "carla", "first", attachments=(found,))])
    with pytest.raises(StorageFailed):
        await house.append([house.message("c2", "carla", "second", attachments=(found,))])
    house.seqs["c2"] -= 1
    await house.send("c2", "carla", "third")
    place = await database_of(house).attachments.place(1)
    assert place == ("c1", 1)
    assert check_file(database_of(house).path) == []


async def test_what_a_scanner_settled_just_now_is_not_stored_as_it_was(house: House) -> None:
    database = database_of(house)
    found = await attachment(database, 1, "carla", "a1", state=State.PENDING_SCAN)
    assert await database.attachments.scanned(1, INFECTED)
    with pytest.raises(StorageFailed):
        await house.append([house.message("c1", "carla", "", attachments=(found,))])


async def test_deleting_a_message_leaves_nothing_to_reach(house: House) -> None:
    database = database_of(house)
    found = await attachment(database, 1, "carla", "a1")
    await house.append([house.message("c1", "carla", "look", attachments=(found,))])
    rows = database.attachments
    assert await rows.in_message(SAM, "c1", 1, "a1") is not None
    assert await rows.linked("pawsome", "a1") is not None
    revision = await house.delete("c1", 1)
    assert await rows.in_message(SAM, "c1", 1, "a1") is None
    assert await rows.linked("pawsome", "a1") is None
    assert await rows.own(1, "carla", "a1") is None
    assert [each.id for each in await rows.expired(1)] == ["a1"]
    (shown,) = await messages(house)
    assert (shown.text, shown.attachments) == ("", ())
    missed = await house.database.queries.catch_up(SAM, revision - 1, 50)
    assert [type(each) for _, each in missed.items] == [Deleted]
    versions = await house.database.queries.versions(Viewer(1, "olivia", Role.OWNER), "c1", 1)
    assert versions is not None
    assert [each.text for each in versions.versions] == ["look"]


@pytest.mark.requirement("EX-36")
@pytest.mark.parametrize("state", ["ready", "refused"])
async def test_what_is_settled_later_is_told_and_shown(house: House, state: str) -> None:
    database = database_of(house)
    found = await attachment(database, 1, "carla", "a1", state=State.PENDING_SCAN)
    other = await attachment(database, 1, "carla", "a2", b"other")
    sent = await house.append([house.message("c1", "carla", "", attachments=(found, other))])
    settled = AttachmentSettled("c1", 1, house.at(), "carla", "a1", state)
    revision = await house.append([settled])
    (shown,) = await messages(house)
    assert [each.state for each in shown.attachments] == [state, "ready"]
    missed = await house.database.queries.catch_up(SAM, sent, 50)
    assert missed.items == [(revision, Settled("c1", 1, "a1", state))]
    view = await house.database.queries.view(SAM, "c1")
    assert view is not None
    assert view.revision == revision
    row = await database.attachments.by_no(1)
    assert row is not None
    assert (row.state == state, bool(row.file)) == (True, state == "ready")
    assert check_file(database.path) == []
    await house.delete("c1", 1)
    missed = await house.database.queries.catch_up(SAM, sent, 50)
    assert [type(each) for _, each in missed.items] == [Deleted]
    assert check_file(database.path) == []


async def test_who_may_not_see_a_message_reaches_nothing_of_it(house: House) -> None:
    found = await attachment(database_of(house), 1, "carla", "a1")
    await house.append([house.message("c1", "carla", "", attachments=(found,))])
    await house.add("c1", "dave")
    rows = database_of(house).attachments
    assert await rows.in_message(CARLA, "c1", 1, "a1") is not None
    for viewer, conversation, seq, id_ in (
        (Viewer(1, "dave", Role.CUSTOMER), "c1", 1, "a1"),  # who came later
        (Viewer(1, "nobody", Role.CUSTOMER), "c1", 1, "a1"),
        (Viewer(2, "carla", Role.OWNER), "c1", 1, "a1"),
        (SAM, "c1", 2, "a1"),
        (SAM, "c2", 1, "a1"),
        (SAM, "c1", 1, "a2"),
        (SAM, "c1", 2**52, "a1"),
    ):
        assert await rows.in_message(viewer, conversation, seq, id_) is None


# --- uploads --------------------------------------------------------------------------------------


def new(id_: str, size: int, person: str = "carla") -> NewUpload:
    return NewUpload(1, id_, person, "x", size, 1, 100)


async def test_a_person_has_so_many_files_and_bytes_that_are_not_sent(house: House) -> None:
    rows = database_of(house).attachments
    quota = Quota(2, 100)
    assert await rows.begin(new("u1", 60), quota) is None
    assert await rows.begin(new("u2", 41), quota) == Quota(1, 40)
    assert await rows.begin(new("u2", 40), quota) is None
    assert await rows.begin(new("u3", 1), quota) == Quota(0, 0)
    assert await rows.begin(new("u3", 60, "sam"), quota) is None
    assert await rows.drop(2)
    assert await rows.begin(new("u4", 1), quota) is None


async def test_what_was_refused_counts_no_more_and_is_kept_for_a_while(house: House) -> None:
    rows = database_of(house).attachments
    for number in range(5):
        assert await rows.begin(new(f"u{number}", 60), Quota(2, 100)) is None
        row = await rows.own(1, "carla", f"u{number}")
        assert row is not None
        await rows.completed(row.no)
        await rows.refused(row.no, INFECTED)
    kept = [n for n in range(5) if await rows.own(1, "carla", f"u{n}") is not None]
    assert kept == [2, 3, 4]


async def test_what_nobody_sends_expires_and_what_is_sent_does_not(house: House) -> None:
    database = database_of(house)
    sent = await attachment(database, 1, "carla", "a1", expires_at=50)
    await attachment(database, 1, "carla", "a2", expires_at=50)
    await attachment(database, 1, "carla", "a3", expires_at=51)
    await house.append([house.message("c1", "carla", "", attachments=(sent,))])
    rows = database.attachments
    assert [each.id for each in await rows.expired(50)] == ["a2"]
    assert not await rows.drop(1)
    assert await rows.drop(2)


async def test_erasing_takes_a_persons_files_also_from_messages(house: House) -> None:
    database = database_of(house)
    first = await attachment(database, 1, "carla", "a1", b"hers")
    await attachment(database, 1, "carla", "a2", b"unsent")
    other = await attachment(database, 1, "sam", "a3", b"his")
    await house.append([house.message("c1", "carla", "mine", attachments=(first,))])
    await house.append([house.message("c1", "sam", "mine too", attachments=(other,))])
    gone = await database.attachments.erase(1, "carla")
    assert sorted(each.id for each in gone) == ["a1", "a2"]
    hers, his = await messages(house)
    assert (hers.text, hers.attachments, his.attachments) == ("mine", (), (other,))
    assert await database.attachments.unused([each.file for each in gone]) == {
        each.file for each in gone
    }
    assert check_file(database.path) == []


# --- files ----------------------------------------------------------------------------------------


@pytest.fixture
def files(tmp_path: Path) -> AttachmentFiles:
    return AttachmentFiles(tmp_path / "attachments")


def test_a_chunk_goes_where_the_upload_stands_or_nowhere(files: AttachmentFiles) -> None:
    assert files.offset("1-u") == 0
    assert files.append("1-u", 0, b"abc") == 3
    for wrong in (0, 2, 4, 2**40):
        with pytest.raises(WrongOffset) as told:
            files.append("1-u", wrong, b"x")
        assert told.value.args == (3,)
    assert files.append("1-u", 3, b"de") == 5
    assert files.uploading("1-u").read_bytes() == b"abcde"


def test_after_a_start_the_end_that_may_be_anything_is_sent_again(files: AttachmentFiles) -> None:
    files.append("1-u", 0, b"0123456789")
    files.append("2-u", 0, b"ab")
    files.append("3-u", 0, b"complete")
    files.scratch("1-u").joinpath("image").write_bytes(b"x")
    files.recover(4, {"3-u"})
    assert [files.offset(f"{n}-u") for n in (1, 2, 3)] == [6, 0, 8]
    assert not (files.root / "examining").exists()


def test_one_content_is_one_file(files: AttachmentFiles, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"same")
    one = files.keep(source)
    assert files.keep(source) == one
    assert source.exists()
    assert list(files.all()) == [one]
    assert files.fault(one) == ""
    files.remove([one, "../../source", "x"])
    assert files.fault(one) == "is missing"
    assert source.exists()


def test_without_hard_links_it_is_copied(
    files: AttachmentFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise OSError("Operation not permitted")

    monkeypatch.setattr("os.link", refused)
    source = tmp_path / "source"
    source.write_bytes(b"content")
    assert files.path(files.keep(source)).read_bytes() == b"content"


def test_what_a_kill_left_beside_a_file_goes(files: AttachmentFiles, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"content")
    kept = files.path(files.keep(source))
    left = kept.with_suffix(".new")
    left.write_bytes(b"half")
    assert files.some(kept.parent.name) == [kept.name]
    assert not left.exists()


# --- backup ---------------------------------------------------------------------------------------


async def test_a_backup_has_the_files_and_can_be_put_back(house: House, tmp_path: Path) -> None:
    database = database_of(house)
    kept = await attachment(database, 1, "carla", "a1", b"kept")
    gone = await attachment(database, 1, "carla", "a2", b"gone")
    for each in (kept, gone):
        await house.append([house.message("c1", "carla", "", attachments=(each,))])
    await house.delete("c1", 2)
    target = tmp_path / "backup.db"
    await database.backup(target)
    assert [path.read_bytes() for path in files_of(target).root.glob("??/*")] == [b"kept"]
    assert check_file(target) == []
    restored = tmp_path / "restored"
    restored.mkdir()
    target.rename(restored / "deskbell.db")
    files_of(target).root.rename(restored / "attachments")
    assert check_file(restored / "deskbell.db") == []
    shutil.rmtree(restored / "attachments")
    assert [each.rule for each in check_file(restored / "deskbell.db")] == [
        "an attachment has its file"
    ]


async def test_a_backup_without_a_file_that_should_be_there_is_none(
    house: House, tmp_path: Path
) -> None:
    database = database_of(house)
    found = await attachment(database, 1, "carla", "a1")
    await house.append([house.message("c1", "carla", "", attachments=(found,))])
    database.files.remove(list(database.files.all()))
    before = names(tmp_path)
    with pytest.raises(FileNotFoundError, match="deskbell check"):
        copy_database(database.path, tmp_path / "backup.db")
    assert names(tmp_path) == before


async def test_nobody_has_more_than_there_is(house: House) -> None:
    assert await database_of(house).attachments.begin(new("u1", 1), PLENTY) is None
    assert await database_of(house).attachments.next_at_work(1, ()) is None
