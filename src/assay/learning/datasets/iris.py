"""Fisher's 150 irises: four lengths in centimetres, three species."""

from pathlib import Path

import numpy as np

from assay.learning.datasets import Dataset, Edition, Examples
from assay.learning.formats.published import RawFile

FILE = RawFile("iris.csv", 3_868, "d3b09efd6de0066a211e69284451f0d429db5c8d21a977602a4694794a41c089")
SPECIES = ("setosa", "versicolor", "virginica")


def load(folder: Path) -> Examples:
    """Return float32 features [150, 4] and labels [150]."""
    import pandas as pd

    table = pd.read_csv(folder / FILE.name)
    features = table.drop(columns="label")
    species = table["label"].map(SPECIES.index).to_numpy(np.int64)
    return Examples(features.to_numpy(np.float32), species, columns=tuple(features.columns))


DATASET = Dataset(
    name="iris",
    shape=(4,),
    classes=SPECIES,
    editions=(Edition("scikit-learn's iris as CSV", (FILE,), load),),
    bundled=True,
)
