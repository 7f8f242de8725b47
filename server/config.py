"""Reading the settings: defaults, then a TOML file, then the environment (`DESKBELL_<NAME>`)."""

import re
import shlex
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from server.edge.limits import EdgeLimits
from server.settings import Settings

PREFIX = "DESKBELL_"
NOT_SETTINGS = frozenset({"DESKBELL_CHROMIUM", "DESKBELL_ARTIFACTS"})
"""Variables that the tests of the page read; the servers they start inherit them."""

HOST = re.compile(r"[a-z0-9._-]+|\[[0-9a-f:.]+\]", re.ASCII)
DEFAULT_PORTS = {"http": 80, "https": 443}

LEAST: dict[str, float] = {
    "readers": 1,
    "token_seconds": 1,
    "session_token_seconds": 1,
    "sign_in_seconds": 60,
    "proxies": 0,
    "hello_seconds": 0.1,
    "drain_seconds": 0,
    "resume_limit": 0,
    "connections": 1,
    "connections_per_address": 0,
    "text_bytes": 1,
    "members": 2,
    "commands_per_second": 0,
    "commands_burst": 1,
    "sends_in_flight": 1,
    "devices": 1,
    "mailbox_size": 1,
    "idle_seconds": 1,
    "live_conversations": 1,
    "webhook_seconds": 0.1,
    "idempotency_seconds": 86_400,
    "idempotency_answers": 1,
    "image_bytes": 1,
    "video_bytes": 1,
    "document_bytes": 1,
    "image_pixels": 1,
    "uploads": 1,
    "upload_bytes": 1,
    "upload_seconds": 1,
    "link_seconds": 1,
}
"""The least that each number may be."""

MEMBER_BYTES = 700
"""A member in the picture of a conversation, in JSON, at most."""

EVENT_BYTES = EdgeLimits().outbound_bytes - 9_144
"""A picture's members and last message at most: what no connection can hold is never sent. In JSON
a text may be twice as long; ids, times, the title and attachments take less than what is left."""


class ConfigurationError(Exception):
    """The configuration cannot be used; the message says which setting, and what it takes."""


def read_settings(
    file: Path | None, environment: Mapping[str, str], overrides: Mapping[str, object]
) -> Settings:
    """The settings; ``overrides`` (from the command line) win, then the environment, then the file.

    Raises `ConfigurationError`.
    """
    values: dict[str, object] = {}
    if file is not None:
        values |= _from_file(file)
    values |= _from_environment(environment)
    values |= {name: value for name, value in overrides.items() if value is not None}
    try:
        settings = msgspec.convert(values, Settings, strict=False)
    except msgspec.ValidationError as error:
        raise ConfigurationError(
            f"{_named(str(error))}. docs/operations.md lists every setting with its type."
        ) from error
    _check(settings)
    return msgspec.structs.replace(
        settings,
        origins=tuple(_origin("origins", text) for text in settings.origins),
        public_url=_origin("public_url", settings.public_url) if settings.public_url else "",
    )


def _from_file(file: Path) -> dict[str, object]:
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except OSError as error:
        raise ConfigurationError(f"cannot read {file}: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{file} is not valid TOML: {error}.") from error


def _from_environment(environment: Mapping[str, str]) -> dict[str, object]:
    known = {field.name for field in msgspec.structs.fields(Settings)}
    found: dict[str, object] = {}
    for variable, text in environment.items():
        name = variable.removeprefix(PREFIX).lower()
        if not variable.startswith(PREFIX) or variable in NOT_SETTINGS:
            continue
        if name not in known:
            raise ConfigurationError(
                f"{variable} names no setting. docs/operations.md lists every setting."
            )
        read = _READ_IN_THE_ENVIRONMENT.get(name)
        found[name] = text if read is None else read(text)
    return found


def _listed(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _words(text: str) -> tuple[str, ...]:
    """As a shell takes them apart."""
    try:
        return tuple(shlex.split(text))
    except ValueError as error:
        raise ConfigurationError(
            f"attachment_scan_command has {text!r}, which is no command ({error})."
        ) from error


_READ_IN_THE_ENVIRONMENT: dict[str, Callable[[str], tuple[str, ...]]] = {
    "origins": _listed,
    "attachment_scan_command": _words,
}


def _origin(name: str, text: str) -> str:
    """The origin in ``text`` as browsers write it (RFC 6454, 6.2); only ``public_url`` has a path.

    Raises `ConfigurationError`: there is none, or more than one.
    """
    try:
        parts = urlsplit(text.strip())
        port = parts.port
    except ValueError as error:
        raise _no_origin(name, text) from error
    host = parts.netloc.lower().removesuffix(f":{port}")
    more = parts.query or parts.fragment or (name == "origins" and parts.path.strip("/"))
    if parts.scheme not in DEFAULT_PORTS or not HOST.fullmatch(host) or more:
        raise _no_origin(name, text)
    usual = port is None or port == DEFAULT_PORTS[parts.scheme]
    return f"{parts.scheme}://{host}" + ("" if usual else f":{port}")


def _no_origin(name: str, text: str) -> ConfigurationError:
    return ConfigurationError(
        f"{name} has {text!r}, which browsers do not send as an origin. Write it like "
        "https://chat.example.com, with the port if it has one, and letters beyond ASCII as xn--."
    )


def _named(error: str) -> str:
    """What `msgspec` says of a value, with the name of the setting first."""
    what, _, name = error.rstrip("`").rpartition(" - at `$.")
    return f"{name}: {what}" if what else error


def _check(settings: Settings) -> None:
    if not 0 <= settings.port <= 65535:
        raise ConfigurationError(f"port is {settings.port}; it must be 0 to 65535.")
    if settings.log_format not in ("text", "json"):
        raise ConfigurationError("log_format must be 'text' or 'json'.")
    if settings.log_level not in ("debug", "info", "warning", "error"):
        raise ConfigurationError("log_level must be 'debug', 'info', 'warning' or 'error'.")
    for name, least in LEAST.items():
        if not getattr(settings, name) >= least:  # also where it is not a number
            raise ConfigurationError(f"{name} must be at least {least}.")
    if settings.frame_bytes < 2 * settings.text_bytes + 1024:
        raise ConfigurationError("frame_bytes must be at least twice text_bytes plus 1024.")
    if 2 * settings.text_bytes + MEMBER_BYTES * settings.members > EVENT_BYTES:
        raise ConfigurationError(
            f"text_bytes is {settings.text_bytes} and members is {settings.members}: too large "
            f"together. Twice text_bytes plus {MEMBER_BYTES} for each of the members must be at "
            f"most {EVENT_BYTES}."
        )
