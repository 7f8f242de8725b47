"""The limits that a client is told in `welcome`; `docs/protocol.md` section 9 lists the same."""

import msgspec


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Sizes in bytes, counts, milliseconds and rates; names and defaults are part of the wire."""

    frame_bytes: int = 131072
    text_bytes: int = 32768
    history_limit: int = 200
    members: int = 128
    watch_people: int = 200
    commands_per_second: int = 50
    commands_burst: int = 200
    sends_in_flight: int = 64
    typing_ms: int = 6000
    devices: int = 8


TITLE_BYTES = 200
NAME_BYTES = 200
UNREAD_MAX = 1000
LIST_MAX = 100
PEOPLE_MAX = 50
SEARCH_MAX = 50
ATTACHMENTS_MAX = 10
MENTIONS_MAX = 20
"""Bounds that no client needs to be told in numbers at `welcome`; the protocol page states them."""
