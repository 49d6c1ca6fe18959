"""Images in a folder for each class."""

import unicodedata
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from runtime.process import StageError

RESIZE = "data.own.resize: true scales images"
MODES = {1: "L", 3: "RGB"}  # Pillow's, by the number of channels


def read_image(path: Path, shape: Sequence[int], resize: bool, remedy: str = RESIZE) -> np.ndarray:
    """Return the image at `path`, uint8 [height, width, channels].

    Colours become what the shape asks for. Raises ValueError if the file is not a
    whole image, or has another size and may not be resized; `remedy` says how it might be.
    """
    height, width, channels = shape
    try:
        with Image.open(path) as image:
            if image.mode.startswith(("I", "F")):
                raise ValueError("has more than 8 bits a channel; save it with 8")
            converted = image.convert(MODES[channels])
    except UnidentifiedImageError:
        raise ValueError("is not a readable image: it is cut short, or of no known format") from None
    except Image.DecompressionBombError:
        raise ValueError("claims to be far larger than any image to learn from") from None
    except (OSError, SyntaxError) as error:
        raise ValueError(f"is not a readable image: {error}") from None
    if converted.size != (width, height):
        if not resize:
            found = "x".join(map(str, converted.size))
            raise ValueError(f"is {found}, not {width}x{height}; {remedy}")
        converted = converted.resize((width, height), Image.Resampling.BILINEAR)
    return np.asarray(converted, np.uint8).reshape(height, width, channels)


def read_class_folders(
    folder: Path, classes: Sequence[str], shape: Sequence[int], resize: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Return images uint8 [N, height, width, channels] and labels int64 [N], in the order of names.

    Raises StageError for a folder that is no class, and names every bad image.
    """
    shown = folder.name
    if len(shape) != 3:
        raise StageError(f"{shown}: images need data.own.shape [height, width, channels], it is {list(shape)}")
    # Some systems write é as two characters; classes are composed, as their description says.
    folders = {unicodedata.normalize("NFC", path.name): path for path in sorted(folder.iterdir()) if path.is_dir()}
    if unknown := [name for name in folders if name not in classes]:
        raise StageError(f"{shown} has the folder {', '.join(unknown)}; data.own.classes: {', '.join(classes)}")
    images, labels, problems = [], [], []
    for label, name in enumerate(classes):
        for path in sorted(folders[name].glob("[!.]*")) if name in folders else ():
            try:
                images.append(read_image(path, shape, resize))
            except ValueError as error:
                problems.append(f"{shown}/{name}/{path.name} {error}")
            else:
                labels.append(label)
    if problems:
        shown_problems = problems[:10] + [f"and {len(problems) - 10} more"] * (len(problems) > 10)
        raise StageError("\n  ".join(shown_problems))
    if not images:
        raise StageError(f"{shown} has no images; data.own expects a folder for each of: {', '.join(classes)}")
    return np.stack(images), np.array(labels, np.int64)
