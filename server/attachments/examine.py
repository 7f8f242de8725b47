"""The process in which one file that somebody uploaded is examined: `python -m` runs it.

It takes a request as JSON from stdin, limits itself before it looks at the file, and leaves in its
folder a `result`, and for an image `image` and `thumbnail`: painted anew from the pixels, so that
nothing else that was in the file is in them. What it does not come to an end with is refused by who
started it.
"""

import io
import os
import resource
import struct
import sys
import warnings
from pathlib import Path

import msgspec
from PIL import Image, ImageCms, ImageOps, ImageSequence

from domain.attachments import (
    DAMAGED,
    NOT_AN_IMAGE,
    Kind,
    Policy,
    Reason,
    Rejection,
    judge,
)
from server.attachments.gif import count_frames
from server.attachments.sniffing import sniff_file

THUMBNAIL_PIXELS = 320
"""Longer side of a thumbnail, at most."""

FRAMES_MAX = 300
"""Pictures in an animation, at most; together they have at most twice the pixels of one image."""

_FORMATS = {"image/jpeg": "JPEG", "image/png": "PNG", "image/gif": "GIF"}
_QUALITY = 88
_THUMBNAIL_QUALITY = 80
_NICENESS = 10
_OPEN_FILES = 32

BOMB = Rejection(Reason.TOO_LARGE, NOT_AN_IMAGE)


_UNREADABLE = (
    OSError,
    ValueError,
    SyntaxError,
    EOFError,
    ArithmeticError,
    LookupError,
    TypeError,
    struct.error,
)
"""How Pillow says that a file is damaged. What is not in this list, ends the process."""


class Request(msgspec.Struct, frozen=True):
    """What to examine, for whom, and with how much of the machine."""

    file: str
    folder: str
    policy: Policy
    pixels: int
    memory_bytes: int
    cpu_seconds: int
    file_bytes: int


class Result(msgspec.Struct, frozen=True):
    """What it is; ``rejection``: it is not taken. ``painted``: there is an image anew."""

    media_type: str = ""
    kind: str = ""
    width: int = 0
    height: int = 0
    painted: bool = False
    rejection: Rejection | None = None


class _Bomb(Exception):
    """More pixels than anybody may have painted."""


def main() -> None:
    """Examine what stdin names."""
    request = msgspec.json.decode(sys.stdin.buffer.read(), type=Request)
    _limit(request)
    result = examine(request)
    (Path(request.folder) / "result").write_bytes(msgspec.json.encode(result))


def _limit(request: Request) -> None:
    for what, most in (
        (resource.RLIMIT_AS, request.memory_bytes),
        (resource.RLIMIT_CPU, request.cpu_seconds),
        (resource.RLIMIT_FSIZE, request.file_bytes),
        (resource.RLIMIT_NOFILE, _OPEN_FILES),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (most, most))
    os.nice(_NICENESS)


def examine(request: Request) -> Result:
    """What the file is, and the files that are made of an image."""
    path = Path(request.file)
    size = path.stat().st_size
    with path.open("rb") as file:
        media_type = sniff_file(file, size)
    kind = judge(request.policy, media_type, size)
    if isinstance(kind, Rejection):
        return Result(media_type, rejection=kind)
    if kind is not Kind.IMAGE:
        return Result(media_type, kind)
    try:
        width, height = _paint(path, Path(request.folder), _FORMATS[media_type], request.pixels)
    except _Bomb:
        return Result(media_type, rejection=BOMB)
    except _UNREADABLE:
        return Result(media_type, rejection=DAMAGED)
    return Result(media_type, kind, width, height, painted=True)


def _paint(path: Path, folder: Path, form: str, pixels: int) -> tuple[int, int]:
    """Write `image` and `thumbnail`; width and height of the image."""
    Image.MAX_IMAGE_PIXELS = None  # what it would only warn of, we refuse
    warnings.simplefilter("ignore")
    with Image.open(path, formats=[form]) as image:
        if image.width * image.height > pixels:
            raise _Bomb
        if form == "GIF":
            painted = _save_animation(path, image, folder / "image", 2 * pixels)
        else:
            painted = _upright(image)
            painted.save(folder / "image", form, quality=_QUALITY, optimize=True)
    size = painted.size
    painted.thumbnail((THUMBNAIL_PIXELS, THUMBNAIL_PIXELS))
    _save_thumbnail(painted, folder / "thumbnail")
    return size


def _upright(image: Image.Image) -> Image.Image:
    """The pixels as they are meant to be seen, in sRGB, and nothing else."""
    profile = image.info.get("icc_profile")
    upright = ImageOps.exif_transpose(image)
    modes = ("1", "L", "LA", "P", "RGB", "RGBA", "I;16")
    if upright.mode not in (modes if image.format == "PNG" else ("L", "RGB")):
        upright = upright.convert("RGB")
    if profile and upright.mode in ("RGB", "RGBA"):
        upright = _in_srgb(upright, profile)
    return _bare(upright)


def _in_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    try:
        given = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        converted = ImageCms.profileToProfile(image, given, ImageCms.createProfile("sRGB"))
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return image  # a profile that is none: its colours are as good as any
    return image if converted is None else converted


def _bare(image: Image.Image) -> Image.Image:
    """A copy without comments, EXIF, XMP, profiles and whatever else Pillow would carry along."""
    bare = image.copy()
    bare.info = {
        name: value for name, value in image.info.items() if name in ("transparency", "background")
    }
    return bare


def _save_animation(path: Path, image: Image.Image, target: Path, pixels: int) -> Image.Image:
    """Every frame anew, at its time; the first of them."""
    count = count_frames(path.read_bytes(), FRAMES_MAX + 1)
    if count > FRAMES_MAX or count * image.width * image.height > pixels:
        raise _Bomb
    frames, durations = [], []
    for frame in ImageSequence.Iterator(image):
        frames.append(_bare(frame))
        durations.append(frame.info.get("duration", 0))
    options: dict[str, object] = {}
    if len(frames) > 1:
        options = {"save_all": True, "append_images": frames[1:], "duration": durations}
        if "loop" in image.info:
            options["loop"] = image.info["loop"]
        if any(frame.has_transparency_data for frame in frames):
            options["disposal"] = 2
    frames[0].save(target, "GIF", **options)
    return frames[0]


def _save_thumbnail(image: Image.Image, target: Path) -> None:
    """In WebP, which is small and lets through what shines through."""
    mode = "RGBA" if image.has_transparency_data else "RGB"
    image.convert(mode).save(target, "WEBP", quality=_THUMBNAIL_QUALITY)


if __name__ == "__main__":
    main()
