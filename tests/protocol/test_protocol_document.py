"""`docs/protocol.md` and the code say the same: the page is normative, so it must not drift."""

import re
from dataclasses import dataclass
from pathlib import Path
from types import UnionType
from typing import Final

import msgspec
import pytest
from msgspec import inspect

from domain import views
from domain.attachments import IMAGE_BYTES, NOT_AN_IMAGE, Kind, Reason, State
from domain.explaining import SENTENCES
from domain.limits import ATTACHMENTS_MAX, Limits
from domain.refusal import HTTP_STATUS
from protocol import close_codes, commands, frames
from server.attachments.keeper import CHUNK_BYTES
from server.settings import Settings

PAGE = (Path(__file__).parents[2] / "docs" / "protocol.md").read_text(encoding="utf-8")
UINT_MAX: Final = 2**53 - 1
KINDS: Final = (
    r"id|uint|time|text|string|bool|number|conversation|message|map of uint"
    r"|\w+( or \w+)+|\[.*\]|\{.*\}"
)
"""The types that the page speaks of; other words after a colon are prose."""


# --- Reading the page -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Field:
    """A field as the page describes it; ``kind`` is empty where the page gives no type."""

    name: str
    kind: str = ""
    required: bool = True
    default: object = None


def section(title: str) -> str:
    """The text below the heading that starts with ``title``, up to the next heading of its rank."""
    start = re.search(rf"^(#+) {re.escape(title)}.*$", PAGE, re.MULTILINE)
    assert start, f"no section {title!r}"
    rest = PAGE[start.end() :]
    end = re.search(rf"^#{{1,{len(start[1])}}} ", rest, re.MULTILINE)
    return rest[: end.start()] if end else rest


def rows(text: str, header: str) -> list[list[str]]:
    """The rows of the table whose first column is called ``header``."""
    table = re.search(rf"^\| {header} \|.*\n\|[-| ]+\|\n((?:\|.*\n?)+)", text, re.MULTILINE)
    assert table, f"no table {header!r}"
    return [[cell.strip() for cell in line.strip(" |").split(" |")] for line in lines(table[1])]


def lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.strip()]


def split(text: str, separator: str = ",") -> list[str]:
    """``text`` at the separators that are in no bracket."""
    parts, depth, start = [], 0, 0
    for place, sign in enumerate(text):
        depth += (sign in "([{") - (sign in ")]}")
        if sign == separator and depth == 0:
            parts.append(text[start:place].strip())
            start = place + 1
    return [*parts, text[start:].strip()]


def fields(text: str) -> dict[str, Field]:
    """Fields of a line such as ``seq: uint, active: bool = true, title: string optional (note)``.

    What follows a second colon, or a word that is no name, is prose for the reader.
    """
    found: dict[str, Field] = {}
    for part in split(text):
        name, *described = split(part, ":")
        words = re.fullmatch(r"(\w+)( optional)?(?: \(.*\))?", name)
        if not words:
            break
        if described:
            found[words[1]] = field(words[1], described[0])
        else:
            found[words[1]] = Field(words[1], required=not words[2])
        if len(described) > 1:
            break
    return found


def field(name: str, described: str) -> Field:
    described = re.sub(r" \([^()]*\)", "", described).replace("`", "").replace("*", "")
    described = described.removesuffix(".").strip()
    shape = re.fullmatch(r"(.*?)(,? optional)?(?: = ([^{}]*))?", described)
    assert shape
    kind, optional, default = shape.groups()
    kind = kind if re.fullmatch(KINDS, kind) else ""
    if default is not None:
        return Field(name, kind, required=False, default=msgspec.json.decode(default))
    return Field(name, kind, required=not optional)


def tabled(text: str, header: str) -> dict[str, Field]:
    """Fields of a table ``| names | kinds | meaning |``; one kind may serve several names."""
    found: dict[str, Field] = {}
    for names, kinds, *_ in rows(text, header):
        each = split(names)
        described = split(kinds) if "optional" not in kinds else [kinds]
        if len(described) == 1:
            described = described * len(each)
        assert len(each) == len(described), names
        found |= {name: field(name, kind) for name, kind in zip(each, described, strict=True)}
    return found


