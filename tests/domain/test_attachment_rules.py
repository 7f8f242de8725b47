"""What may be attached: types, sizes, names, and what a message takes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.attachments import (
    CHANNELS,
    HEIC,
    IMAGE_BYTES,
    IMAGE_SUBTYPES,
    NOT_AN_IMAGE,
    Channel,
    Kind,
    Policy,
    Reason,
    Rejection,
    State,
    Uploaded,
    attach,
    clean_name,
    judge,
    kind_of,
    megabytes,
    refuse_announced,
)
from domain.commands import Send, SettleAttachment, Speaker
from domain.conversation import (
    CONFLICTING_ID,
    Conversation,
    Entry,
    confirm,
    decide_send,
    decide_settle,
    digest,
    evolve,
)
from domain.events import AttachmentSettled, MessageSent, Person
from domain.limits import ATTACHMENTS_MAX, NAME_BYTES, Limits
from domain.refusal import NOT_FOUND, Code, Refusal
from domain.roles import Role
from domain.views import Attachment

IN_APP = CHANNELS[Channel.IN_APP]
OTHER_IMAGES = ("heic", "heif", "webp", "bmp", "tiff", "avif", "svg+xml", "x-icon", "JPEG", "")
OTHERS = ("video/mp4", "application/pdf", "text/plain", "application/octet-stream", "audio/mp4")
sizes = st.integers(1, 2**40)


# --- types and sizes ------------------------------------------------------------------------------


@pytest.mark.requirement("MT-19")
def test_images_are_of_exactly_six_subtypes() -> None:
    assert IMAGE_SUBTYPES == ("jpeg", "jpg", "png", "gif", "pjpeg", "x-png")
    for subtype in IMAGE_SUBTYPES:
        assert judge(IN_APP, f"image/{subtype}", 1) is Kind.IMAGE


@pytest.mark.requirement("MT-20", "C-05")
@pytest.mark.parametrize("subtype", IMAGE_SUBTYPES)
def test_an_image_is_smaller_than_five_megabytes(subtype: str) -> None:
    assert IMAGE_BYTES == 5 * 1024 * 1024
    assert judge(IN_APP, f"image/{subtype}", 5 * 1024 * 1024 - 1) is Kind.IMAGE
    refused = judge(IN_APP, f"image/{subtype}", 5 * 1024 * 1024)
    assert refused == Rejection(Reason.TOO_LARGE, NOT_AN_IMAGE)


@pytest.mark.requirement("MT-21")
def test_the_text_is_the_sources_and_the_same_for_both_reasons() -> None:
    assert NOT_AN_IMAGE == (
        "Not a recognized image file\n"
        "Supported image types are 'jpeg', 'jpg', 'png', 'gif', 'pjpeg', and 'x-png'"
    )
    large, other = judge(IN_APP, "image/png", 2**30), judge(IN_APP, "image/webp", 1)
    assert isinstance(large, Rejection)
    assert isinstance(other, Rejection)
    assert large.text == other.text == NOT_AN_IMAGE


@pytest.mark.requirement("EX-36")
@pytest.mark.parametrize("subtype", ["heic", "heif"])
@pytest.mark.parametrize("size", [1, 2**30])
def test_heic_is_named(subtype: str, size: int) -> None:
    refused = judge(IN_APP, f"image/{subtype}", size)
    assert refused == Rejection(Reason.UNSUPPORTED, HEIC)
    assert HEIC.startswith(NOT_AN_IMAGE)
    assert "HEIC" in HEIC


@given(st.sampled_from([*(f"image/{s}" for s in (*IMAGE_SUBTYPES, *OTHER_IMAGES)), *OTHERS]), sizes)
def test_whatever_a_channel_takes_is_a_kind_of_its_own_below_its_limit(
    media_type: str, size: int
) -> None:
    for policy in CHANNELS.values():
        judged = judge(policy, media_type, size)
        if isinstance(judged, Rejection):
            assert judged.text
            continue
        assert judged is kind_of(media_type)
        assert size < policy.bytes_below[judged] <= policy.largest()
        assert judge(policy, media_type, policy.bytes_below[judged] - 1) is judged
        assert isinstance(judge(policy, media_type, policy.bytes_below[judged]), Rejection)


@pytest.mark.requirement("C-06")
def test_what_is_taken_is_a_property_of_the_channel() -> None:
    assert set(CHANNELS) == set(Channel)
    assert set(IN_APP.bytes_below) == set(Kind)
    assert set(CHANNELS[Channel.SMS].bytes_below) == {Kind.IMAGE}
    assert isinstance(judge(CHANNELS[Channel.SMS], "application/pdf", 1), Rejection)
    assert judge(Policy({Kind.IMAGE: 10}), "image/png", 9) is Kind.IMAGE
    assert isinstance(judge(Policy({Kind.VIDEO: 10}), "image/png", 9), Rejection)
    assert (megabytes(100 * 2**20), megabytes(2**19)) == ("100 MB", "0.5 MB")


PICTURE_NAMES = ("Rex.jpg", "REX.JPEG", "a/b.png", "x.GIF ", "IMG_1.HEIC", "x.webp", "猫.Png")
OTHER_NAMES = ("notes.txt", "clip.mp4", "png", "x.png.pdf", "pictures.zip", "", "xpng")


@pytest.mark.requirement("MT-21", "MT-23")
@pytest.mark.parametrize("policy", CHANNELS.values())
@pytest.mark.parametrize("name", [*PICTURE_NAMES, *OTHER_NAMES])
def test_what_cannot_be_taken_is_refused_before_its_bytes_come(policy: Policy, name: str) -> None:
    largest = policy.largest()
    assert refuse_announced(policy, name, 1) is refuse_announced(policy, name, largest - 1) is None
    empty, large = refuse_announced(policy, name, 0), refuse_announced(policy, name, largest)
    assert empty is not None
    assert large is not None
    assert (empty.code, large.code) == (Code.BAD_REQUEST, Code.TOO_LARGE)
    if name in PICTURE_NAMES:
        assert empty.message == large.message == NOT_AN_IMAGE
    else:
        assert empty.message == "The file is empty: there is nothing to send."
        assert large.message == f"A file must be smaller than {megabytes(largest)}."


# --- names ----------------------------------------------------------------------------------------

NAMES = {
    "Rex.png": "Rex.png",
    "REX.PNG": "REX.PNG",
    "Impfpaß – Überweisung.pdf": "Impfpaß – Überweisung.pdf",
    "Прививки Рекса.pdf": "Прививки Рекса.pdf",
    "ワクチン証明書.pdf": "ワクチン証明書.pdf",
    "تطعيم ريكس.pdf": "تطعيم ريكس.pdf",
    "חיסון.pdf": "חיסון.pdf",
    "टीका.pdf": "टीका.pdf",
    "می‌خواهم.txt": "می‌خواهم.txt",
    "👩‍🦰🐕.gif": "👩‍🦰🐕.gif",
    "../../etc/passwd": "passwd",
    "C:\\fakepath\\Rex.png": "Rex.png",
    "/": "file",
    "..": "file",
    "": "file",
    " \t\n": "file",
    ".bashrc": "bashrc",
    "a\r\nSet-Cookie: x.png": "aSet-Cookie: x.png",
    "a\x00b.png": "ab.png",
    "invoice\u202egnp.exe": "invoicegnp.exe",
    "\ud800.png": "png",
    'say "hi"; x=1.png': 'say "hi"; x=1.png',
}


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_one_line_without_folders_in_every_script(name: str) -> None:
    assert clean_name(name) == NAMES[name]


@given(st.text(max_size=400))
def test_a_clean_name_is_short_stays_clean_and_can_be_sent(name: str) -> None:
    cleaned = clean_name(name)
    assert 0 < len(cleaned.encode()) <= NAME_BYTES
    assert not set(cleaned) & set("/\\\n\r\x00\u202e")
    assert clean_name(cleaned) == cleaned or len(name.encode()) > NAME_BYTES


@given(st.text(alphabet="aß漢😀", min_size=250, max_size=300))
def test_a_long_name_keeps_its_extension(stem: str) -> None:
    cleaned = clean_name(f"{stem}.jpeg")
    assert cleaned.endswith(".jpeg")
    assert NAME_BYTES - 3 <= len(cleaned.encode()) <= NAME_BYTES


# --- sending --------------------------------------------------------------------------------------

NOW = 1_793_000_000_000
CARLA = Speaker("carla", "Carla", Role.CUSTOMER, "phone")


def an_attachment(id_: str, state: str = "ready") -> Attachment:
    return Attachment(
        id=id_, name="x.pdf", media_type="application/pdf", kind="document", bytes=1, state=state
    )


def uploaded(*ids: str, state: str = "ready", sent: bool = False) -> tuple[Uploaded, ...]:
    return tuple(Uploaded(an_attachment(id_, state), sent) for id_ in ids)


def talk() -> Conversation:
    return Conversation("c1", "group", "", {"carla": Person("carla", "Carla", Role.CUSTOMER)})


def send(text: str, asked: tuple[str, ...], found: tuple[Uploaded, ...], id_: str = "m1") -> Send:
    return Send(CARLA, id_, text, 0, attachments=asked, found=found)


def decide(state: Conversation, command: Send) -> object:
    return decide_send(state, command, {}, Limits(), NOW)


ids = st.sampled_from(["a1", "a2", "a3", "a4"])
states = st.sampled_from([state.value for state in State])


@given(
    asked=st.lists(ids, max_size=6).map(tuple),
    own=st.dictionaries(ids, st.tuples(states, st.booleans())),
    taken=st.sets(ids),
)
def test_a_message_takes_exactly_what_it_may(
    asked: tuple[str, ...], own: dict[str, tuple[str, bool]], taken: set[str]
) -> None:
    found = tuple(Uploaded(an_attachment(id_, state), sent) for id_, (state, sent) in own.items())
    decided = attach(asked, found, taken)
    fits = len(set(asked)) == len(asked) and all(
        id_ in own
        and own[id_][0] in ("ready", "pending-scan")
        and not own[id_][1]
        and id_ not in taken
        for id_ in asked
    )
    if fits:
        assert decided == tuple(an_attachment(id_, own[id_][0]) for id_ in asked)
    else:
        assert isinstance(decided, Refusal)


def test_foreign_and_unknown_are_the_same_answer() -> None:
    assert attach(("a1",), (), set()) == NOT_FOUND


def test_a_message_has_at_most_ten() -> None:
    many = tuple(f"a{n}" for n in range(ATTACHMENTS_MAX + 1))
    decided = attach(many, uploaded(*many), set())
    assert isinstance(decided, Refusal)
    assert decided.code is Code.TOO_LARGE
    assert isinstance(attach(many[1:], uploaded(*many), set()), tuple)


@pytest.mark.requirement("MT-22")
@pytest.mark.parametrize(
    ("text", "asked", "code"),
    [
        ("", (), Code.BAD_REQUEST),
        (" ", ("a1",), Code.BAD_REQUEST),
        ("x" * 40_000, ("a1",), Code.TOO_LARGE),
        ("Hi", ("a2",), Code.NOT_FOUND),
        ("Hi", ("a1", "a1"), Code.BAD_REQUEST),
    ],
)
def test_a_message_that_is_refused_takes_nothing(
    text: str, asked: tuple[str, ...], code: Code
) -> None:
    state = talk()
    decided = decide(state, send(text, asked, uploaded("a1")))
    assert isinstance(decided, Refusal)
    assert decided.code is code
    assert isinstance(decide(state, send("Hi", ("a1",), uploaded("a1"))), MessageSent)


def test_a_text_may_be_empty_beside_an_attachment() -> None:
    decided = decide(talk(), send("", ("a1",), uploaded("a1")))
    assert isinstance(decided, MessageSent)
    assert (decided.text, decided.attachments) == ("", (an_attachment("a1"),))


def test_two_messages_of_one_batch_do_not_have_the_same_attachment() -> None:
    state = talk()
    first = decide(state, send("one", ("a1",), uploaded("a1")))
    assert isinstance(first, MessageSent)
    evolve(state, first)
    second = decide(state, send("two", ("a1",), uploaded("a1"), "m2"))
    assert isinstance(second, Refusal)
    assert second.code is Code.CONFLICT


@pytest.mark.requirement("R05")
def test_attachments_are_part_of_what_makes_two_sends_the_same() -> None:
    state = talk()
    first = decide(state, send("Hi", ("a1", "a2"), uploaded("a1", "a2")))
    assert isinstance(first, MessageSent)
    evolve(state, first)
    accepted = confirm(state, first, 9)
    sent = uploaded("a1", "a2", sent=True)
    assert decide(state, send("Hi", ("a1", "a2"), sent)) == accepted
    for other in ((), ("a1",), ("a2", "a1"), ("a1", "a3")):
        assert decide(state, send("Hi", other, sent)) == CONFLICTING_ID


@given(st.text(), st.lists(ids, max_size=3).map(tuple), st.text(), st.lists(ids).map(tuple))
def test_digests_tell_texts_and_attachments_apart(
    one: str, with_one: tuple[str, ...], other: str, with_other: tuple[str, ...]
) -> None:
    if "\x00" in one + other:
        return  # no text holds it
    same = digest("c1", one, 0, with_one) == digest("c1", other, 0, with_other)
    assert same == ((one, with_one) == (other, with_other))


def test_what_the_scanner_says_is_of_no_account_to_what_is_gone() -> None:
    command = SettleAttachment(CARLA, 1, "a1", State.READY)
    settled = decide_settle(talk(), command, Entry("carla"), NOW)
    assert settled == AttachmentSettled("c1", 1, NOW, "carla", "a1", "ready")
    for gone in (None, Entry("carla", deleted=True)):
        assert not isinstance(decide_settle(talk(), command, gone, NOW), AttachmentSettled)
