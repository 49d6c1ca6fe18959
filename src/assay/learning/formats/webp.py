"""Where the first picture of a WebP lies on its canvas: Pillow does not tell."""

import struct
from typing import IO

HEADER = 12  # RIFF, the length, WEBP


def frame_of_webp(file: IO[bytes]) -> tuple[int, int, int, int] | None:
    """Return left, top, right and bottom of the first frame, in pixels; None if the file has none: it is one picture.

    A frame is a chunk ANMF: three bytes for each of left and top, in units of two pixels, and of width and height, less
    one (RFC 9649, 2.7.1.1).
    """
    file.seek(HEADER)
    while len(header := file.read(8)) == 8:
        name, length = struct.unpack("<4sI", header)
        if name == b"ANMF":
            place = file.read(12)
            left, top, width, height = (int.from_bytes(place[at : at + 3], "little") for at in (0, 3, 6, 9))
            return 2 * left, 2 * top, 2 * left + width + 1, 2 * top + height + 1
        file.seek(length + length % 2, 1)
    return None
