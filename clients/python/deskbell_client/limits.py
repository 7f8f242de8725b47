"""What the server takes, checked before anything goes out: too big a frame ends the connection."""

from collections.abc import Mapping
from typing import Any, Final

from deskbell_client import wire
from deskbell_client.commands import Command, Send
from deskbell_client.errors import Refused

DEFAULTS: Final[Mapping[str, int]] = {
    "text_bytes": 32768,
    "frame_bytes": 131072,
    "sends_in_flight": 64,
}
"""What holds until a `welcome` says otherwise."""
LONGEST_ID: Final = 9 + 3
"""Bytes that an ``id`` adds to a frame at most."""


class Limits:
    """The limits of a `welcome`."""

    def __init__(self, limits: Mapping[str, int]) -> None:
        self._limits = {**DEFAULTS, **limits}

    @property
    def sends_in_flight(self) -> int:
        """How many sends a connection may leave without an ack."""
        return self._limits["sends_in_flight"]

    def encoded(self, command: Command[Any], command_id: int | None = None) -> bytes:
        """The frame; raises `Refused` (`too_large`), or `WireError` for what is not Unicode."""
        data = wire.encode(command, command_id)
        if len(data) + LONGEST_ID > self._limits["frame_bytes"]:
            raise Refused("too_large", f"The frame is over {self._limits['frame_bytes']} bytes.")
        if isinstance(command, Send) and len(command.text.encode()) > self._limits["text_bytes"]:
            raise Refused("too_large", f"The text is over {self._limits['text_bytes']} bytes.")
        return data
