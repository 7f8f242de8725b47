"""The examination of a file: in a process of its own, within limits; no metadata is left."""

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image, ImageCms, PngImagePlugin

from domain.attachments import CHANNELS, HEIC, IMAGE_BYTES, NOT_AN_IMAGE, Channel, Reason
from server.attachments import examine as examination
from server.attachments import examiner
from server.attachments.examine import THUMBNAIL_PIXELS, Request, Result
from tests.fixtures.uploads import picture

POLICY = CHANNELS[Channel.IN_APP]
PIXELS = 25_000_000
SECRETS = (b"N 45.4642", b"Canon", b"Carla's phone", b"secret", b"XMP", b"Exif", b"ICC_PROFILE")


async def examined(folder: Path, data: bytes, pixels: int = PIXELS) -> Result:
    source, made = folder / "source", folder / "made"
    source.write_bytes(data)
    made.mkdir()
    return await examiner.examine(source, made, POLICY, pixels)


def made(folder: Path, name: str = "image") -> bytes:
    return (folder / "made" / name).read_bytes()


def with_metadata() -> Image.Exif:
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "Canon"
    exif[ExifTags.Base.ImageDescription] = "Carla's phone"
    exif[ExifTags.Base.Orientation] = 6  # lies on its side
    place = exif.get_ifd(ExifTags.IFD.GPSInfo)
    place[ExifTags.GPS.GPSLatitudeRef] = "N 45.4642"
    place[ExifTags.GPS.GPSLatitude] = (45.0, 27.0, 51.0)
    place[ExifTags.GPS.GPSLongitude] = (9.0, 11.0, 24.0)
    return exif


def marked(size: tuple[int, int] = (60, 40)) -> Image.Image:
    """Red, with a blue upper left corner."""
    image = Image.new("RGB", size, (255, 0, 0))
    image.paste((0, 0, 255), (0, 0, 20, 20))
    return image


def saved(image: Image.Image, form: str, **options: Any) -> bytes:
    to = io.BytesIO()
    image.save(to, form, **options)
    return to.getvalue()


# --- metadata -------------------------------------------------------------------------------------


@pytest.mark.requirement("EX-36", "R33")
@pytest.mark.parametrize("has_profile", [True, False])
async def test_nothing_is_left_of_where_and_with_what_a_picture_was_taken(
    has_profile: bool, tmp_path: Path
) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    data = saved(
        marked(),
        "JPEG",
        quality=95,
        exif=with_metadata(),
        comment=b"secret comment",
        icc_profile=profile if has_profile else None,
        xmp=b"<x:xmpmeta>secret XMP</x:xmpmeta>",
    )
    with Image.open(io.BytesIO(data)) as before:
        assert before.getexif().get_ifd(ExifTags.IFD.GPSInfo)
    assert all(secret in data for secret in SECRETS if has_profile or secret != b"ICC_PROFILE")
    result = await examined(tmp_path, data)
    assert (result.media_type, result.width, result.height) == ("image/jpeg", 40, 60)
    for name in ("image", "thumbnail"):
        assert not [secret for secret in SECRETS if secret in made(tmp_path, name)]
        with Image.open(io.BytesIO(made(tmp_path, name))) as after:
            assert not dict(after.getexif())
            assert not {"exif", "xmp", "comment", "icc_profile", "photoshop"} & set(after.info)
            assert after.size == (40, 60)
            red, _, blue = after.convert("RGB").getpixel((35, 5))  # type: ignore[misc]
            assert blue > 200 > red, "it stands upright: the corner is on the right"


