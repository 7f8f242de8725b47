"""What storing can come to, other than success; raised to the actor that appended."""

from domain.commands import Accepted


class StorageFailed(Exception):
    """Nothing of the batch was stored (for example the disk is full); it may be tried again."""


class AlreadySent(Exception):
    """Messages of the batch exist already: nothing of the batch was stored.

    ``known`` maps (person, device, client_message_id) to (conversation, digest, accepted).
    """

    def __init__(self, known: dict[tuple[str, str, str], tuple[str, bytes, Accepted]]) -> None:
        super().__init__(f"{len(known)} already sent")
        self.known = known