def braced(name: str, text: str = PAGE) -> dict[str, Field]:
    """Fields of a line such as ``NAME: {conversation: id, more: bool}``."""
    opening = re.search(rf"`{name}`: \{{", text)
    assert opening, f"no `{name}`: {{...}}"
    return fields(inside(text, opening.end()))


def inside(text: str, start: int) -> str:
    """The text from ``start`` to the bracket that closes it."""
    depth = 1
    for place in range(start, len(text)):
        depth += (text[place] in "{[(") - (text[place] in "}])")
        if depth == 0:
            return text[start:place]
    raise AssertionError("a bracket is not closed")


def nested(kind: str) -> dict[str, Field]:
    """Fields of a type written in place: ``{a, b: uint}`` or a list of such."""
    start = kind.index("{") + 1
    return fields(inside(kind, start))


# --- Reading the code -----------------------------------------------------------------------------


def code_fields(struct: type[msgspec.Struct]) -> dict[str, inspect.Field]:
    info = inspect.type_info(struct)
    assert isinstance(info, inspect.StructType)
    return {one.encode_name: one for one in info.fields if one.encode_name != "id"}


def plain(kind: inspect.Type) -> inspect.Type:
    """``kind`` without the ``None`` or the absence that an optional field allows."""
    if not isinstance(kind, inspect.UnionType):
        return kind
    rest = [one for one in kind.types if not isinstance(one, inspect.NoneType | inspect.CustomType)]
    return rest[0]


def alike(described: str, kind: inspect.Type) -> bool:
    """Whether the code's ``kind`` is what the page calls ``described``."""
    kind = plain(kind)
    if described in ("uint", "time"):
        bounds_of_input = (0, UINT_MAX)
        return isinstance(kind, inspect.IntType) and (kind.ge, kind.le) in (
            bounds_of_input,
            (None, None),
        )
    if described == "number":
        return isinstance(kind, inspect.FloatType)
    if described == "bool":
        return isinstance(kind, inspect.BoolType)
    if described.startswith("["):
        return isinstance(kind, inspect.VarTupleType | inspect.ListType)
    if described in ("id", "string", "text"):
        return isinstance(kind, inspect.StrType | inspect.EnumType)
    if " or " in described:
        return isinstance(kind, inspect.StrType) or (
            isinstance(kind, inspect.LiteralType)
            and set(kind.values) == set(described.split(" or "))
        )
    return isinstance(kind, inspect.StructType)


def assert_same(page: dict[str, Field], struct: type[msgspec.Struct]) -> None:
    """Names in the same order; types where the page has them; the same defaults."""
    code = code_fields(struct)
    page = {name: one for name, one in page.items() if name != "id" or "id" in code}
    assert list(page) == list(code)
    for name, one in page.items():
        if one.kind:
            assert alike(one.kind, code[name].type), f"{name}: {one.kind}, {code[name].type}"
        assert one.required == code[name].required, name
        if one.default is not None:
            assert code[name].default == one.default, name


# --- Commands -------------------------------------------------------------------------------------

COMMAND_ROWS = {row[0].strip("`"): row for row in rows(section("3. Commands"), "command")}
COMMANDS = {
    str(struct.__struct_config__.tag): struct
    for struct in commands.Command.__subclasses__()
    if struct is not commands.Hello
}
FRAMES = {str(struct.__struct_config__.tag): struct for struct in frames.REPLIES + frames.EVENTS}
REPLIES = {str(struct.__struct_config__.tag): struct for struct in frames.REPLIES}
EVENTS = {str(struct.__struct_config__.tag): struct for struct in frames.EVENTS}


def test_the_page_lists_the_commands_of_the_code() -> None:
    assert list(COMMAND_ROWS) == list(COMMANDS)