@pytest.mark.requirement("EX-36", "R33")
async def test_a_png_keeps_no_text_and_its_transparency(tmp_path: Path) -> None:
    texts = PngImagePlugin.PngInfo()
    texts.add_text("Author", "secret")
    texts.add_itxt("XML:com.adobe.xmp", "secret XMP")
    image = marked()
    image.putalpha(Image.linear_gradient("L").resize(image.size))
    data = saved(image, "PNG", pnginfo=texts, exif=with_metadata(), dpi=(72, 72))
    assert b"secret" in data
    assert b"eXIf" in data
    await examined(tmp_path, data)
    after = made(tmp_path)
    assert not [w for w in (b"tEXt", b"iTXt", b"zTXt", b"eXIf", b"pHYs", b"iCCP") if w in after]
    with Image.open(io.BytesIO(after)) as image:
        assert image.mode == "RGBA"
        assert image.size == (40, 60)


@pytest.mark.requirement("R33")
async def test_an_animation_moves_on_without_its_comment(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (50, 40), (n * 25, 0, 0)) for n in range(8)]
    times = [40, 50, 60, 70, 80, 90, 100, 110]
    data = saved(
        frames[0],
        "GIF",
        save_all=True,
        append_images=frames[1:],
        duration=times,
        loop=3,
        comment=b"secret comment",
    )
    assert b"secret" in data
    result = await examined(tmp_path, data)
    assert (result.width, result.height) == (50, 40)
    after = made(tmp_path)
    assert b"secret" not in after
    with Image.open(io.BytesIO(after)) as image:
        shown = []
        for number in range(8):
            image.seek(number)
            red = image.convert("RGB").getpixel((0, 0))
            assert isinstance(red, tuple)
            shown.append((red[0] // 25, image.info["duration"]))
        assert shown == list(enumerate(times))
        assert image.info["loop"] == 3


async def test_colours_of_a_wide_profile_are_what_they_were(tmp_path: Path) -> None:
    """A profile goes with the rest, so its colours are brought to sRGB first."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("XYZ")).tobytes()
    data = saved(marked(), "JPEG", quality=95, icc_profile=profile)
    result = await examined(tmp_path, data)
    assert result.painted


async def test_what_hides_behind_a_picture_is_gone(tmp_path: Path) -> None:
    data = picture("GIF") + b"<script>secret</script>"
    await examined(tmp_path, data)
    assert b"secret" not in made(tmp_path)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16", "CMYK", "YCbCr"])
async def test_pictures_of_all_modes(mode: str, tmp_path: Path) -> None:
    form = "JPEG" if mode in ("CMYK", "YCbCr") else "PNG"
    image = marked().convert("L").convert("I;16") if mode == "I;16" else marked().convert(mode)
    result = await examined(tmp_path, saved(image, form))
    assert (result.width, result.height) == (60, 40)


@pytest.mark.parametrize("size", [(1, 1), (5000, 3), (3, 5000), (640, 480)])
async def test_a_thumbnail_is_small_whatever_it_is_of(
    size: tuple[int, int], tmp_path: Path
) -> None:
    result = await examined(tmp_path, saved(marked(size), "JPEG"))
    assert (result.width, result.height) == size
    with Image.open(io.BytesIO(made(tmp_path, "thumbnail"))) as thumbnail:
        assert thumbnail.format == "WEBP"
        assert max(thumbnail.size) <= THUMBNAIL_PIXELS


# --- what is refused ------------------------------------------------------------------------------


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few bytes that says it is that large."""

    def part(name: bytes, data: bytes) -> bytes:
        summed = struct.pack(">I", zlib.crc32(name + data))
        return struct.pack(">I", len(data)) + name + data + summed

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = zlib.compress(bytes(100_000))
    return b"\x89PNG\r\n\x1a\n" + part(b"IHDR", head) + part(b"IDAT", body) + part(b"IEND", b"")


def animation(frames: int, size: tuple[int, int]) -> bytes:
    """A GIF of a few bytes a frame."""
    width, height = (n.to_bytes(2, "little") for n in size)
    head = b"GIF89a" + width + height + b"\x80\0\0" + b"\0\0\0\xff\xff\xff"
    frame = b"\x2c\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0"
    return head + frame * frames + b";"


JPEG = picture("JPEG")
HEIC_FILE = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(100)

REFUSED: dict[str, tuple[bytes, Reason, str]] = {
    "a bomb": (bomb(50_000, 50_000), Reason.TOO_LARGE, NOT_AN_IMAGE),
    "a bomb of one row": (bomb(2**31 - 1, 1), Reason.TOO_LARGE, NOT_AN_IMAGE),
    "a bomb of many frames": (animation(60_000, (8, 8)), Reason.TOO_LARGE, NOT_AN_IMAGE),
    "a bomb of large frames": (animation(100, (5000, 5000)), Reason.TOO_LARGE, NOT_AN_IMAGE),
    "less than it says": (bomb(3000, 3000), Reason.DAMAGED, NOT_AN_IMAGE),
    "half a jpeg": (picture("JPEG", (400, 300))[:9_000], Reason.DAMAGED, NOT_AN_IMAGE),
    "half a png": (picture("PNG", (400, 300))[:9_000], Reason.DAMAGED, NOT_AN_IMAGE),
    "only its beginning": (b"\xff\xd8\xff\xe0" + bytes(20), Reason.DAMAGED, NOT_AN_IMAGE),
    "heic": (HEIC_FILE, Reason.UNSUPPORTED, HEIC),
    "webp": (picture("WEBP"), Reason.UNSUPPORTED, NOT_AN_IMAGE),
    "bmp": (picture("BMP"), Reason.UNSUPPORTED, NOT_AN_IMAGE),
    "five megabytes": (
        JPEG + bytes(IMAGE_BYTES - len(JPEG)),
        Reason.TOO_LARGE,
        NOT_AN_IMAGE,
    ),
}


@pytest.mark.requirement("MT-19", "MT-20", "MT-21", "EX-36", "R33")
@pytest.mark.parametrize("name", REFUSED)
async def test_what_is_no_image_of_ours_is_refused(name: str, tmp_path: Path) -> None:
    data, reason, text = REFUSED[name]
    result = await examined(tmp_path, data)
    assert result.rejection is not None
    assert (result.rejection.reason, result.rejection.text) == (reason, text)
    assert sorted(path.name for path in (tmp_path / "made").iterdir()) == ["result"]


@pytest.mark.requirement("MT-20", "C-05")
async def test_one_byte_less_than_five_megabytes_is_an_image(tmp_path: Path) -> None:
    result = await examined(tmp_path, JPEG + bytes(IMAGE_BYTES - 1 - len(JPEG)))
    assert result.rejection is None


async def test_pixels_are_counted_as_the_settings_say(tmp_path: Path) -> None:
    data = picture("PNG", (100, 100))
    for number, pixels in enumerate((10_000, 9_999)):
        folder = tmp_path / str(number)
        folder.mkdir()
        result = await examined(folder, data, pixels)
        assert (result.rejection is None) == (pixels == 10_000)


@pytest.mark.requirement("MT-23")
async def test_what_is_no_image_stays_as_it_is(tmp_path: Path) -> None:
    result = await examined(tmp_path, b"%PDF-1.7\nsecret")
    assert result == Result("application/pdf", "document")


# --- limits of the process ------------------------------------------------------------------------


def limited(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, body: str, name: str = "server"
) -> None:
    """Let the process be another program, which does ``body``."""
    folder = tmp_path / "path" / "server" / "attachments"
    folder.mkdir(parents=True)
    for package in (folder.parent, folder):
        (package / "__init__.py").write_text("")
    (folder / "examine.py").write_text(body)
    environment = {"PYTHONPATH": str(tmp_path / "path"), "LC_ALL": "C.UTF-8"}
    monkeypatch.setattr(examiner, "_environment", lambda: environment)


@pytest.mark.requirement("R33")
@pytest.mark.parametrize(
    "body",
    [
        "import os; os.kill(os.getpid(), 11)",
        "raise SystemExit(3)",
        "import time; time.sleep(600)",
        "pass",
        "open('result', 'w').write('no json')",
        "open('result', 'w').write('{}' * 10**6)",
        "import sys\nwhile True: sys.stdout.write('x' * 10**6)",
    ],
)
async def test_whatever_becomes_of_the_process_the_file_is_refused(
    body: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limited(monkeypatch, tmp_path, body)
    monkeypatch.setattr(examiner, "WALL_SECONDS", 0.5)
    with trio.fail_after(5):
        result = await examined(tmp_path, picture())
    assert result.rejection is not None
    assert result.rejection.reason is Reason.DAMAGED


async def test_the_process_knows_nothing_of_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DESKBELL_SECRET", "secret")
    monkeypatch.setenv("HOME", "/nonexistent")
    assert set(examiner._environment()) == {"PYTHONPATH", "LC_ALL"}


LIMITS: dict[str, tuple[str, dict[str, int]]] = {
    "memory": ("bytes(10**9)", {"memory_bytes": 2**29}),
    "time": ("[None for _ in iter(int, 1)]", {"cpu_seconds": 1}),
    "file size": ("open('large', 'wb').write(bytes(10**6))", {"file_bytes": 10**5}),
    "open files": ("[open('/dev/null') for _ in range(100)].clear()", {}),
}


@pytest.mark.requirement("R33")
@pytest.mark.parametrize("name", LIMITS)
async def test_the_process_is_limited_before_it_looks(name: str, tmp_path: Path) -> None:
    """With the real limits, and then more than they allow."""
    body, limits = LIMITS[name]
    given = {"memory_bytes": 2**30, "cpu_seconds": 5, "file_bytes": 2**20} | limits
    program = (
        "from server.attachments.examine import Request, _limit\n"
        "from domain.attachments import Policy, Kind\n"
        f"_limit(Request('', '', Policy({{Kind.IMAGE: 1}}), 1, **{given}))\n"
        f"{body}\n"
    )
    ended = await trio.run_process(
        [examiner.sys.executable, "-c", program],
        env=examiner._environment(),
        cwd=tmp_path,
        capture_stderr=True,
        check=False,
    )
    assert ended.returncode != 0, "it did what it must not"
    assert b"ImportError" not in ended.stderr
    assert b"ModuleNotFoundError" not in ended.stderr


# --- many -----------------------------------------------------------------------------------------


def damaged(data: bytes, changes: list[tuple[int, int]], cut: int) -> bytes:
    mutable = bytearray(data)
    for place, value in changes:
        mutable[place % len(mutable)] = value
    return bytes(mutable[: len(mutable) - cut % len(mutable)])


def as_a_request(folder: Path, data: bytes) -> Request:
    source = folder / "source"
    source.write_bytes(data)
    return Request(str(source), str(folder), POLICY, 100_000, 2**30, 30, 2**26)


STARTS: dict[str, Callable[[], bytes]] = {
    "jpeg": lambda: saved(marked(), "JPEG", exif=with_metadata()),
    "png": lambda: saved(marked().convert("P"), "PNG"),
    "gif": lambda: animation(3, (40, 30)),
}


@pytest.mark.slow
@pytest.mark.requirement("R33")
@pytest.mark.parametrize("start", STARTS)
def test_damaged_images_are_painted_or_refused(
    start: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """In this process, so that an error that nobody thought of is seen."""
    folder = tmp_path_factory.mktemp("damaged")
    data = STARTS[start]()
    places = st.tuples(st.integers(0, len(data)), st.integers(0, 255))

    @settings(max_examples=300, suppress_health_check=list(HealthCheck), deadline=None)
    @given(st.lists(places, max_size=12), st.just(0) | st.integers(0, len(data) - 1))
    def try_it(changes: list[tuple[int, int]], cut: int) -> None:
        result = examination.examine(as_a_request(folder, damaged(data, changes, cut)))
        assert result.painted or result.rejection is not None or result.kind == "document"

    try_it()
