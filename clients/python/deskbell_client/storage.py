"""What a device keeps over restarts: its position, its session token, its pending sends.

`Storage` is what the client needs of a store; `MemoryStorage` keeps nothing over a restart and
`FileStorage` keeps a folder of small files.
"""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

import trio

from deskbell_client import mapping
from deskbell_client.commands import Send
from deskbell_client.errors import DeskbellError, WireError
from deskbell_client.records import Cursor

T = TypeVar("T")


@dataclass(frozen=True)
class Position:
    """Who this device belongs to, up to where its events are processed, and its next token."""

    device: str
    person: str | None = None
    cursor: Cursor | None = None
    session_token: str | None = None

    def __repr__(self) -> str:
        return f"Position({self.device!r}, {self.person!r}, {self.cursor!r})"


@dataclass(frozen=True)
class Stored:
    """What was found at the start; ``pending`` in the order in which it was added."""

    position: Position
    pending: tuple[Send, ...] = ()


class Storage(Protocol):
    """Keeps the state of one device. A call that has returned has to survive a crash."""

    async def load(self, device: str) -> Stored:
        """What is kept for ``device``; of a new one only its name."""

    async def save(self, position: Position) -> None:
        """Replace the position."""

    async def add(self, send: Send) -> None:
        """Keep a pending send; the client sends it only after this has returned."""

    async def remove(self, client_message_id: str) -> None:
        """A pending send has its final answer; one that is not kept is no error."""


class StorageError(DeskbellError):
    """What is kept cannot be used; the message says what to do."""


class MemoryStorage:
    """Keeps the state while the object lives: enough for a program without offline sends."""

    def __init__(self) -> None:
        self._position: Position | None = None
        self._pending: dict[str, Send] = {}

    async def load(self, device: str) -> Stored:
        """What is kept; raises `StorageError` if it is of another device."""
        position = self._position or Position(device)
        _check_device(position, device)
        return Stored(position, tuple(self._pending.values()))

    async def save(self, position: Position) -> None:
        """Replace the position."""
        self._position = position

    async def add(self, send: Send) -> None:
        """Keep a pending send."""
        self._pending[send.client_message_id] = send

    async def remove(self, client_message_id: str) -> None:
        """Drop a pending send."""
        self._pending.pop(client_message_id, None)


class FileStorage:
    """A folder for one device: `position.json`, and one file per pending send.

    Each file is written aside, synced and renamed, so that a crash leaves the old or the new one.
    The folder holds a token and what people write: it is made readable for its owner alone.
    """

    def __init__(self, folder: Path | str) -> None:
        self._folder = Path(folder).expanduser()
        self._files: dict[str, Path] = {}
        self._next = 1
        self._adding = trio.Lock()  # a removal must find the file of the same send whole

    async def load(self, device: str) -> Stored:
        """Read the folder (made if it is not there); raises `StorageError` if it cannot be used."""
        return await trio.to_thread.run_sync(self._load, device)

    async def save(self, position: Position) -> None:
        """Replace `position.json`."""
        content = mapping.write(position)
        await trio.to_thread.run_sync(self._write, self._folder / "position.json", content)

    async def add(self, send: Send) -> None:
        """Write a file with a name that sorts after all others, or that of the same send before."""
        async with self._adding:
            path = self._files.get(send.client_message_id)
            if path is None:
                path = self._folder / f"pending-{self._next:012}.json"
                self._next += 1
                self._files[send.client_message_id] = path
            await trio.to_thread.run_sync(self._write, path, mapping.write(send))

    async def remove(self, client_message_id: str) -> None:
        """Delete the file; a deletion that a crash undoes costs one more try of the same send."""
        async with self._adding:
            path = self._files.pop(client_message_id, None)
            if path is not None:
                await trio.to_thread.run_sync(_delete, path)

    def _load(self, device: str) -> Stored:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        position = Position(device)
        if (path := self._folder / "position.json").exists():
            position = _read(path, Position)
        _check_device(position, device)
        pending: dict[Path, Send] = {}
        self._files.clear()
        for path in sorted(self._folder.glob("pending-*.json")):
            send = _read(path, Send)
            if (earlier := self._files.get(send.client_message_id)) is not None:
                _delete(earlier)
                del pending[earlier]
            self._files[send.client_message_id] = path
            self._next = int(path.stem.removeprefix("pending-")) + 1
            pending[path] = send
        return Stored(position, tuple(pending.values()))

    def _write(self, path: Path, content: dict[str, Any]) -> None:
        aside = path.with_suffix(".new")
        descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(content, file, ensure_ascii=False)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _delete(path: Path) -> None:
    path.unlink(missing_ok=True)


def _read(path: Path, kind: type[T]) -> T:
    try:
        return mapping.read(kind, json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, WireError) as error:
        raise StorageError(f"{path} is damaged ({error}). Move it away and start again.") from None


def _check_device(position: Position, device: str) -> None:
    if position.device != device:
        raise StorageError(
            f"This is the state of device {position.device!r}, not of {device!r}. "
            "Give each device a storage of its own."
        )
