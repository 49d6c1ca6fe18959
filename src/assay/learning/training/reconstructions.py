"""A picture of what an autoencoder makes of one example of each class, epoch by epoch."""

from pathlib import Path

import keras
import numpy as np
from PIL import Image

from assay.ground.files import replacing
from assay.learning.training.pixels import scaled

# Rows of the picture below the originals, the first and the last epoch among them.
MOST_ROWS = 10
SCALE, GAP = 2, 2


def grid(rows: list[np.ndarray]) -> Image.Image:
    """Return images [columns, height, width, 1], 0 to 1, a row an array, as one grey picture."""
    frame = ((0, 0), (0, GAP), (0, GAP), (0, 0))
    lines = [np.concatenate(list(np.pad(row, frame, constant_values=1)), axis=1) for row in rows]
    pixels = np.rint(255 * np.concatenate(lines)[..., 0].clip(0, 1)).astype(np.uint8)
    return Image.fromarray(pixels).resize((pixels.shape[1] * SCALE, pixels.shape[0] * SCALE), Image.Resampling.NEAREST)


class Reconstructions(keras.callbacks.Callback):
    """Writes the picture when training ends: the originals, then a row for each of up to ten epochs.

    `x` are pixels uint8 [N, height, width, 1], `y` their labels [N].
    """

    def __init__(self, x: np.ndarray, y: np.ndarray, classes: tuple[str, ...], path: Path) -> None:
        super().__init__()
        self.path = path
        self.originals = x[[int(np.flatnonzero(y == label)[0]) for label in range(len(classes))]]
        self.rows = [scaled(self.originals)]

    def on_train_begin(self, _logs: dict[str, float] | None = None) -> None:
        """Choose the epochs to show."""
        epochs = self.params["epochs"]
        self.shown = set(np.linspace(0, epochs - 1, min(epochs, MOST_ROWS)).round().astype(int).tolist())

    def on_epoch_end(self, epoch: int, _logs: dict[str, float] | None = None) -> None:
        """Keep a row."""
        if epoch in self.shown:
            self.rows.append(np.asarray(self.model.predict_on_batch(self.originals)))

    def on_train_end(self, _logs: dict[str, float] | None = None) -> None:
        """Write the picture."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(self.path) as partial:
            grid(self.rows).save(partial, "PNG")