@pytest.mark.parametrize("name", COMMAND_ROWS)
def test_a_command_has_the_fields_of_the_page(name: str) -> None:
    described = COMMAND_ROWS[name][1]
    assert_same(fields(described) if described else {}, COMMANDS[name])


def test_every_id_of_a_command_is_checked() -> None:
    """What the page calls ``id`` has the pattern of ids in the code."""
    for name, row in COMMAND_ROWS.items():
        for one in fields(row[1]).values() if row[1] else ():
            kind = plain(code_fields(COMMANDS[name])[one.name].type)
            if isinstance(kind, inspect.VarTupleType):
                kind = kind.item_type
            if one.kind in ("id", "[id]"):
                assert isinstance(kind, inspect.StrType)
                assert kind.pattern, f"{name}.{one.name}"


def test_every_reply_of_a_command_exists() -> None:
    for row in COMMAND_ROWS.values():
        assert set(re.findall(r"`(\w+)`", row[2])) <= set(FRAMES)


def test_hello_has_the_fields_of_the_page() -> None:
    hello = tabled(section("2. Handshake").split("`hello`\n", 1)[1], "field")
    assert_same(hello, commands.Hello)
    assert_same(nested(hello["cursor"].kind), commands.Cursor)


# --- Replies --------------------------------------------------------------------------------------


def test_welcome_has_the_fields_of_the_page() -> None:
    welcome = tabled(section("2. Handshake").split("`welcome`\n", 1)[1], "field")
    assert_same(welcome, frames.Welcome)
    assert list(nested(welcome["heartbeat"].kind)) == list(code_fields(frames.Heartbeat))


@pytest.mark.parametrize("name", ["ack", "ok", "error", "pong"])
def test_a_reply_has_the_fields_of_the_page(name: str) -> None:
    described = {row[0].strip("`"): row[1] for row in rows(section("4. Replies"), "reply")}

    assert list(described) == ["ack", "ok", "error", "pong"]
    assert_same(fields(described[name]), REPLIES[name])


NAMED = [
    "page",
    "conversation_list",
    "receipt_list",
    "version_list",
    "person_list",
    "note_list",
    "found_list",
]
PARTS: dict[str, tuple[str, type[msgspec.Struct]]] = {
    "receipt_list": ("receipts", views.MessageReceipt),
    "version_list": ("versions", views.Version),
    "person_list": ("people", views.PersonName),
    "note_list": ("notes", views.Note),
    "found_list": ("found", views.Found),
}


@pytest.mark.parametrize("name", NAMED)
def test_a_named_result_has_the_fields_of_the_page(name: str) -> None:
    page = braced(name)
    assert_same(page, REPLIES[name])
    if name in PARTS:
        part, struct = PARTS[name]
        assert list(nested(page[part].kind)) == [
            one.encode_name
            for one in inspect.type_info(struct).fields  # type: ignore[attr-defined]
        ]


def test_the_conversation_reply_is_a_conversation() -> None:
    assert "`conversation` (the reply to `open` and `create`): {conversation: conversation}" in PAGE
    assert list(code_fields(frames.ConversationReply)) == ["conversation"]


def test_no_reply_is_left_out() -> None:
    assert set(REPLIES) == {"welcome", "ack", "ok", "error", "pong", "conversation", *NAMED}


# --- Records and events ---------------------------------------------------------------------------


def record(name: str) -> dict[str, Field]:
    return tabled(section("3.6 conversations").split(f"**{name}**\n", 1)[1], "field")


def test_a_message_has_the_fields_of_the_page() -> None:
    assert_same(record("message"), views.Message)
    assert_same(record("message"), frames.MessageEvent)


def test_an_attachment_has_the_fields_of_the_page() -> None:
    page = tabled(section("3.13 Attachments").split("**attachment**\n", 1)[1], "field")
    assert page.pop("id").kind == "id"
    assert_same(page, views.Attachment)


