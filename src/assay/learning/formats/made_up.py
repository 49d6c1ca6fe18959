"""Which pixels of an image its file does not have, or has otherwise: Pillow makes them up, and says nothing."""

import math
import struct
import zlib
from struct import unpack_from

from PIL import ImageFile, TiffImagePlugin

from assay.learning.formats.image_ends import chunks_of_png

FEWER = "is damaged: it has fewer pixels than its header promises; save it anew"
BEYOND = "is damaged: it has values beyond the largest that its header names; save it anew"
SHORT_PALETTE = "has a palette of numbers of 8 bits, and a TIFF's have 16; save it anew"
# Of a PNG: the channels of each colour type, and what is sent first of each 8 by 8 pixels (its specification, 8.2).
CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
BLOCK = 1 << 20  # bytes that are inflated at once
# Tags of TIFF.
WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC, SAMPLES, PLANAR, COLORMAP = 256, 257, 258, 259, 262, 277, 284, 320
STRIPS, ROWS, STRIP_BYTES, TILE_WIDTH, TILE_HEIGHT, TILES, TILE_BYTES = 273, 278, 279, 322, 323, 324, 325
UNCOMPRESSED, SEPARATE = 1, 2
YCBCR = 6  # of whose colours there may be fewer samples than pixels
# Of a BMP whose runs are counted: a count of 0 says one of these, or how many pixels follow as they are.
END_OF_LINE, END_OF_BITMAP, SKIP = 0, 1, 2


def made_up(image: ImageFile.ImageFile, content: bytes) -> str | None:
    """Return what of an opened image, whose file has this content, is not there, or None."""
    try:
        if image.format == "PNG":
            return FEWER if _png_lacks(content) else None
        if isinstance(image, TiffImagePlugin.TiffImageFile):
            return _of_tiff(image.tag_v2)
        for tile in image.tile:
            if tile.codec_name == "bmp_rle" and isinstance(tile.args, tuple):
                return FEWER if _runs_lack(content, tile.offset, image.size, four_bits=bool(tile.args[1])) else None
            if tile.codec_name == "ppm" and isinstance(tile.args, tuple):
                samples = content[tile.offset :][: image.width * image.height * len(image.getbands())]
                return BEYOND if max(samples, default=0) > tile.args[-1] else None
    except (struct.error, zlib.error, IndexError):  # damage, of which Pillow knows
        return None
    return None


def _png_lacks(content: bytes) -> bool:
    width, height, bits, colours, interlaced = unpack_from(">IIBB2xB", content, 16)
    wanted = 0
    for left, top, right, down in PASSES if interlaced else ((0, 0, 1, 1),):
        columns, rows = math.ceil((width - left) / right), math.ceil((height - top) / down)
        if columns > 0:  # else no line of this pass is there, and none has the byte that it would begin with
            wanted += max(rows, 0) * (1 + math.ceil(columns * bits * CHANNELS.get(colours, 0) / 8))
    inflating, found = zlib.decompressobj(), 0
    for name, begin, end in chunks_of_png(content):
        rest = content[begin:end] if name == b"IDAT" else b""
        while rest and found < wanted:
            found += len(inflating.decompress(rest, BLOCK))
            rest = inflating.unconsumed_tail
    return found + len(inflating.flush()) < wanted


def _of_tiff(tags: TiffImagePlugin.ImageFileDirectory_v2) -> str | None:
    if 0 < max(tags.get(COLORMAP, (0,))) <= 0xFF:
        return SHORT_PALETTE
    width, height, planes = tags[WIDTH], tags[HEIGHT], tags.get(SAMPLES, 1) if tags.get(PLANAR) == SEPARATE else 1
    if STRIPS in tags:
        wanted = math.ceil(height / min(tags.get(ROWS, height) or height, height))
        there, lengths = tags[STRIPS], tags.get(STRIP_BYTES)
    elif TILES in tags and tags.get(TILE_WIDTH) and tags.get(TILE_HEIGHT):
        wanted = math.ceil(width / tags[TILE_WIDTH]) * math.ceil(height / tags[TILE_HEIGHT])
        there, lengths = tags[TILES], tags.get(TILE_BYTES)
    else:
        return None
    if len(there) < wanted * planes or (lengths and 0 in lengths[: wanted * planes]):
        return FEWER
    if lengths and STRIPS in tags and tags.get(COMPRESSION, 1) == UNCOMPRESSED and tags.get(PHOTOMETRIC) != YCBCR:
        bits = tags.get(BITS, (1,))
        line = sum(math.ceil(width * each / 8) for each in bits) if planes > 1 else math.ceil(width * sum(bits) / 8)
        return FEWER if sum(lengths) < line * height else None
    return None


def _runs_lack(content: bytes, place: int, size: tuple[int, int], *, four_bits: bool) -> bool:
    """Return whether runs leave a pixel out; raises IndexError where they end before the bitmap does."""
    (width, height), column, line = size, 0, 0
    while line < height:
        count, value = content[place], content[place + 1]
        place += 2
        if count:
            column += count
        elif value == SKIP or (value == END_OF_LINE and column < width):
            return True
        elif value == END_OF_LINE:
            column, line = 0, line + 1
        elif value == END_OF_BITMAP:
            return line < height - 1 or column < width
        else:
            column += value
            place += math.ceil(value / 2) if four_bits else value
            place += place % 2
    return False
