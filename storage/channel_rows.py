"""The columns that say on which channel: written where that is not the app, or is it again."""

import json
import sqlite3

from domain.channels import APP, Channel, Channels
from storage.keys import SEQ_BITS


def column(channel: Channel) -> str:
    """As it is stored: the app, on which nearly all is, takes no place."""
    return "" if channel is APP else channel.value


def channel(column: str | None) -> Channel:
    """What a column says."""
    return Channel(column) if column else APP


class ChannelRows:
    """Collects what one transaction says of channels; messages and heads are written before it."""

    def __init__(self) -> None:
        self._said: dict[str, list[int]] = {}
        self._heads: dict[tuple[int, int], str] = {}

    def sent(self, business_no: int, no: int, seq: int, channels: Channels) -> None:
        """A message was said on a channel, and its conversation is on one from then on."""
        if channels.said is not APP:
            self._said.setdefault(column(channels.said), []).append(no << SEQ_BITS | seq)
        self._heads[business_no, no] = column(channels.conversation)

    def write(self, connection: sqlite3.Connection) -> None:
        """Write what was collected, and forget it."""
        for said, keys in self._said.items():
            connection.execute(
                "UPDATE message SET channel = ? WHERE id IN (SELECT value FROM json_each(?))",
                (said, json.dumps(keys)),
            )
        for (business_no, no), last in self._heads.items():
            connection.execute(
                "UPDATE head SET channel = ?1 WHERE business_no = ?2 AND conversation_no = ?3"
                " AND channel <> ?1",
                (last, business_no, no),
            )
        self.clear()

    def clear(self) -> None:
        self._said.clear()
        self._heads.clear()