def test_the_page_says_what_is_said_of_an_upload() -> None:
    about = section("3.13 Attachments")
    assert {row[0].strip("`") for row in rows(about, "code")} == set(Reason)
    assert all(f"`{state}`" in about for state in State)
    assert all(f"`{line}`" in about for line in NOT_AN_IMAGE.splitlines())
    assert f"at most `chunk_bytes` ({CHUNK_BYTES}) bytes" in about
    assert f"at most {ATTACHMENTS_MAX}, each" in about
    assert f"{IMAGE_BYTES:,} bytes" in about
    policy = Settings().attachment_policy()
    for kind, plural in ((Kind.VIDEO, "Videos are"), (Kind.DOCUMENT, "document and")):
        size = policy.bytes_below[kind] // 2**20
        assert re.search(rf"{plural} smaller than {size} MiB", about)


def test_a_conversation_has_the_fields_of_the_page() -> None:
    page = record("conversation")
    assert page.pop("id").kind == "id"
    assert_same(page, views.Conversation)


def test_a_member_has_the_fields_of_the_page() -> None:
    line = re.search(r"\*\*member\*\*: (.*?)\. Where", section("3.6 conversations"), re.DOTALL)
    assert line
    assert_same(fields(line[1].replace("\n", " ")), views.Member)


EVENT_ROWS = {row[0].strip("`"): row[1] for row in rows(section("5. Events"), "event")}


def test_the_page_lists_the_events_of_the_code() -> None:
    assert list(EVENT_ROWS) == list(EVENTS)


@pytest.mark.parametrize("name", [name for name in EVENT_ROWS if name != "message"])
def test_an_event_has_the_fields_of_the_page(name: str) -> None:
    page = fields(EVENT_ROWS[name])
    assert_same(page, EVENTS[name])
    for inner, struct in (
        (("receipt", "receipts"), views.MemberCursor),
        (("presence", "people"), views.Presence),
    ):
        if name == inner[0]:
            assert_same(nested(page[inner[1]].kind), struct)


def test_a_message_event_is_a_message() -> None:
    assert EVENT_ROWS["message"].startswith("all fields of **message**")


# --- Limits, errors, close codes ------------------------------------------------------------------


def test_the_limits_are_those_of_the_page() -> None:
    page: dict[str, int] = {}
    for names, defaults, *_ in rows(section("9. Limits"), "limit"):
        values = [int(value) for value in defaults.split(", ")]
        page |= dict(zip(re.findall(r"`(\w+)`", names), values, strict=True))

    assert msgspec.to_builtins(Limits()) == page


def test_the_error_codes_are_those_of_the_page() -> None:
    page = {row[0].strip("`"): int(row[1]) for row in rows(section("4. Replies"), "code")}

    assert {code.value: status for code, status in HTTP_STATUS.items()} == page


CLOSE_ROWS = {int(row[0]): row for row in rows(section("10. Close codes"), "code")}


def test_the_close_codes_are_those_of_the_page() -> None:
    assert list(CLOSE_ROWS) == [code.value for code in close_codes.CloseCode]


@pytest.mark.parametrize("code", list(close_codes.CloseCode))
def test_what_a_client_does_after_a_close_code_is_that_of_the_page(
    code: close_codes.CloseCode,
) -> None:
    stops = CLOSE_ROWS[code][3].startswith("stops")

    assert close_codes.CLIENT_RECONNECTS[code] is not stops


def test_commands_and_frames_are_all_reached() -> None:
    """The union that the decoder is made of is the list that these tests compare."""
    assert isinstance(commands.AnyCommand, UnionType)
    assert set(commands.AnyCommand.__args__) == {*COMMANDS.values(), commands.Hello}


def test_the_rules_of_routing_are_those_of_the_code() -> None:
    told = {name.strip("`"): sentence for name, sentence in rows(section("3.11 handle"), "rule")}
    assert told == {rule.value: sentence for rule, sentence in SENTENCES.items()}
