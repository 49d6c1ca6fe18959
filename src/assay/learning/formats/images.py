"""Images: which formats are read, and how one becomes pixels. docs/inputs.md says the same to people."""

import io
import logging
import os
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, ImageFile, ImageOps, TiffImagePlugin, UnidentifiedImageError

from assay.learning.formats.decoding import DAMAGES, UnreadableError, check_file, decoding
from assay.learning.formats.image_ends import rest_of
from assay.learning.formats.made_up import made_up
from assay.learning.formats.stored import LARGEST_PIXEL
from assay.learning.formats.webp import frame_of_webp

# What Pillow logs of a damaged file would be printed, were there nobody to take it.
logging.getLogger("PIL").addHandler(logging.NullHandler())

RESIZE = "data.own.resize: true scales images"
# Pillow's names of what people have; PPM are also PGM and PBM. It knows some forty more.
FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF", "PPM")
MODES = {1: "L", 3: "RGB"}  # Pillow's, by the number of channels
# Grey or colours of 8 bits or less, with and without transparency.
EIGHT_BITS = ("1", "L", "LA", "P", "PA", "RGB", "RGBA")
LARGEST_IMAGE = 100_000_000  # pixels
LARGEST_FILE = 8 * LARGEST_IMAGE  # bytes: room for two of the largest
SAMPLE_BITS, SAMPLES, SAMPLE_FORMAT = 258, 277, 339  # tags of TIFF
SEVERAL = "holds more than one image; save each as a file of its own"
PART = "fills a part of its canvas only, and does not say what is around it; save it as a picture of its own"
# Of a PPM in words: how many characters Pillow reads for a sample, and a blank; and what is no sample.
LONGEST_SAMPLE, COMMENT = 11, re.compile(rb"#[^\r\n]*")
BLOCK = 1 << 20  # bytes that are read of what should not be there, or is not known
# Of a PNG's grey levels, by Pillow's name of how they are stored: the largest, and what Pillow multiplies pixels with.
LEVELS = {"L;2": (3, 85), "L;4": (15, 17)}
OPAQUE = (255, 255)  # the least and the most of an alpha channel that says nothing


def read_image(path: Path, shape: Sequence[int], resize: bool, remedy: str = RESIZE) -> np.ndarray:
    """Return the image at `path`, uint8 [height, width, channels], upright.

    Colours become what the shape asks for. Raises UnreadableError if the file is not one whole
    image, has what would be lost, or has another size and may not be resized; `remedy` says how it might be.
    """
    height, width, channels = shape
    check_file(path)
    with decoding("image"):
        upright, was_turned = _upright(path)
        if upright.size != (width, height) and not resize:
            found = "x".join(map(str, upright.size)) + (" when it is turned upright" if was_turned else "")
            raise UnreadableError(f"is {found}, not {width}x{height}; {remedy}")
        converted = _opaque(upright).convert(MODES[channels])
        if converted.size != (width, height):
            converted = converted.resize((width, height), Image.Resampling.BILINEAR)
        return np.asarray(converted, np.uint8).reshape(height, width, channels)


def _upright(path: Path) -> tuple[Image.Image, bool]:
    """Return the image, turned as its file says that it is to be looked at, and whether it lay on its side."""
    try:
        # Of a path, Pillow maps the pixels of some TIFFs by the size that they have when they are turned.
        with path.open("rb") as file, Image.open(file, formats=FORMATS) as image:
            # Before any pixel is decoded, where a file may claim billions of them.
            if image.width * image.height > LARGEST_IMAGE:
                raise Image.DecompressionBombError
            # Not more than there is: Python makes room for all that is asked for.
            with path.open("rb") as whole:
                content = whole.read(min(path.stat().st_size, LARGEST_FILE))
            if lost := _lost(image) or _followed(image, content):
                raise UnreadableError(lost)
            lacking = made_up(image, content)
            _let_transparency_be_a_pixel(image)
            stored = image.size
            with _without_words() if image.format == "TIFF" else nullcontext():
                upright = _turned(image)
            _check_palette(upright)
            if lacking:  # of what Pillow has nothing to say about
                raise UnreadableError(lacking)
            return upright, upright.size != stored
    except UnidentifiedImageError:
        raise UnreadableError("is not a readable image: it is damaged, or none of " + ", ".join(FORMATS)) from None
    except Image.DecompressionBombError:
        raise UnreadableError("claims to be far larger than any image to learn from") from None


def _turned(image: ImageFile.ImageFile) -> Image.Image:
    """Return an image as its EXIF says that it is looked at: Pillow would believe XMP, too, and viewers do not."""
    _forget_xmp(image)  # a TIFF is turned as it is read
    turned = image.copy()
    _forget_xmp(turned)  # what a PNG has behind its pixels
    # Of an EXIF that is damaged, a JPEG remembers that it says nothing.
    if ExifTags.Base.Orientation in image.getexif():
        ImageOps.exif_transpose(turned, in_place=True)
    return turned


def _forget_xmp(image: Image.Image) -> None:
    for name in ("xmp", "XML:com.adobe.xmp"):
        image.info.pop(name, None)


@contextmanager
def _without_words() -> Iterator[None]:
    """Let libtiff talk to nobody inside the block: it writes what it finds, damage or not, to stderr by itself."""
    sys.stderr.flush()
    stderr, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)
        os.close(nowhere)


def _let_transparency_be_a_pixel(image: ImageFile.ImageFile) -> None:
    """Scale the level or colour that a PNG declares transparent as its pixels are: Pillow leaves it as it is stored."""
    level = image.info.get("transparency")
    if image.format == "PNG" and image.mode in ("L", "RGB") and level is not None:
        # Of a level only the bits that a pixel has count (PNG specification, 11.3.2.1).
        largest, factor = LEVELS.get(str(image.tile[0].args), (LARGEST_PIXEL, 1))
        scaled = [(each & largest) * factor for each in (level if isinstance(level, tuple) else (level,))]
        image.info["transparency"] = tuple(scaled) if len(scaled) > 1 else scaled[0]


