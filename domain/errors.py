"""What storing can come to, other than success; raised to the actor that appended."""


class StorageFailed(Exception):
    """Nothing of the batch was stored (for example the disk is full); it may be tried again."""


class AlreadySent(Exception):
    """A ``client_message_id`` of the batch names a stored message: nothing of it was stored."""
