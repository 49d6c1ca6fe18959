"""Images whose pixels are not all in their file: Pillow makes the rest up, and nobody learns from that."""

import io
import re
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from assay.learning.formats.decoding import UnreadableError
from assay.learning.formats.images import read_image

GREY = np.arange(1, 65, dtype=np.uint8).reshape(8, 8)
COLOURS = np.stack([GREY, GREY + 64, GREY + 128], axis=2)


def png(rows: list[bytes], interlaced: int = 0, depth: int = 8) -> bytes:
    """Return a grey PNG of 8x8 pixels with these lines, each as it is without a filter."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    header = struct.pack(">IIBBBBB", 8, 8, depth, 0, 0, 0, interlaced)
    lines = zlib.compress(b"".join(b"\0" + each for each in rows))
    parts = [chunk(b"IDAT", lines[:5]), chunk(b"IDAT", lines[5:])]
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + b"".join(parts) + chunk(b"IEND", b"")


PASSES = [
    GREY[top::down, left::right]
    for left, top, right, down in (
        (0, 0, 8, 8),
        (4, 0, 8, 8),
        (0, 4, 4, 8),
        (2, 0, 4, 4),
        (0, 2, 2, 4),
        (1, 0, 2, 2),
        (0, 1, 1, 2),
    )
]
LINES, INTERLACED = [each.tobytes() for each in GREY], [line.tobytes() for each in PASSES for line in each]


def tiff(parts: list[bytes], **tags: Any) -> bytes:
    """Return a TIFF of 8x8 pixels, stored as they are in these strips, or tiles."""
    tagged = {
        256: [8],
        257: [8],
        258: [8],
        259: [1],
        262: [1],
        277: [1],
        278: [8],
        **{int(k[1:]): v for k, v in tags.items()},
    }
    offsets, lengths = (324, 325) if 322 in tagged else (273, 279)
    tagged.setdefault(lengths, list(map(len, parts)))
    tagged[offsets] = [0] * len(parts)
    large = 8 + 2 + 12 * len(tagged) + 4
    begin = large + sum(4 * len(each) for each in tagged.values() if len(each) > 1)
    tagged[offsets] = [begin + sum(map(len, parts[:place])) for place in range(len(parts))]
    entries, beyond = b"", b""
    for tag, values in sorted(tagged.items()):
        packed = struct.pack(f"<{len(values)}I", *values)
        kind, at = 4, packed if len(values) == 1 else struct.pack("<I", large + len(beyond))
        if tag in (258, 320):  # short numbers, of which Pillow expects these
            packed = struct.pack(f"<{len(values)}H", *values)
            kind, at = 3, packed.ljust(4, b"\0") if len(packed) <= 4 else at
        entries += struct.pack("<HHI", tag, kind, len(values)) + at
        beyond += packed.ljust(4 * len(values), b"\0") if len(values) > 1 else b""
    return struct.pack("<2sHIH", b"II", 42, 8, len(tagged)) + entries + bytes(4) + beyond + b"".join(parts)


def halves(array: np.ndarray) -> list[bytes]:
    return [array[:4].tobytes(), array[4:].tobytes()]


PLANES = [COLOURS[..., channel].tobytes() for channel in range(3)]
SEPARATE: dict[str, Any] = {"t258": [8, 8, 8], "t262": [2], "t277": [3], "t284": [2]}
TILE = np.pad(GREY, ((0, 8), (0, 8))).tobytes()


def bmp(runs: bytes, bits: int = 8) -> bytes:
    """Return a BMP of 8x8 pixels whose runs are counted, its palette grey from 0 on."""
    palette = b"".join(bytes([each, each, each, 0]) for each in range(2**bits))
    start = 14 + 40 + len(palette)
    header = struct.pack("<IiiHHIIiiII", 40, 8, 8, 1, bits, 1 if bits == 8 else 2, len(runs), 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", start + len(runs), 0, 0, start) + header + palette + runs


RUN, AS_THEY_ARE = [b"\x08" + bytes([line]) + b"\0\0" for line in range(1, 9)], b"\0\x08" + bytes(range(8)) + b"\0\0"
NIBBLES = b"\0\x08" + bytes([0x01, 0x23, 0x45, 0x67]) + b"\0\0"
END = b"\0\1"


def read(folder: Path, content: bytes, channels: int = 1) -> np.ndarray:
    (folder / "image").write_bytes(content)
    return read_image(folder / "image", (8, 8, channels), resize=False)


@pytest.mark.parametrize(
    ("content", "pixels"),
    [
        pytest.param(png(LINES), GREY, id="PNG"),
        pytest.param(png(INTERLACED, interlaced=1), GREY, id="PNG, interlaced"),
        pytest.param(png([*LINES, *LINES]), GREY, id="PNG, with more"),
        pytest.param(tiff([GREY.tobytes()]), GREY, id="TIFF"),
        pytest.param(tiff(halves(GREY), t278=[4]), GREY, id="TIFF of strips"),
        pytest.param(tiff([GREY.tobytes()], t278=[2**32 - 1]), GREY, id="TIFF, as many lines as there are"),
        pytest.param(tiff([TILE], t322=[16], t323=[16]), GREY, id="TIFF of tiles"),
        pytest.param(tiff(PLANES, **SEPARATE), COLOURS, id="TIFF of planes"),
        pytest.param(bmp(b"".join([*RUN[:7], AS_THEY_ARE]) + END), None, id="BMP of runs"),
        pytest.param(bmp(b"".join(RUN)[:-2] + END), None, id="BMP of runs, its last line without an end"),
        pytest.param(bmp(NIBBLES * 8 + END, bits=4), None, id="BMP of runs in 4 bits"),
        pytest.param(b"P5 8 8 100\n" + GREY.tobytes(), None, id="PGM"),
    ],
)
def test_what_is_there_is_read(tmp_path: Path, content: bytes, pixels: np.ndarray | None) -> None:
    """As it is, in whatever parts it is stored."""
    found = read(tmp_path, content, 3 if pixels is COLOURS else 1)
    wanted = np.asarray(Image.open(io.BytesIO(content)).convert("L")) if pixels is None else pixels
    assert np.array_equal(found.squeeze(), wanted)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(png(LINES[:5]), id="PNG"),
        pytest.param(png(INTERLACED[:-1], interlaced=1), id="PNG, interlaced"),
        pytest.param(tiff([GREY[:4].tobytes()], t278=[4]), id="TIFF of strips"),
        pytest.param(tiff([GREY[:4].tobytes()], t278=[4]) + bytes(100), id="TIFF of strips, other things behind them"),
        pytest.param(tiff([halves(GREY)[0], b""], t278=[4]) + bytes(100), id="TIFF with a strip of nothing"),
        pytest.param(tiff([GREY[:4].tobytes()]) + bytes(100), id="TIFF with a short strip"),
        pytest.param(tiff(PLANES[:2], **SEPARATE), id="TIFF of planes"),
        pytest.param(tiff([TILE], t322=[16], t323=[16], t256=[24]), id="TIFF of tiles"),
        pytest.param(bmp(b"".join(RUN[:5]) + b"\0\2\0\1" + b"".join(RUN[6:]) + END), id="BMP of runs, a line skipped"),
        pytest.param(bmp(b"\x04\1\0\0" + b"".join(RUN[1:]) + END), id="BMP of runs, half a line"),
    ],
)
def test_pixels_that_a_file_does_not_have_are_not_made_up(tmp_path: Path, content: bytes) -> None:
    """Pillow makes them black."""
    path = tmp_path / "image"
    path.write_bytes(content)
    with Image.open(path) as image:
        width, height = image.size
        assert not np.asarray(image.convert("RGB")).all(), "or this tests nothing"
    problem = "is damaged: it has fewer pixels than its header promises; save it anew"
    with pytest.raises(UnreadableError, match=re.escape(problem)):
        read_image(path, (height, width, 3), resize=False)


def test_values_beyond_the_largest_are_not_cut_off(tmp_path: Path) -> None:
    """A PGM names it, and may have others all the same: Pillow makes them white."""
    with pytest.raises(
        UnreadableError, match="is damaged: it has values beyond the largest that its header names; save it"
    ):
        read(tmp_path, b"P5 8 8 60\n" + GREY.tobytes())


def test_a_palette_of_another_width_is_no_palette_of_black(tmp_path: Path) -> None:
    """Some programs wrote bytes where a TIFF has numbers of 16 bits, of which Pillow takes the upper 8."""
    levels = [each for _ in range(3) for each in range(256)]
    with pytest.raises(UnreadableError, match="has a palette of numbers of 8 bits, and a TIFF's have 16; save it anew"):
        read(tmp_path, tiff([GREY.tobytes()], t262=[3], t320=levels))
    found = read(tmp_path, tiff([GREY.tobytes()], t262=[3], t320=[257 * each for each in levels]))
    assert np.array_equal(found[..., 0], GREY)
