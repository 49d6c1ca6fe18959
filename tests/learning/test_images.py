"""Images that people bring along: what is read, how it becomes pixels, and what is refused rather than lost."""

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import ExifTags, Image, PngImagePlugin

from assay.learning.formats import images
from assay.learning.formats.decoding import UnreadableError
from assay.learning.formats.images import read_image

# 4 high, 6 wide, no two pixels alike and no symmetry.
COLOURS = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3) * 3
GREY = COLOURS[..., 0]
LOSSLESS: dict[str, dict[str, Any]] = {"PNG": {}, "WEBP": {"lossless": True}, "TIFF": {}}


def saved(folder: Path, image: Image.Image, format: str, **settings: Any) -> Path:  # noqa: A002  Pillow's name
    """Write an image under a name that says nothing about its format."""
    path = folder / "image"
    image.save(path, format, **settings)
    return path


def read(path: Path, channels: int = 3) -> np.ndarray:
    return read_image(path, (4, 6, channels), resize=False)


def png(depth: int, kind: int, row_bytes: int) -> bytes:
    """Return a PNG of 6x4 pixels, all 0, of a depth and a kind of colours that Pillow does not write."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    header = struct.pack(">IIBBBBB", 6, 4, depth, kind, 0, 0, 0)
    rows = zlib.compress(bytes(1 + row_bytes) * 4)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.mark.parametrize("format", ["PNG", "BMP", "WEBP", "TIFF", "PPM"])
def test_pixels_are_as_the_file_has_them(tmp_path: Path, format: str) -> None:  # noqa: A002
    """Every format without loss gives exactly its pixels, whatever its file is called."""
    path = saved(tmp_path, Image.fromarray(COLOURS), format, **LOSSLESS.get(format, {}))
    assert np.array_equal(read(path), COLOURS)


def test_lossy_and_palette_formats_are_read(tmp_path: Path) -> None:
    """JPEG keeps its colours about as they were, GIF as its palette has them."""
    assert np.abs(read(saved(tmp_path, Image.fromarray(COLOURS), "JPEG", quality=100)).astype(int) - COLOURS).max() < 16
    assert np.array_equal(read(saved(tmp_path, Image.fromarray(GREY), "GIF"), channels=1)[..., 0], GREY)


@pytest.mark.parametrize("format", ["PNG", "BMP", "GIF"])
def test_a_colour_beyond_the_palette_is_refused(tmp_path: Path, format: str) -> None:  # noqa: A002
    """Nobody knows what it was; a palette may end with the last colour that a pixel has, and not be missing."""
    problem = "is damaged: its pixels name colours that its palette does not have; save it anew"
    colours = np.random.default_rng(0).integers(0, 256, (64, 3), np.uint8)
    image = Image.frombytes("P", (6, 4), bytes(range(40, 64)))
    image.putpalette(colours.tobytes())
    assert np.array_equal(read(saved(tmp_path, image, format)), colours[40:].reshape(4, 6, 3))
    image.putpalette(colours[:32].tobytes())
    with pytest.raises(UnreadableError, match=problem):
        read(saved(tmp_path, image, format))
    (tmp_path / "image").write_bytes(png(8, 3, 6))
    with pytest.raises(UnreadableError, match=problem):
        read(tmp_path / "image")


def test_colours_become_what_the_shape_asks_for(tmp_path: Path) -> None:
    """Grey is ITU-R 601's share of each colour; of grey, all three colours are the same; one bit is black or white."""
    red = Image.new("RGB", (6, 4), (255, 0, 0))
    assert np.unique(read(saved(tmp_path, red, "PNG"), channels=1)) == [76]
    assert np.array_equal(read(saved(tmp_path, Image.fromarray(GREY), "PNG")), np.stack([GREY] * 3, axis=-1))
    bits = Image.fromarray(GREY > 100)
    assert np.array_equal(read(saved(tmp_path, bits, "PNG"), channels=1)[..., 0], (GREY > 100) * 255)
    (tmp_path / "image").write_bytes(b"P2 6 4 15\n" + b"15 " * 24)
    assert np.unique(read(tmp_path / "image")) == [255]


@pytest.mark.parametrize("format", ["AVIF", "DDS", "ICO", "TGA", "JPEG2000", "PCX"])
def test_a_format_that_is_not_listed_is_refused(tmp_path: Path, format: str) -> None:  # noqa: A002
    """What Pillow knows beyond the formats of docs/inputs.md is not tried, damaged or whole."""
    path = saved(tmp_path, Image.fromarray(COLOURS), format)
    with pytest.raises(UnreadableError, match="is not a readable image: it is damaged, or none of PNG, JPEG, "):
        read(path)


