"""The Python client of Deskbell: messages that arrive once and in order, on trio.

`connect` gives a `Desk`. Its events are in `deskbell_client.events`, what they hold in
`deskbell_client.records`, what the server answers in `deskbell_client.replies`.
"""

from deskbell_client.connecting import connect, connect_over
from deskbell_client.desk import Desk
from deskbell_client.errors import (
    DeskbellError,
    OutcomeUnknown,
    PendingFull,
    Refused,
    Stopped,
    TokenUnavailable,
    WireError,
)
from deskbell_client.options import Options
from deskbell_client.records import (
    Attachment,
    Conversation,
    Explanation,
    Handling,
    Member,
    Message,
    Note,
    Person,
)
from deskbell_client.storage import FileStorage, MemoryStorage, Storage, StorageError
from deskbell_client.uploads import UploadFailed

__all__ = [
    "Attachment",
    "Conversation",
    "Desk",
    "DeskbellError",
    "Explanation",
    "FileStorage",
    "Handling",
    "Member",
    "MemoryStorage",
    "Message",
    "Note",
    "Options",
    "OutcomeUnknown",
    "PendingFull",
    "Person",
    "Refused",
    "Stopped",
    "Storage",
    "StorageError",
    "TokenUnavailable",
    "UploadFailed",
    "WireError",
    "connect",
    "connect_over",
]
