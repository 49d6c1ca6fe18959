"""Valid raw files of every kind that is read, and seeded damage to them.

`pytest tests/pipeline/test_mutations.py --mutations 100000` damages each file so often, in place of the few times
of every run.
"""

import gzip
import io
import random
import struct
from typing import Any
from zipfile import ZipFile

import numpy as np
from PIL import ExifTags, Image

SHAPE = (8, 8, 3)
FEATURES = 3
ROWS = 12
# Bytes that are lengths, counts, signs and text where one does not expect them.
INTERESTING = (0, 1, 0x7F, 0x80, 0xFF, 0x0A, 0x22, 0x2C)


def _pixels() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, SHAPE, dtype=np.uint8)


def _image(format: str, **settings: Any) -> bytes:  # noqa: A002  Pillow's name
    stream = io.BytesIO()
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    image = settings.pop("image", Image.fromarray(_pixels()))
    image.save(stream, format, exif=exif, **settings)
    return stream.getvalue()


def _npz(save: Any, **arrays: np.ndarray) -> bytes:
    stream = io.BytesIO()
    save(stream, **arrays)
    return stream.getvalue()


def valid_files() -> dict[str, bytes]:
    """Return small whole files: images of SHAPE, the others with ROWS examples of FEATURES; by name."""
    x, y = np.random.default_rng(1).normal(size=(ROWS, FEATURES)), np.arange(ROWS) % 2
    rows = "\n".join(f"{a:.3f},{b:.3f},{c:.3f},{'cat' if k else 'dog'}" for (a, b, c), k in zip(x, y, strict=True))
    idx = struct.pack(">HBB", 0, 8, 2) + struct.pack(">2I", ROWS, FEATURES) + bytes(range(ROWS * FEATURES))
    grey = Image.fromarray(_pixels()[..., 0])
    return {
        "plain.png": _image("PNG"),
        "palette.png": _image("PNG", image=grey.convert("P"), transparency=int(_pixels()[0, 0, 0])),
        "animated.png": _image("PNG", save_all=True, append_images=[grey.convert("RGB")]),
        "plain.jpg": _image("JPEG"),
        "progressive.jpg": _image("JPEG", progressive=True),
        "mpo.jpg": _image("MPO", save_all=True, append_images=[Image.new("RGB", SHAPE[:2])]),
        "plain.bmp": _image("BMP"),
        "palette.bmp": _image("BMP", image=grey),
        "plain.gif": _image("GIF"),
        "animated.gif": _image("GIF", save_all=True, append_images=[grey]),
        "plain.webp": _image("WEBP"),
        "lossless.webp": _image("WEBP", lossless=True),
        "plain.tiff": _image("TIFF"),
        "deflate.tiff": _image("TIFF", compression="tiff_adobe_deflate"),
        "jpeg.tiff": _image("TIFF", compression="jpeg"),
        "lzw.tiff": _image("TIFF", compression="tiff_lzw", image=grey),
        "plain.ppm": _image("PPM"),
        "in_words.ppm": b"P3\n# a comment\n8 8\n200\n"
        + b" ".join(b"%d" % (value % 200) for value in _pixels().ravel()),
        "in_words.pbm": b"P1\n# a comment\n8 8\n" + b"0110 1001\n" * 8,
        "plain.npz": _npz(np.savez, x=x, y=y),
        "compressed.npz": _npz(np.savez_compressed, x=x.astype(np.float32), y=np.array(["dog", "cat"])[y]),
        "plain.csv": f'a,"b",c,label\n{rows}\n'.encode(),
        "plain.gz": gzip.compress(idx, mtime=0),
    }


def mutated(content: bytes, chance: random.Random) -> bytes:
    """Return a file with one to eight damages: bits turned, bytes and lengths replaced, parts lost, doubled, moved."""
    damaged = bytearray(content)
    for _ in range(chance.randint(1, 8)):
        at = chance.randrange(len(damaged) + 1)
        length = chance.choice((1, 1, 2, 4, 8, chance.randint(1, len(damaged) + 1)))
        part = damaged[at : at + length]
        match chance.randrange(7):
            case 0:
                damaged[at : at + 1] = bytes(byte ^ 1 << chance.randrange(8) for byte in part[:1])
            case 1:
                damaged[at : at + length] = bytes(chance.choice(INTERESTING) for _ in part)
            case 2:
                damaged[at : at + 4] = struct.pack(
                    chance.choice("<>") + "I", chance.choice((0, 1, 2**31 - 1, 2**32 - 1))
                )
            case 3:
                del damaged[at : at + length]
            case 4:
                damaged[at:at] = part * chance.randint(1, 3)
            case 5:
                elsewhere = chance.randrange(len(damaged) + 1)
                damaged[elsewhere : elsewhere + len(part)] = part
            case _:
                damaged[at : at + length] = chance.randbytes(len(part))
        if len(damaged) > 8 * len(content):
            break
    return bytes(damaged)


def mutated_inside(content: bytes, chance: random.Random) -> bytes:
    """Return a file whose packing is whole, with damage to what is packed in it: gzip, or an archive of arrays."""
    if content[:2] == b"\x1f\x8b":
        return gzip.compress(mutated(gzip.decompress(content), chance), compresslevel=1, mtime=0)
    if content[:2] == b"PK":
        stream = io.BytesIO()
        with ZipFile(io.BytesIO(content)) as archive, ZipFile(stream, "w") as damaged:
            hit = chance.choice(archive.namelist())
            for name in archive.namelist():
                member = archive.read(name)
                damaged.writestr(name, mutated(member, chance) if name == hit else member)
        return stream.getvalue()
    return mutated(content, chance)
