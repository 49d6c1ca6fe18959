"""A quantity over the epochs of a training."""

from pathlib import Path

from matplotlib.axes import Axes

from assay.ground.tables import read_columns
from assay.telling.figures.style import Picture, Theme, picture

SPLITS = {"train": "train", "eval": "validation"}


def training_curves(folder: Path) -> dict[str, Picture]:
    """Return a picture of each phase of a training: of its accuracy, or of its loss where there is none."""
    pictures = {}
    for phase in sorted(path for path in folder.iterdir() if path.is_dir()):
        has_accuracy = (phase / "plots" / "metrics" / "eval" / "accuracy.tsv").exists()
        quantity = "accuracy" if has_accuracy else "loss"
        pictures[f"{phase.name}, {quantity}"] = training_curve(phase, quantity, quantity)
    return pictures


def training_curve(folder: Path, quantity: str, axis: str) -> Picture:
    """Draw what DVCLive wrote of a quantity, in `folder`, for the train and the validation split."""
    written = folder / "plots" / "metrics"
    curves = {
        shown: read_columns(written / split / f"{quantity}.tsv", ("step", quantity), separator="\t")
        for split, shown in SPLITS.items()
    }

    def paint(axes: Axes, theme: Theme) -> None:
        for (split, curve), colour in zip(curves.items(), theme.series, strict=False):
            marker = "o" if len(curve) == 1 else None
            axes.plot(curve["step"] + 1, curve[quantity], color=colour, label=split, marker=marker)
        axes.set_xlabel("epoch")
        axes.set_ylabel(axis)
        axes.legend(fontsize=8)

    said = "; ".join(f"{split}: {curve[quantity].iloc[-1]:.4g} in the last epoch" for split, curve in curves.items())
    return picture(paint, height=2.8, alt=f"{axis} by epoch. {said}")