def partly(mode: str) -> Image.Image:
    """Return black strokes on transparency."""
    strokes = np.zeros((4, 6, 4), np.uint8)
    strokes[1:3, :, 3] = 255
    return Image.fromarray(strokes).convert(mode)


@pytest.mark.parametrize(
    ("image", "format", "settings"),
    [
        pytest.param(partly("RGBA"), "PNG", {}, id="RGBA"),
        pytest.param(partly("LA"), "PNG", {}, id="grey"),
        pytest.param(partly("RGBA"), "WEBP", {"lossless": True}, id="WebP"),
        pytest.param(partly("RGBA"), "TIFF", {}, id="TIFF"),
        pytest.param(partly("RGBA"), "GIF", {}, id="GIF"),
        pytest.param(Image.fromarray(GREY), "PNG", {"transparency": 0}, id="one grey"),
        pytest.param(partly("RGBA").quantize(4), "PNG", {}, id="palette"),
    ],
)
def test_an_image_that_shows_what_is_behind_it_is_refused(
    tmp_path: Path,
    image: Image.Image,
    format: str,  # noqa: A002
    settings: dict[str, Any],
) -> None:
    """Black strokes on transparency are not taken for a black picture; what is behind is not guessed."""
    with pytest.raises(UnreadableError, match="is transparent in places, and does not say what shows there; save it"):
        read(saved(tmp_path, image, format, **settings))


