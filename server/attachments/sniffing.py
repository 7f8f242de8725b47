"""What a file is, by its bytes and never by its name.

Only what we treat in some way of its own has a type. The rest, and whatever could be taken for two
things, is `UNKNOWN_TYPE`: nobody opens it by itself.
"""

import codecs
import re
from typing import BinaryIO

from domain.attachments import UNKNOWN_TYPE

HEAD_BYTES = 8192
TAIL_BYTES = 65_557
"""Where the directory of a zip file ends: its last 22 bytes, and a comment of at most 65,535."""

_BEGINNINGS = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
    (b"8BPS\x00\x01", "image/vnd.adobe.photoshop"),
    (b"\x00\x00\x00\x0cjP  \r\n\x87\n", "image/jp2"),
    (b"\x00\x00\x00\x0cJXL \r\n\x87\n", "image/jxl"),
    (b"\x00\x00\x01\x00", "image/x-icon"),
    (b"\x00\x00\x01\xba", "video/mpeg"),
    (b"%PDF-", "application/pdf"),
    (b"PK\x03\x04", "application/zip"),
)
_BRANDS = {
    **dict.fromkeys((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx"), "image/heic"),
    **dict.fromkeys((b"mif1", b"msf1", b"heif"), "image/heif"),
    **dict.fromkeys((b"avif", b"avis"), "image/avif"),
    b"qt  ": "video/quicktime",
    **dict.fromkeys((b"M4A ", b"M4B ", b"M4P "), "audio/mp4"),
}
_VIDEO_BRANDS = re.compile(rb"isom|iso[2-9]|mp4[12]|avc1|M4V[ HP]|dash|mmp4|3g[gp2]\w|f4v ")
_OFFICE = (
    (b"word/document.xml", "wordprocessingml.document"),
    (b"xl/workbook.xml", "spreadsheetml.sheet"),
    (b"ppt/presentation.xml", "presentationml.presentation"),
)
_OPEN_DOCUMENT = re.compile(rb"mimetype(application/vnd\.oasis\.opendocument\.[a-z]{4,12})")
_BITMAP_HEADERS = frozenset({12, 40, 52, 56, 64, 108, 124})
_MARKUP = re.compile(rb"<\s*(!doctype|html|head|body|script|svg|iframe|\?xml)", re.IGNORECASE)
_CONTINUING = bytes(range(0x80, 0xC0))
_NO_TEXT = re.compile(rb"[\x00-\x08\x0b\x0e-\x1f\x7f]")


def sniff_file(file: BinaryIO, size: int) -> str:
    """The media type of an open file of ``size`` bytes."""
    head = file.read(HEAD_BYTES)
    file.seek(max(0, size - TAIL_BYTES))
    return sniff(head, file.read(TAIL_BYTES), size)


def sniff(head: bytes, tail: bytes, size: int) -> str:
    """The media type of a file that begins with ``head`` and ends with ``tail``.

    An image stays one, whatever follows it: it is painted anew, and nothing else of it is kept.
    """
    found = _by_signature(head, size)
    if found is None:
        return _text_type(head, tail)
    if found.startswith("image/"):
        return found
    if found == "application/zip":
        found = _archive_type(head, tail)
    return UNKNOWN_TYPE if _is_ambiguous(found, head, tail) else found


def _by_signature(head: bytes, size: int) -> str | None:
    for beginning, media_type in _BEGINNINGS:
        if head.startswith(beginning):
            return media_type
    if head[4:8] == b"ftyp":
        return _boxed_type(head)
    if head[:4] == b"RIFF":
        return {b"WEBP": "image/webp", b"AVI ": "video/x-msvideo"}.get(head[8:12])
    if head[:4] == b"\x1aE\xdf\xa3":
        return "video/webm" if b"webm" in head[:64] else "video/x-matroska"
    if head[:2] == b"BM" and int.from_bytes(head[14:18], "little") in _BITMAP_HEADERS:
        return "image/bmp" if int.from_bytes(head[2:6], "little") in (0, size) else None
    return None


def _boxed_type(head: bytes) -> str | None:
    """Of the family of MP4: the brands of the first box say which."""
    length = min(int.from_bytes(head[:4], "big"), len(head), 256)
    brands = [head[8:12], *(head[at : at + 4] for at in range(16, length - 3, 4))]
    named = _BRANDS.get(brands[0])
    if named == "image/heif":  # the least that such an image says of itself; others say more
        more = (_BRANDS.get(brand, "") for brand in brands[1:])
        return next((each for each in more if each in ("image/heic", "image/avif")), named)
    return named or ("video/mp4" if _VIDEO_BRANDS.match(brands[0]) else None)


def _archive_type(head: bytes, tail: bytes) -> str:
    """What a zip file holds, by the names in it."""
    found = _OPEN_DOCUMENT.match(head[30:130])
    if found is not None:
        return found[1].decode()
    for name, media_type in _OFFICE:
        if name in tail:
            return f"application/vnd.openxmlformats-officedocument.{media_type}"
    return "application/zip"


def _is_ambiguous(found: str, head: bytes, tail: bytes) -> bool:
    """Whether another program would take it for something else."""
    archive = found.startswith("application/") and found != "application/pdf"
    return (
        (not archive and b"PK\x05\x06" in tail)
        or (found != "application/pdf" and b"%PDF-" in head[:1024])
        or (found != "application/pdf" and not archive and _MARKUP.search(head) is not None)
    )


def _text_type(head: bytes, tail: bytes) -> str:
    """Plain text, unless another program might see something else in it."""
    other = _MARKUP.search(head) or b"%PDF-" in head[:1024]
    plain = head and not other and _is_text(head)
    return "text/plain" if plain and _is_text(tail.lstrip(_CONTINUING)) else UNKNOWN_TYPE


def _is_text(part: bytes) -> bool:
    """Whether it is UTF-8 without controls; its last character may be cut in two."""
    if _NO_TEXT.search(part):
        return False
    try:
        codecs.getincrementaldecoder("utf-8")().decode(part)
    except UnicodeDecodeError:
        return False
    return True
