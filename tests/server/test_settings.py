"""Settings: what the page says of them, which source wins, and what is said of a wrong one."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from domain.channels import Channel
from domain.limits import ATTACHMENTS_MAX, NAME_BYTES, TITLE_BYTES
from domain.text import refuse_text
from domain.views import Attachment, Conversation, Member, Message
from protocol.codec import json_codec
from protocol.frames import ConversationAdded
from server.config import LEAST, ConfigurationError, read_settings
from server.edge.limits import EdgeLimits
from server.settings import Settings

PAGE = Path(__file__).parents[2] / "docs" / "operations.md"
FIELDS = {field.name: field for field in msgspec.structs.fields(Settings)}
ROW = re.compile(r"^\| `(?P<name>[a-z_]+)` \| (?P<default>`[^`]*`|none) \|", re.MULTILINE)


def read(
    file: Path | None = None, environment: Mapping[str, str] | None = None, **options: object
) -> Settings:
    return read_settings(file, environment or {}, options)


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "deskbell.toml"
    path.write_text(text, "utf-8")
    return path


def as_documented(value: object) -> str:
    if value in ((), ""):
        return "none"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


# --- The page -------------------------------------------------------------------------------------


def documented() -> list[tuple[str, str]]:
    _, _, section = PAGE.read_text("utf-8").partition("\n## Settings\n")
    section, _, _ = section.partition("\n## ")
    return [(row["name"], row["default"]) for row in ROW.finditer(section)]


def test_the_page_lists_every_setting_once_in_order_with_its_default() -> None:
    defaults = {name: as_documented(field.default) for name, field in FIELDS.items()}
    assert documented() == list(defaults.items())


def test_every_number_has_a_least_value() -> None:
    numbers = {name for name, field in FIELDS.items() if field.type in (int, float)}
    assert LEAST.keys() | {"port", "frame_bytes"} == numbers


# --- Where they come from -------------------------------------------------------------------------


def test_without_anything_the_defaults_hold() -> None:
    assert read() == Settings()


def test_the_command_line_beats_the_environment_beats_the_file(tmp_path: Path) -> None:
    file = written(tmp_path, 'port = 1\nhost = "file"\nlog_level = "error"\n')
    environment = {"DESKBELL_PORT": "2", "DESKBELL_HOST": "environment", "PORT": "9"}
    settings = read(file, environment, port=3, host=None)
    assert (settings.port, settings.host) == (3, "environment")
    assert settings.log_level == "error"


@pytest.mark.parametrize("name", FIELDS)
def test_every_setting_can_be_set_in_the_file_and_in_the_environment(
    name: str, tmp_path: Path
) -> None:
    value, text = OTHERS[name]
    wanted = msgspec.structs.replace(Settings(), **{name: value})
    assert wanted != Settings()
    toml = msgspec.json.encode(value).decode()  # of these values both are written alike
    assert read(written(tmp_path, f"{name} = {toml}\n")) == wanted
    assert read(environment={f"DESKBELL_{name.upper()}": text}) == wanted


OTHERS: dict[str, tuple[Any, str]] = {
    "host": ("0.0.0.0", "0.0.0.0"),
    "port": (0, "0"),
    "data_dir": ("/srv/deskbell", "/srv/deskbell"),
    "origins": (("https://a.example", "https://b.example"), "https://a.example,https://b.example"),
    "public_url": ("https://chat.example", "https://chat.example"),
    "log_level": ("debug", "debug"),
    "log_format": ("json", "json"),
    "readers": (4, "4"),
    "token_seconds": (60, "60"),
    "session_token_seconds": (3600, "3600"),
    "sign_in_seconds": (86_400, "86400"),
    "proxies": (1, "1"),
    "hello_seconds": (2.5, "2.5"),
    "drain_seconds": (0.0, "0"),
    "resume_limit": (0, "0"),
    "connections": (1, "1"),
    "connections_per_address": (16, "16"),
    "metrics_public": (True, "true"),
    "frame_bytes": (262_144, "262144"),
    "text_bytes": (1024, "1024"),
    "members": (2, "2"),
    "commands_per_second": (0, "0"),
    "commands_burst": (1, "1"),
    "sends_in_flight": (1, "1"),
    "devices": (1, "1"),
    "mailbox_size": (1, "1"),
    "idle_seconds": (1.5, "1.5"),
    "live_conversations": (1, "1"),
    "webhook_seconds": (1.5, "1.5"),
    "webhook_private_addresses": (True, "true"),
    "idempotency_seconds": (90_000, "90000"),
    "idempotency_answers": (1, "1"),
    "image_bytes": (1024, "1024"),
    "video_bytes": (1024, "1024"),
    "document_bytes": (1024, "1024"),
    "image_pixels": (1_000_000, "1000000"),
    "uploads": (1, "1"),
    "upload_bytes": (1024, "1024"),
    "upload_seconds": (60, "60"),
    "link_seconds": (60, "60"),
    "attachment_scan_command": (("clamdscan", "--no summary"), "clamdscan '--no summary'"),
}
"""Another value than the default, and how the environment says it."""


def test_limits_tell_clients_what_was_set() -> None:
    settings = Settings(frame_bytes=9000, text_bytes=3000, members=5, devices=2)
    limits = settings.limits()
    shared = FIELDS.keys() & set(limits.__struct_fields__)
    assert {name: getattr(limits, name) for name in shared} == {
        name: getattr(settings, name) for name in shared
    }
    assert len(shared) == 7


# --- Wrong ones -----------------------------------------------------------------------------------

WRONG = {
    **{name: (least - 1,) for name, least in LEAST.items()},
    "port": (-1, 65536, 1.5, "http"),
    "frame_bytes": (2 * Settings().text_bytes + 1023, "big"),
    "text_bytes": (0, Settings().frame_bytes),
    "hello_seconds": (0, -1.0, float("nan")),
    "drain_seconds": (-0.1, float("nan")),
    "log_level": ("loud", "INFO"),
    "log_format": ("xml",),
    "metrics_public": ("perhaps", 7),
    "webhook_private_addresses": ("perhaps", 7),
    "origins": ("https://a.example", (7,)),
    "host": (7,),
    "data_dir": (7,),
    "public_url": (False,),
    "attachment_scan_command": (7, ("clamdscan", 7)),
}


def test_wrong_values_are_known_for_every_setting() -> None:
    assert WRONG.keys() == FIELDS.keys()


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in WRONG.items() for value in values]
)
def test_a_wrong_value_is_refused_by_a_sentence_that_names_the_setting(
    name: str, value: object
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read(**{name: value})
    assert name in str(caught.value)
    assert str(caught.value).endswith(".")
    assert "\n" not in str(caught.value)


TOO_LARGE: dict[str, dict[str, Any]] = {
    "text_bytes": {"text_bytes": 300_000, "frame_bytes": 700_000},
    "members": {"members": 2_000},
    "both": {"text_bytes": 65_536, "frame_bytes": 140_000, "members": 200},
}


@pytest.mark.parametrize("name", TOO_LARGE)
def test_what_would_make_an_event_that_no_connection_takes_is_refused(name: str) -> None:
    with pytest.raises(ConfigurationError, match=r"text_bytes .* members .*\.$"):
        read(**TOO_LARGE[name])


LARGEST = Attachment(
    id="x" * 36,
    name='"' * NAME_BYTES,
    media_type="application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    kind="document",
    bytes=2**40,
    width=99_999,
    height=99_999,
    state="pending-scan",
    thumbnail=True,
)


def test_a_scan_command_that_a_shell_could_not_read_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="attachment_scan_command"):
        read(environment={"DESKBELL_ATTACHMENT_SCAN_COMMAND": "clamdscan 'open"})


@pytest.mark.parametrize(("text_bytes", "members"), [(32_768, 267), (125_800, 2), (60_000, 190)])
def test_the_longest_event_of_settings_that_are_accepted_fits_what_a_connection_holds(
    text_bytes: int, members: int
) -> None:
    """A picture of a full conversation in JSON; what may be in a text is twice as long in it."""
    read(text_bytes=text_bytes, members=members, frame_bytes=300_000)
    id_, name, number = "x" * 64, '"' * NAME_BYTES, 2**53 - 1
    text = '"' * text_bytes
    assert refuse_text(text, text_bytes) is None
    member = Member(
        person=id_,
        name=name,
        role="customer",
        active=False,
        delivered_up_to=number,
        delivered_at=number,
        read_up_to=number,
        read_at=number,
        state="offline",
        last_seen_at=number,
    )
    message = Message(
        conversation=id_,
        seq=number,
        revision=number,
        at=number,
        author=id_,
        kind="member_removed",
        text=text,
        person=id_,
        role="customer",
        reply_to=number,
        client_message_id=id_,
        edited_at=number,
        deleted_at=number,
        attachments=(LARGEST,) * ATTACHMENTS_MAX,
        channel=Channel.EMAIL,
    )
    picture = Conversation(
        id=id_,
        kind="direct",
        title='"' * TITLE_BYTES,
        created_at=number,
        created_by=id_,
        members=(member,) * members,
        last_seq=number,
        last_message=message,
        unread=number,
        revision=number,
        channel=Channel.EMAIL,
    )
    event = ConversationAdded(revision=number, conversation=picture)
    assert len(json_codec().framed(event)) <= EdgeLimits().outbound_bytes


def test_a_wrong_value_in_the_environment_names_the_setting() -> None:
    with pytest.raises(ConfigurationError, match="port"):
        read(environment={"DESKBELL_PORT": "eighty"})


FILES = {
    "an unknown setting": ("prot = 1\n", "prot"),
    "no TOML": ("port = \n", "TOML"),
    "the same twice": ("port = 1\nport = 2\n", "TOML"),
}


@pytest.mark.parametrize("name", FILES)
def test_a_wrong_file_is_refused_by_a_sentence(name: str, tmp_path: Path) -> None:
    text, word = FILES[name]
    with pytest.raises(ConfigurationError, match=word):
        read(written(tmp_path, text))


def test_a_file_that_is_not_text_or_not_there_is_named(tmp_path: Path) -> None:
    binary = tmp_path / "binary.toml"
    binary.write_bytes(b"\xff\xfe\x00")
    for path in (binary, tmp_path / "missing.toml", tmp_path):
        with pytest.raises(ConfigurationError, match=re.escape(str(path))):
            read(path)