def grey_png(levels: np.ndarray, bits: int, transparent: int) -> bytes:
    """Return a PNG of grey levels [height, width] in so many bits, of which one level is transparent."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    height, width = levels.shape
    places = (levels[..., np.newaxis] >> np.arange(bits)[::-1]) & 1
    rows = np.packbits(places.reshape(height, width * bits).astype(bool), axis=1)
    header = struct.pack(">IIBBBBB", width, height, bits, 0, 0, 0, 0)
    pixels = zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows))
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"tRNS", struct.pack(">H", transparent))
        + chunk(b"IDAT", pixels)
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_a_level_is_transparent_however_many_bits_it_has(tmp_path: Path, bits: int) -> None:
    """A level that occurs is refused, whatever it is; where none of the pixels has it, they are as they should."""
    path, largest = tmp_path / "image", 2**bits - 1
    levels = np.arange(24).reshape(4, 6) * 11 % (largest + 1)
    for level in {0, 1, largest}:
        levels[2, 3] = level
        path.write_bytes(grey_png(levels, bits, level))
        with pytest.raises(UnreadableError, match="is transparent in places"):
            read(path)
    path.write_bytes(grey_png(np.zeros((4, 6), int), bits, largest))
    assert np.unique(read(path)) == [0]
    path.write_bytes(grey_png(np.full((4, 6), largest), bits, 0))
    assert np.unique(read(path)) == [255]


def one_frame(left: int, top: int, width: int, height: int) -> bytes:
    """Return an animated WebP of 6x4 whose only frame lies somewhere on it."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return name + struct.pack("<I", len(content)) + content + bytes(len(content) % 2)

    def in_three(*numbers: int) -> bytes:
        return b"".join(number.to_bytes(3, "little") for number in numbers)

    with io.BytesIO() as file:
        Image.new("RGB", (width, height), (120, 120, 120)).save(file, "WEBP", lossless=True)
        frame = in_three(left // 2, top // 2, width - 1, height - 1, 100) + b"\0" + file.getvalue()[12:]
    chunks = chunk(b"VP8X", bytes([2, 0, 0, 0]) + in_three(5, 3)) + chunk(b"ANIM", bytes(6)) + chunk(b"ANMF", frame)
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WEBP" + chunks


def test_a_picture_that_does_not_fill_its_canvas_is_refused(tmp_path: Path) -> None:
    """Whoever decodes it has to make up what is around it: a palette's first colour, or black."""
    problem = "fills a part of its canvas only, and does not say what is around it; save it"
    path = saved(tmp_path, Image.fromarray(GREY), "GIF")
    content = bytearray(path.read_bytes())
    content[6:10] = struct.pack("<HH", 7, 4)  # the canvas
    path.write_bytes(content)
    with pytest.raises(UnreadableError, match=problem):
        read_image(path, (4, 7, 3), resize=False)
    for place in ((2, 0, 4, 4), (0, 2, 6, 2), (0, 0, 5, 4)):
        path.write_bytes(one_frame(*place))
        with pytest.raises(UnreadableError, match=problem):
            read(path)
    path.write_bytes(one_frame(0, 0, 6, 4))
    assert np.unique(read(path)) == [120]


def test_an_opaque_alpha_channel_says_nothing(tmp_path: Path) -> None:
    """An image that could be transparent and is not gives the pixels of one that could not."""
    image = Image.fromarray(COLOURS)
    image.putalpha(255)
    assert np.array_equal(read(saved(tmp_path, image, "PNG")), COLOURS)
    assert np.array_equal(read(saved(tmp_path, Image.fromarray(GREY), "PNG", transparency=255), 1)[..., 0], GREY)


# What a camera that was held so has to do with the pixels that it stored.
UPRIGHT: dict[int, Callable[[np.ndarray], np.ndarray]] = {
    1: lambda x: x,
    2: lambda x: x[:, ::-1],
    3: lambda x: x[::-1, ::-1],
    4: lambda x: x[::-1],
    5: lambda x: x.swapaxes(0, 1),
    6: lambda x: np.rot90(x, -1),
    7: lambda x: np.rot90(x, 2).swapaxes(0, 1),
    8: np.rot90,
}


@pytest.mark.parametrize("format", LOSSLESS)
@pytest.mark.parametrize("orientation", UPRIGHT)
def test_an_image_is_read_upright(tmp_path: Path, format: str, orientation: int) -> None:  # noqa: A002
    """All eight orientations that EXIF knows, once and not twice, in each format that carries them."""
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    for pixels in (COLOURS, GREY):  # of grey ones, Pillow maps a TIFF into memory
        expected = np.atleast_3d(UPRIGHT[orientation](pixels))
        path = saved(tmp_path, Image.fromarray(pixels), format, exif=exif, **LOSSLESS[format])
        assert np.array_equal(read_image(path, expected.shape, resize=False), expected)


XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description tiff:Orientation="3"/></x:xmpmeta>'


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", [None, 6])
def test_only_exif_says_how_an_image_is_looked_at(tmp_path: Path, format: str, orientation: int | None) -> None:  # noqa: A002
    """Viewers do not turn by what an editor left in XMP, which Pillow does."""
    settings = LOSSLESS.get(format, {"quality": 100})
    stored = read(saved(tmp_path, Image.fromarray(COLOURS), format, **settings))
    exif = Image.Exif()
    exif[ExifTags.Base.Software] = "an editor"
    if orientation:
        exif[ExifTags.Base.Orientation] = orientation
    if format == "PNG":
        text = PngImagePlugin.PngInfo()
        text.add_itxt("XML:com.adobe.xmp", XMP.decode())
        path = saved(tmp_path, Image.fromarray(COLOURS), format, exif=exif, pnginfo=text)
    else:
        path = saved(tmp_path, Image.fromarray(COLOURS), format, exif=exif, xmp=XMP, **settings)
    expected = UPRIGHT[orientation or 1](stored)
    assert np.array_equal(read_image(path, expected.shape, resize=False), expected)


def test_a_photograph_on_its_side_has_its_upright_size(tmp_path: Path) -> None:
    """The size that is refused is that of the picture as one looks at it, and the sentence says so."""
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    path = saved(tmp_path, Image.fromarray(COLOURS), "JPEG", exif=exif)
    with pytest.raises(UnreadableError, match=r"is 4x6 when it is turned upright, not 6x4; data\.own"):
        read(path)
    assert read_image(path, (4, 6, 3), resize=True).shape == (4, 6, 3)


@pytest.mark.parametrize("format", ["GIF", "PNG", "WEBP", "TIFF"])
def test_several_images_in_one_file_are_refused(tmp_path: Path, format: str) -> None:  # noqa: A002
    """Of an animation or of pages, none is chosen in silence."""
    others = [Image.fromarray(COLOURS[::-1]), Image.fromarray(COLOURS[:, ::-1])]
    path = saved(tmp_path, Image.fromarray(COLOURS), format, save_all=True, append_images=others)
    with pytest.raises(UnreadableError, match="holds more than one image; save each as a file of its own"):
        read(path)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"P4 6 4\n" + bytes(4), id="bits"),
        pytest.param(b"P5 6 4 255\n" + bytes(24), id="grey"),
        pytest.param(b"P5 6 4 15\n" + bytes(24), id="few levels"),
        pytest.param(b"P6 6 4 255\n" + bytes(72), id="colours"),
        pytest.param(b"P1 6 4\n" + b"01" * 12 + b"\n", id="bits in words"),
        pytest.param(b"P2 6 4 255 " + b"12 # Pixel\n" * 24, id="grey in words"),
        pytest.param(b"P3 6 4 255\n" + b"\t001\r" * 72, id="colours in words"),
    ],
)
def test_a_ppm_holds_one_image_and_nothing_else(tmp_path: Path, content: bytes) -> None:
    """Its format may have one after another, of which Pillow shows the first; blanks at the end are nothing."""
    path = tmp_path / "image"
    for end in (b"", b"\n \n"):
        path.write_bytes(content + end)
        assert read(path).shape == (4, 6, 3)
        path.write_bytes(content + end + content)
        with pytest.raises(UnreadableError, match="holds more than one image; save each as a file of its own"):
            read(path)
        path.write_bytes(content + end + b"1")
        with pytest.raises(UnreadableError, match="has more bytes than its header promises"):
            read(path)


