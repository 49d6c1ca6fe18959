"""Examples in a CSV file: a column `label`, features in all others."""

import csv
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

from runtime.process import StageError


def line_of(path: Path, row: int) -> int:
    """Return the line in which a row begins, counted from 1; row 0 follows the header, and may span lines."""
    with path.open(encoding="utf-8", newline="") as file:
        records = csv.reader(file)
        for _ in range(row + 1):
            next(records)
        return records.line_num + 1


def read_table(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return features float64 [N, columns] and labels [N], as they are written.

    Raises StageError if the file is no such table, naming the first bad line.
    """
    shown = f"{path.parent.name}/{path.name}"
    try:
        with warnings.catch_warnings():
            # Fields beyond the header's would be dropped with a warning.
            warnings.simplefilter("error", pd.errors.ParserWarning)
            table = pd.read_csv(
                path, index_col=False, dtype={"label": str}, keep_default_na=False, skip_blank_lines=False
            )
    except (ValueError, pd.errors.EmptyDataError, pd.errors.ParserError, pd.errors.ParserWarning) as error:
        raise StageError(f"{shown} is not a readable CSV file: {str(error).strip()}") from None
    if "label" not in table:
        raise StageError(f"{shown} has no column `label`; its columns: {', '.join(map(str, table.columns[:20]))}")
    features = table.drop(columns="label")
    numbers = features.apply(pd.to_numeric, errors="coerce")
    bad = np.argwhere(numbers.isna().to_numpy())
    if len(bad):
        row, column = bad[0]
        value = features.iat[row, column]
        raise StageError(f"{shown}, line {line_of(path, row)}: {features.columns[column]} is {value!r}, not a number")
    empty = (table["label"].isna() | (table["label"] == "")).to_numpy()
    if empty.any():
        raise StageError(f"{shown}, line {line_of(path, int(empty.argmax()))}: the label is empty")
    return numbers.to_numpy(np.float64), table["label"].to_numpy()
