"""Write the two small datasets that scikit-learn carries as CSV into datasets/digits and datasets/iris.

Run once, to make what data.dvc tracks: `python tools/bundle_data.py && dvc commit data.dvc`.
"""

from pathlib import Path

import pandas as pd
from sklearn.datasets import load_digits, load_iris

DATASETS = Path(__file__).resolve().parent.parent / "datasets"


def main() -> None:
    digits = load_digits()
    pixels = pd.DataFrame(digits.data.astype(int), columns=[f"pixel_{i // 8}_{i % 8}" for i in range(64)])
    flowers = load_iris(as_frame=True)
    iris = flowers.data.rename(columns=lambda name: name.removesuffix(" (cm)").replace(" ", "_") + "_cm")
    tables = {
        "digits": pixels.assign(label=digits.target),
        "iris": iris.assign(label=[flowers.target_names[index] for index in flowers.target]),
    }
    for name, table in tables.items():
        path = DATASETS / name / f"{name}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        table.to_csv(path, index=False, lineterminator="\n")


if __name__ == "__main__":
    main()