BEHIND = {"PNG": {}, "JPEG": {"progressive": True}, "BMP": {}, "GIF": {}, "WEBP": {"lossless": True}}


@pytest.mark.parametrize("format", BEHIND)
@pytest.mark.parametrize("second", [*BEHIND, "TIFF", "PPM"])
def test_a_whole_image_behind_another_is_not_lost(tmp_path: Path, format: str, second: str) -> None:  # noqa: A002
    """Two files that became one are told; half of one, zeros, and what else programs leave behind are no pixels."""
    image = Image.fromarray(COLOURS)
    other = saved(tmp_path, image, second).read_bytes()
    path = saved(tmp_path, image, format, **BEHIND[format])
    content, pixels = path.read_bytes(), read(path)
    path.write_bytes(content + other)
    with pytest.raises(UnreadableError, match="holds more than one image; save each as a file of its own"):
        read(path)
    for rest in (other[: len(other) // 2], bytes(1000), b"\r\n", b"\xff\xd9", b"BM" + bytes(100), other[1:]):
        path.write_bytes(content + rest)
        assert np.array_equal(read(path), pixels)


def test_what_cameras_put_into_or_behind_a_jpeg_is_no_image_of_its_own(tmp_path: Path) -> None:
    """A thumbnail among its segments, and a smaller preview behind its end; of the same size, it is another picture."""
    image = Image.fromarray(COLOURS)
    small = saved(tmp_path, image.resize((3, 2)), "JPEG").read_bytes()
    path = saved(tmp_path, image, "JPEG", exif=b"Exif\0\0" + small + small, comment=small)
    content, pixels = path.read_bytes(), read(path)
    for rest in (b"", small, bytes(10) + small, content):
        path.write_bytes(content[:2] + b"\xff" * 3 + content[2:] + rest)
        if rest == content:
            with pytest.raises(UnreadableError, match="holds more than one image; save each as a file of its own"):
                read(path)
        else:
            assert np.array_equal(read(path), pixels)


def test_a_bitmap_need_not_know_its_length(tmp_path: Path) -> None:
    """Its own image is not taken for another one behind it."""
    path = saved(tmp_path, Image.fromarray(COLOURS), "BMP")
    content = path.read_bytes()
    path.write_bytes(content[:2] + bytes(4) + content[6:])
    assert np.array_equal(read(path), COLOURS)


def test_a_cameras_jpeg_with_a_preview_is_its_photograph(tmp_path: Path) -> None:
    """Of the pictures that a camera puts into one JPEG, the first is the one that was taken."""
    path = saved(tmp_path, Image.fromarray(COLOURS), "MPO", save_all=True, append_images=[Image.new("RGB", (6, 4))])
    assert read(path).max() > 100


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(png(16, 0, 12), id="grey PNG"),
        pytest.param(png(16, 2, 36), id="PNG"),
        pytest.param(png(16, 6, 48), id="PNG with alpha"),
        pytest.param(b"P6 6 4 65535\n" + bytes(144), id="PPM"),
        pytest.param(b"P3 6 4 1000\n" + b"0 " * 72, id="PPM in words"),
        pytest.param(b"P5 6 4 4095\n" + bytes(48), id="PGM"),
        pytest.param(b"Pf 6 4 -1.0\n" + bytes(96), id="PFM"),
    ],
)
def test_more_than_8_bits_a_channel_are_refused(tmp_path: Path, content: bytes) -> None:
    """Values beyond a byte are not cut off in silence, in colour either."""
    (tmp_path / "image").write_bytes(content)
    with pytest.raises(UnreadableError, match="has more than 8 bits a channel; save it with 8"):
        read(tmp_path / "image")


