"""The files of attachments, in a folder beside the database.

::

    attachments/
        ab/abcdef…        what is in a file, by the SHA-256 of it: the same content is one file
        uploading/…       what has come of an upload so far
        examining/…       what examinations make; nothing in it outlives a start

A file gets its name when all of it is on disk, so whatever has such a name is whole. Everything
here blocks, and is called on threads.
"""

import hashlib
import os
import re
import shutil
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

FOLDER_NAME = "attachments"
HASH = re.compile(r"\A[0-9a-f]{64}\Z")
_READ_BYTES = 1 << 20


class WrongOffset(Exception):
    """The upload is at another offset, which is ``args[0]``."""


class AttachmentFiles:
    """The folder ``root``; it is made when the first file comes."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        self._uploading = self.root / "uploading"
        self._examining = self.root / "examining"

    def exist(self) -> bool:
        """Whether there has ever been a file."""
        return self.root.is_dir()

    # --- on their way ---------------------------------------------------------------------------

    def uploading(self, name: str) -> Path:
        """The file of an upload that has begun."""
        return self._uploading / name

    def offset(self, name: str) -> int:
        """How many bytes of the upload have come."""
        try:
            return self.uploading(name).stat().st_size
        except FileNotFoundError:
            return 0

    def append(self, name: str, offset: int, data: bytes) -> int:
        """Add ``data`` at ``offset``, synced; the new offset.

        Raises `WrongOffset`: nothing was written; `OSError`: the upload is as long as before.
        """
        self._uploading.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = os.open(self.uploading(name), os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            at = os.fstat(file).st_size
            if at != offset:
                raise WrongOffset(at)
            try:
                _write_all(file, offset, data)
                os.fsync(file)
            except OSError:
                os.ftruncate(file, offset)
                raise
        finally:
            os.close(file)
        return offset + len(data)

    def drop(self, name: str) -> None:
        """Forget what has come of an upload."""
        self.uploading(name).unlink(missing_ok=True)

    def recover(self, unsure: int, complete: Collection[str]) -> None:
        """After a start: what examinations left goes, and the end of what was on its way.

        The last ``unsure`` bytes of an upload that is not ``complete`` may not have been synced
        when the power failed, and hold anything; what came before them was. They are sent again.
        """
        shutil.rmtree(self._examining, ignore_errors=True)
        for path in self._uploading.glob("*"):
            if path.name in complete:
                continue
            os.truncate(path, max(0, path.stat().st_size - unsure))

    def on_their_way(self) -> list[str]:
        """The names of all uploads that have a file: a number and an id. What else is there is not
        ours.
        """
        names = (path.name for path in self._uploading.glob("*-*"))
        return sorted(name for name in names if name.partition("-")[0].isdecimal())

    def scratch(self, name: str) -> Path:
        """A new empty folder for the examination of an upload."""
        folder = self._examining / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o700, parents=True)
        return folder

    def sweep(self, name: str) -> None:
        """The examination is over."""
        shutil.rmtree(self._examining / name, ignore_errors=True)

    # --- for good -------------------------------------------------------------------------------

    def path(self, file: str) -> Path:
        """Where the file with this content is, if there is one."""
        return self.root / file[:2] / file

    def keep(self, source: Path) -> str:
        """Give ``source`` the name of its content, synced; it stays where it is, too.

        So a kill in between loses nothing: the upload is examined again.
        """
        file = self._digest(source)
        target = self.path(file)
        if not target.exists():
            made = not target.parent.exists()
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            aside = target.with_suffix(".new")
            aside.unlink(missing_ok=True)
            try:
                os.link(source, aside)
            except OSError:  # not every file system knows a second name for a file
                shutil.copyfile(source, aside)
            sync(aside)
            aside.rename(target)
            sync(target.parent)
            if made:
                sync(self.root)
        return file

    @staticmethod
    def _digest(source: Path) -> str:
        with source.open("rb") as opened:
            return hashlib.file_digest(opened, "sha256").hexdigest()

    def fault(self, file: str) -> str:
        """What is wrong with the file of this content; "" if nothing is."""
        try:
            return "" if self._digest(self.path(file)) == file else "holds something else"
        except FileNotFoundError:
            return "is missing"
        except OSError as error:
            return f"cannot be read ({error.strerror})"

    def remove(self, files: Iterable[str]) -> None:
        """Delete the files with this content."""
        for file in files:
            if HASH.match(file):
                self.path(file).unlink(missing_ok=True)

    def beginnings(self) -> list[str]:
        """The two digits of hex that names of files begin with, those that occur."""
        return sorted(path.name for path in self.root.glob("[0-9a-f][0-9a-f]"))

    def some(self, beginning: str) -> list[str]:
        """The names of all files that begin with two digits of hex; what a kill left goes.

        Not while one is being kept: it would be taken for left over.
        """
        folder = self.root / beginning
        found = sorted(folder.iterdir()) if folder.is_dir() else []
        for path in found:
            if not HASH.match(path.name):
                path.unlink(missing_ok=True)
        return [path.name for path in found if HASH.match(path.name)]

    def all(self) -> Iterator[str]:
        """The names of all files that are whole; nothing is changed."""
        for path in sorted(self.root.glob("[0-9a-f][0-9a-f]/*")):
            if HASH.match(path.name):
                yield path.name


def _write_all(file: int, offset: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        written = os.pwrite(file, view, offset)
        view, offset = view[written:], offset + written


def sync(path: Path) -> None:
    """Bring a file, or the names in a folder, to the disk."""
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def copy_files(files: Iterable[str], source: AttachmentFiles, target: AttachmentFiles) -> bool:
    """Copy files to a new folder, synced; ``False``: one of them is not there any more.

    Then nothing is left of the copy.
    """
    target.root.mkdir(mode=0o700)
    try:
        for file in files:
            place = target.path(file)
            place.parent.mkdir(mode=0o700, exist_ok=True)
            shutil.copyfile(source.path(file), place)
            sync(place)
        for folder in target.root.iterdir():
            sync(folder)
        sync(target.root)
    except BaseException as error:
        shutil.rmtree(target.root, ignore_errors=True)
        if isinstance(error, FileNotFoundError):
            return False
        raise
    return True
