"""How many pictures a GIF holds, by its blocks alone: nothing is decoded to know it."""

_HEADER = 13
_DESCRIPTOR = 10
_IMAGE, _EXTENSION = 0x2C, 0x21


def count_frames(data: bytes, most: int) -> int:
    """The number of pictures in a GIF, counted up to ``most``; where it is damaged, it ends."""
    at = _HEADER + _colours(data, 10)
    frames = 0
    while at < len(data) and frames < most:
        if data[at] == _IMAGE:
            frames += 1
            at = _behind_blocks(data, at + _DESCRIPTOR + _colours(data, at + 9) + 1)
        elif data[at] == _EXTENSION:
            at = _behind_blocks(data, at + 2)
        else:
            break
    return frames


def _colours(data: bytes, at: int) -> int:
    """Bytes of the colour table that the flags at ``at`` announce."""
    flags = data[at] if at < len(data) else 0
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _behind_blocks(data: bytes, at: int) -> int:
    """Behind a chain of blocks, each with its length first; one of length 0 ends it."""
    while at < len(data) and data[at]:
        at += data[at] + 1
    return at + 1
