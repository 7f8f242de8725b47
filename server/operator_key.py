"""The operator's key: made at the first start, readable by whoever may read the data folder."""

import os
from pathlib import Path

from server.node import Node
from server.tokens import hash_key, make_key
from storage.migrations import UnusableDatabase

FILE_NAME = "operator.key"


async def keep_operator_key(node: Node) -> None:
    """Make the key if there is none; its text stands in the data folder alone, mode 0600.

    The database holds only its hash. Who has lost the file deletes nothing and gains nothing: a
    new key is made when the file is missing, and the old one stays valid. Raises
    `UnusableDatabase`: the file cannot be written.
    """
    path = Path(node.settings.data_dir) / FILE_NAME
    if path.is_file() and await node.database.has_operator_key():
        return
    key = make_key("operator")
    await node.database.add_key(None, "operator", hash_key(key), node.clock())
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(key + "\n")
    except OSError as error:
        raise UnusableDatabase(
            f"the operator's key {path} cannot be written ({error.strerror}). Remove what is in "
            "its place, and see that this user may write there and that the disk is not full."
        ) from error


def read_operator_key(data_dir: Path) -> str:
    """The key as the server wrote it. Raises `OSError`."""
    return (data_dir / FILE_NAME).read_text().strip()