def _check_palette(image: Image.Image) -> None:
    """Raise UnreadableError if a pixel has a place beyond the palette: Pillow makes up a colour for it."""
    if image.mode in ("P", "PA"):
        largest = np.ravel(image.getextrema())[1]  # of the places, which come before an alpha channel
        if largest >= len(image.getpalette() or ()) // len("RGB"):
            raise UnreadableError("is damaged: its pixels name colours that its palette does not have; save it anew")


def _opaque(image: Image.Image) -> Image.Image:
    """Return the image; raise UnreadableError if something shows through it."""
    if not image.has_transparency_data:
        return image
    image = image.convert("RGBA")
    if image.getchannel("A").getextrema() != OPAQUE:
        raise UnreadableError("is transparent in places, and does not say what shows there; save it on a background")
    return image


def _lost(image: ImageFile.ImageFile) -> str | None:
    """Return what of an opened image would be lost if it became 8-bit pixels, with the remedy, or None."""
    # A JPEG of several pictures is one photograph and what a camera adds: previews, depth.
    if getattr(image, "is_animated", False) and image.format != "MPO":
        return SEVERAL
    if _is_deep(image):
        return "has more than 8 bits a channel; save it with 8"
    if image.mode not in EIGHT_BITS:
        return f"has its colours as {image.mode}; save it in RGB or grey"
    return _misread(image) or (None if _fills_its_canvas(image) else PART)


def _misread(image: ImageFile.ImageFile) -> str | None:
    """Return what Pillow would leave out of an image, or read otherwise than it is, in its format; or None."""
    if isinstance(image, TiffImagePlugin.TiffImageFile) and image.tag_v2.get(SAMPLES, 1) > len(image.getbands()):
        return f"has {image.tag_v2[SAMPLES]} channels; save it in RGB or grey"
    if image.format == "BMP" and image.mode == "1" and _bits_of_bmp(image) > 1:
        return "is a BMP of black and white that has more than one bit a pixel, which is not read; save it as a PNG"
    if image.format == "PPM" and (rest := _rest(image)):
        return SEVERAL if rest.startswith(b"P") else "has more bytes than its header promises"
    return None


def _fills_its_canvas(image: ImageFile.ImageFile) -> bool:
    """Return whether the one picture of a GIF or WebP is as large as the whole: Pillow makes up what is around it."""
    whole = (0, 0, *image.size)
    if image.format == "GIF":
        return [tile.extents for tile in image.tile] == [whole]
    if image.format == "WEBP" and image.fp:
        image.fp.seek(0)
        return frame_of_webp(image.fp) in (None, whole)
    return True


def _bits_of_bmp(image: ImageFile.ImageFile) -> int:
    """Return how many bits a pixel of an opened BMP has: Pillow reads one of a palette of black and white."""
    if image.fp is None:
        return 1
    image.fp.seek(14)
    header = image.fp.read(16)
    return int.from_bytes(header[10:12] if header[0] == 12 else header[14:16], "little")  # of OS/2, or of Windows


def _followed(image: ImageFile.ImageFile, content: bytes) -> str | None:
    """Return that another whole image follows an opened one in its file; other things behind it are no pixels."""
    if not (rest := rest_of(content, str(image.format))):
        return None
    try:
        with Image.open(io.BytesIO(rest), formats=FORMATS) as other:
            pixels = other.width * other.height
            # Behind a photograph, what is smaller is its preview.
            if pixels > LARGEST_IMAGE or (image.format == "JPEG" and pixels < image.width * image.height):
                return None
            with _without_words() if other.format == "TIFF" else nullcontext():
                other.load()
    except (*DAMAGES, Image.DecompressionBombError):
        return None
    return SEVERAL


def _rest(image: ImageFile.ImageFile) -> bytes:
    """Return what follows the pixels of a PPM of 8 bits, but blanks; Pillow reads the first of several images."""
    (tile,), file = image.tile, image.fp
    if file is None:
        return b""
    file.seek(tile.offset)
    samples = image.width * image.height * len(image.getbands())
    if tile.codec_name != "ppm_plain":
        file.seek(-(-image.width // 8) * image.height if image.mode == "1" else samples, os.SEEK_CUR)
        return bytes(file.read(BLOCK).strip())
    content = COMMENT.sub(b"", file.read(LONGEST_SAMPLE * samples + BLOCK))
    written = np.frombuffer(content, np.uint8) > ord(" ")
    begins = written.copy()
    if image.mode != "1":  # there, nothing needs to stand between two
        begins[1:] &= ~written[:-1]
    at = np.flatnonzero(begins)[samples:]
    return content[at[0] :] if len(at) else b""


def _is_deep(image: ImageFile.ImageFile) -> bool:
    """Return whether an opened image has more than 8 bits a channel, of which Pillow may keep the upper 8 only."""
    if image.mode.startswith(("I", "F")):
        return True
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        signed = max(image.tag_v2.get(SAMPLE_FORMAT, (1,))) > 1
        return bool(signed or max(image.tag_v2.get(SAMPLE_BITS, (1,))) > 8)
    for tile in image.tile:
        # ("RGB;16B") in PNG, and in BMP 16 for all channels; the largest value last, as in ("RGB", 65535), in PPM.
        if ";16" in str(tile.args) and image.format != "BMP":
            return True
        # Of bits, what is in words has no largest value.
        if tile.codec_name.startswith("ppm") and isinstance(tile.args, tuple) and int(tile.args[-1]) > LARGEST_PIXEL:
            return True
    return False
