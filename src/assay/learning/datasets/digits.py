"""Scikit-learn's 1,797 handwritten digits, 8x8, brought to 28x28."""

from pathlib import Path

import numpy as np

from assay.learning.datasets import Dataset, Edition, Examples
from assay.learning.formats.published import RawFile

FILE = RawFile("digits.csv", 265_358, "7a93e51f73dadeb4429b4fc0718b334d12864332b906bdf44f9da7599a7e0e01")
DARKEST = 16  # pixels are counts of set points in 4x4 blocks


def load(folder: Path) -> Examples:
    """Return uint8 images [1797, 28, 28, 1] and labels [1797]."""
    import pandas as pd
    from scipy import ndimage

    table = pd.read_csv(folder / FILE.name)
    small = table.drop(columns="label").to_numpy(np.float64).reshape(-1, 8, 8)
    # Linear, with pixels as areas rather than points, so that the image keeps its frame.
    large = ndimage.zoom(small, (1, 28 / 8, 28 / 8), order=1, mode="nearest", grid_mode=True)
    pixels = np.rint(large * (255 / DARKEST)).astype(np.uint8)
    return Examples(pixels[..., np.newaxis], table["label"].to_numpy(np.int64))


DATASET = Dataset(
    name="digits",
    shape=(28, 28, 1),
    classes=tuple("0123456789"),
    editions=(Edition("scikit-learn's digits as CSV", (FILE,), load),),
    bundled=True,
)
