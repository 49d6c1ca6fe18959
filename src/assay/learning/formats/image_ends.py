"""Where an image ends in its file: Pillow does not look at what follows there."""

import struct
from collections.abc import Iterator
from struct import unpack_from

END_OF_JPEG, START_OF_SCAN, FILLING = b"\xff\xd9", 0xDA, 0xFF
PALETTE, EXTENSION, IMAGE = 0x80, 0x21, 0x2C  # of a GIF: a bit of flags, and what blocks begin with


def rest_of(content: bytes, format: str) -> bytes:  # noqa: A002  Pillow's name
    """Return what follows the image that a file begins with, nothing where nobody can tell.

    A TIFF has no end: its parts may lie anywhere. Where a PPM ends depends on its pixels.
    """
    try:
        match format:
            case "PNG":
                end = _end_of_png(content)
            case "JPEG":
                end = _end_of_jpeg(content)
            case "GIF":
                end = _end_of_gif(content)
            case "WEBP":
                (length,) = unpack_from("<I", content, 4)
                end = 8 + length + length % 2
            case "BMP":
                # Some programs leave the length of the file at 0; its pixels come last.
                end = max(unpack_from("<I4xI", content, 2))
            case _:
                end = len(content)
    except struct.error:  # it ends before the image does, which is for Pillow to judge
        return b""
    return content[end:]


def chunks_of_png(content: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Yield the name of each chunk up to the end of an image, and where what it holds begins and ends."""
    end, name = 4, b""  # each is followed by four bytes that prove it; before the first is a signature of eight
    while name != b"IEND" and end + 12 <= len(content):
        length, name = unpack_from(">I4s", content, end + 4)
        begin = end + 12
        end = begin + length
        yield name, begin, end


def _end_of_png(content: bytes) -> int:
    return next((end + 4 for name, _, end in chunks_of_png(content) if name == b"IEND"), len(content))


def _end_of_jpeg(content: bytes) -> int:
    """Skip the segments, in which cameras put small JPEGs; of the pixels behind, none look like the end."""
    place, marker = 2, 0
    while marker != START_OF_SCAN:
        (marker,) = unpack_from("B", content, place + 1)
        place += 1 if marker == FILLING else 2 + unpack_from(">H", content, place + 2)[0]
    end = content.find(END_OF_JPEG, place)
    return len(content) if end < 0 else end + len(END_OF_JPEG)


def _end_of_gif(content: bytes) -> int:
    place = 13 + _palette(content, 10)
    while (kind := unpack_from("B", content, place)[0]) in (EXTENSION, IMAGE):
        place = _behind_blocks(content, place + (2 if kind == EXTENSION else 11 + _palette(content, place + 9)))
    return place + 1


def _palette(content: bytes, place: int) -> int:
    """Return how many bytes the palette has that flags at a place tell of."""
    (flags,) = unpack_from("B", content, place)
    return 3 << (flags & 7) + 1 if flags & PALETTE else 0


def _behind_blocks(content: bytes, place: int) -> int:
    while length := unpack_from("B", content, place)[0]:
        place += 1 + length
    return place + 1