@pytest.mark.parametrize("bits", [(5, 6, 5), (5, 5, 5)], ids=["5-6-5", "5-5-5"])
def test_a_bmp_of_16_bits_for_all_channels_is_read(tmp_path: Path, bits: tuple[int, int, int]) -> None:
    """It has fewer than 8 a channel, which are spread over the 256 levels."""
    shifts = (bits[1] + bits[2], bits[2], 0)
    masks = [((1 << count) - 1) << shift for count, shift in zip(bits, shifts, strict=True)]
    pixels = np.full((4, 6), masks[0] | masks[2], "<u2")  # red and blue
    header = struct.pack("<IiiHHIIiiII", 40, 6, 4, 1, 16, 3, pixels.nbytes, 0, 0, 0, 0)
    start = 14 + len(header) + 12
    head = b"BM" + struct.pack("<IHHI", start + pixels.nbytes, 0, 0, start)
    path = tmp_path / "image"
    path.write_bytes(head + header + struct.pack("<III", *masks) + pixels.tobytes())
    assert read(path).reshape(-1, 3).tolist() == [[255, 0, 255]] * 24


@pytest.mark.parametrize("bits", [1, 4, 8])
@pytest.mark.parametrize("colours", [(0, 255), (255, 0)])
@pytest.mark.parametrize("old", [False, True])
def test_a_bmp_of_black_and_white_is_read_or_refused(
    tmp_path: Path, bits: int, colours: tuple[int, int], old: bool
) -> None:
    """Pillow reads one bit a pixel where the palette is black and white, however many there are."""
    rows = np.random.default_rng(0).integers(0, 2, (4, 6), np.uint8)
    width = -(-6 * bits // 32) * 4
    lines = {1: np.packbits(rows, axis=1), 4: rows[:, ::2] << 4 | rows[:, 1::2], 8: rows}[bits]
    pixels = b"".join(line.tobytes().ljust(width, b"\0") for line in lines[::-1])
    if old:
        header = struct.pack("<IHHHH", 12, 6, 4, 1, bits)
        palette = b"".join(bytes([each] * 3) for each in colours) + bytes(3 * (2**bits - 2))
    else:
        header = struct.pack("<IiiHHIIiiII", 40, 6, 4, 1, bits, 0, len(pixels), 0, 0, 2, 0)
        palette = b"".join(bytes([*[each] * 3, 0]) for each in colours)
    start = 14 + len(header) + len(palette)
    path = tmp_path / "image"
    path.write_bytes(b"BM" + struct.pack("<IHHI", start + len(pixels), 0, 0, start) + header + palette + pixels)
    problem = "is a BMP of black and white that has more than one bit a pixel, which is not read; save it as a PNG"
    if colours == (0, 255) and bits > 1 and not old:
        with pytest.raises(UnreadableError, match=problem):
            read(path)
    else:
        assert np.array_equal(read(path)[..., 0], np.array(colours, np.uint8)[rows])


def test_deep_and_signed_tiffs_are_refused(tmp_path: Path) -> None:
    """TIFF says in tags how many bits a sample has, and what they mean."""
    for mode in ("I;16", "I", "F"):
        with pytest.raises(UnreadableError, match="has more than 8 bits a channel"):
            read(saved(tmp_path, Image.new(mode, (6, 4)), "TIFF"))
    with pytest.raises(UnreadableError, match="has more than 8 bits a channel"):
        read(saved(tmp_path, Image.fromarray(GREY), "TIFF", tiffinfo={339: 2}))


@pytest.mark.parametrize(("mode", "format"), [("CMYK", "JPEG"), ("CMYK", "TIFF"), ("LAB", "TIFF")])
def test_colours_of_another_kind_are_refused(tmp_path: Path, mode: str, format: str) -> None:  # noqa: A002
    """What printers mix becomes other colours on a screen without a profile of both."""
    with pytest.raises(UnreadableError, match=f"has its colours as {mode}; save it in RGB or grey"):
        read(saved(tmp_path, Image.new(mode, (6, 4)), format))


def test_a_channel_beyond_the_colours_is_not_dropped(tmp_path: Path) -> None:
    """A fourth channel, as of a camera that sees infrared, is named."""
    with pytest.raises(UnreadableError, match="has 4 channels; save it in RGB or grey"):
        read(saved(tmp_path, Image.new("RGBX", (6, 4)), "TIFF"))


def test_an_image_that_would_fill_the_memory_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that claims far more pixels than its neighbours is refused before they are decoded."""
    (tmp_path / "image").write_bytes(b"P6 60000 60000 255\n")
    with pytest.raises(UnreadableError, match="claims to be far larger than any image to learn from"):
        read(tmp_path / "image")
    monkeypatch.setattr(images, "LARGEST_IMAGE", 23)
    with pytest.raises(UnreadableError, match="claims to be far larger than any image to learn from"):
        read(saved(tmp_path, Image.fromarray(COLOURS), "PNG"))
