"""What a file is, by its bytes: mislabelled, empty, of two kinds, of any bytes."""

import io
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from domain.attachments import UNKNOWN_TYPE
from server.attachments.gif import count_frames
from server.attachments.sniffing import HEAD_BYTES, TAIL_BYTES, sniff, sniff_file
from tests.fixtures.uploads import picture


def archive(*names: str, first: bytes = b"") -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as file:
        if first:
            file.writestr("mimetype", first)
        for name in names:
            file.writestr(name, "x")
    return made.getvalue()


def boxed(brand: bytes, *more: bytes) -> bytes:
    brands = brand + b"\0\0\0\0" + b"".join(more)
    return (8 + len(brands)).to_bytes(4, "big") + b"ftyp" + brands + b"\0\0\0\x08mdat"


OFFICE = "application/vnd.openxmlformats-officedocument"
PDF = b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog >>\nendobj\n"
SCRIPT = b"<script>alert(1)</script>"

FILES = {
    "jpeg": (picture("JPEG"), "image/jpeg"),
    "png": (picture("PNG"), "image/png"),
    "gif": (picture("GIF"), "image/gif"),
    "webp": (picture("WEBP"), "image/webp"),
    "bmp": (picture("BMP"), "image/bmp"),
    "tiff": (picture("TIFF"), "image/tiff"),
    "avif": (boxed(b"avif", b"mif1"), "image/avif"),
    "heic": (boxed(b"heic", b"mif1", b"heic"), "image/heic"),
    "heic by a further brand": (boxed(b"mif1", b"heic"), "image/heic"),
    "heif": (boxed(b"mif1", b"miaf"), "image/heif"),
    "heic sequence": (boxed(b"hevc", b"msf1"), "image/heic"),
    "mp4": (boxed(b"isom", b"iso2", b"avc1", b"mp41"), "video/mp4"),
    "mp4 of a phone": (boxed(b"mp42", b"isom"), "video/mp4"),
    "3gp": (boxed(b"3gp4", b"isom"), "video/mp4"),
    "quicktime": (boxed(b"qt  "), "video/quicktime"),
    "voice": (boxed(b"M4A ", b"isom"), "audio/mp4"),
    "a brand nobody knows": (boxed(b"evil"), UNKNOWN_TYPE),
    "webm": (b"\x1aE\xdf\xa3\x01\0\0\0\0\0\0\x1fB\x86\x81\x01B\x82\x84webm", "video/webm"),
    "pdf": (PDF, "application/pdf"),
    "docx": (
        archive("[Content_Types].xml", "word/document.xml"),
        f"{OFFICE}.wordprocessingml.document",
    ),
    "xlsx": (archive("xl/workbook.xml"), f"{OFFICE}.spreadsheetml.sheet"),
    "odt": (
        archive("content.xml", first=b"application/vnd.oasis.opendocument.text"),
        "application/vnd.oasis.opendocument.text",
    ),
    "zip": (archive("a.txt"), "application/zip"),
    "text": ("Grüße an Rex, 犬\n".encode(), "text/plain"),
    "long text": ("犬".encode() * 9_000, "text/plain"),
    "svg": (b'<svg xmlns="http://www.w3.org/2000/svg">' + SCRIPT + b"</svg>", UNKNOWN_TYPE),
    "html": (b"<!DOCTYPE html><html>" + SCRIPT, UNKNOWN_TYPE),
    "html behind text": (b"Hello " + SCRIPT, UNKNOWN_TYPE),
    "xml": (b"\xef\xbb\xbf<?xml version='1.0'?><x/>", UNKNOWN_TYPE),
    "a pdf that is a zip": (PDF + archive("evil.class"), UNKNOWN_TYPE),
    "a zip that is a pdf": (archive("%PDF-1.4", "x"), UNKNOWN_TYPE),
    "a pdf behind something": (b"x" * 100 + PDF, UNKNOWN_TYPE),
    "a video with a script": (boxed(b"isom") + SCRIPT, UNKNOWN_TYPE),
    "a program": (b"\x7fELF\x02\x01\x01" + bytes(64), UNKNOWN_TYPE),
    "another program": (b"MZ\x90\x00" + bytes(64), UNKNOWN_TYPE),
    "text with a control": (b"a\x00b", UNKNOWN_TYPE),
    "latin-1": ("Grüße".encode("latin-1") * 5, UNKNOWN_TYPE),
    "nothing": (b"", UNKNOWN_TYPE),
    "a word that begins like a bitmap": (b"BMW needs a wash, tomorrow at ten", "text/plain"),
}


@pytest.mark.requirement("MT-23", "EX-36", "R33")
@pytest.mark.parametrize("name", FILES)
def test_the_bytes_say_what_it_is(name: str) -> None:
    data, media_type = FILES[name]
    assert sniff_file(io.BytesIO(data), len(data)) == media_type


@pytest.mark.requirement("R33")
def test_an_image_with_something_behind_it_is_an_image() -> None:
    """It is painted anew, so nothing else of it is kept."""
    for form in ("JPEG", "PNG", "GIF"):
        data = picture(form) + archive("evil.class") + SCRIPT
        assert sniff_file(io.BytesIO(data), len(data)) == f"image/{form.lower()}"


@given(st.binary(max_size=200))
def test_any_bytes_are_something(data: bytes) -> None:
    assert "/" in sniff(data[:HEAD_BYTES], data[-TAIL_BYTES:], len(data))


@given(st.integers(1, 12), st.booleans())
def test_frames_are_counted_without_decoding(frames: int, interlaced: bool) -> None:
    images = [Image.effect_noise((9, 7), 50 + n).convert("P") for n in range(frames)]
    made = io.BytesIO()
    images[0].save(
        made,
        "GIF",
        save_all=True,
        append_images=images[1:],
        duration=20,
        comment=b"c" * 700,
        interlace=interlaced,
    )
    with Image.open(made) as image:
        counted = getattr(image, "n_frames", 1)
    assert count_frames(made.getvalue(), 100) == counted
    assert count_frames(made.getvalue(), 3) == min(3, counted)


@given(st.binary(max_size=300))
def test_counting_ends_on_any_bytes(data: bytes) -> None:
    assert 0 <= count_frames(b"GIF89a" + data, 50) <= 50
