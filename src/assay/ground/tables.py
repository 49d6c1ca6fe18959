"""Read the tables that stages hand on, which may be damaged."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from assay.ground.files import reading


def read_columns(path: Path, numbers: Sequence[str], texts: Sequence[str] = (), separator: str = ",") -> pd.DataFrame:
    """Return some columns of a table of ours, the numbers finite, at least one row.

    Raises StageError that names the file and what mends it.
    """
    with reading(path, f"a table with {' and '.join(numbers)}"):
        table = pd.read_csv(path, sep=separator, dtype=dict.fromkeys(texts, str), keep_default_na=False)
        found = table[[*texts, *numbers]].astype(dict.fromkeys(numbers, np.float64))
        if not (len(found) and np.isfinite(found[list(numbers)].to_numpy()).all()):
            raise ValueError("it has no rows, or values that are no finite numbers")
        return found
