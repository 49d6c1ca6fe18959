"""Read the tables that stages hand on, which may be damaged."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from runtime.process import StageError
from runtime.quoting import cut

LONGEST_REASON = 120


def read_columns(path: Path, numbers: Sequence[str], texts: Sequence[str] = (), separator: str = ",") -> pd.DataFrame:
    """Return some columns of a table of ours, the numbers finite, at least one row.

    Raises StageError that names the file and what mends it.
    """
    try:
        table = pd.read_csv(path, sep=separator, dtype=dict.fromkeys(texts, str), keep_default_na=False)
        found = table[[*texts, *numbers]].astype(dict.fromkeys(numbers, np.float64))
        if not (len(found) and np.isfinite(found[list(numbers)].to_numpy()).all()):
            raise ValueError("it has no rows, or values that are no finite numbers")
    except (ValueError, KeyError) as error:
        reason = cut(" ".join(str(error).split()), LONGEST_REASON)
        raise StageError(f"{os.path.relpath(path)} is damaged: {reason}; `dvc repro` makes it again") from None
    return found
