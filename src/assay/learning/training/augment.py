"""Batches of images that are flipped and shifted anew in every epoch."""

import math

import keras
import numpy as np


class FlippedAndCropped(keras.utils.PyDataset):
    """Shuffled batches; each image is mirrored half of the time and moved by up to `shift` pixels.

    Where an image moved away, it is continued by its mirror image.
    """

    def __init__(self, x: np.ndarray, y: np.ndarray, batch_size: int, shift: int, seed: int) -> None:
        super().__init__()
        self._chance = np.random.default_rng(seed)
        self._padded = np.pad(x, ((0, 0), (shift, shift), (shift, shift), (0, 0)), mode="reflect")
        self._y, self._batch_size, self._shift = y, batch_size, shift
        self._height, self._width = x.shape[1:3]
        self.on_epoch_end()

    def __len__(self) -> int:
        return math.ceil(len(self._y) / self._batch_size)

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        chosen = self._order[index * self._batch_size : (index + 1) * self._batch_size]
        corners = self._chance.integers(0, 2 * self._shift + 1, (len(chosen), 2))
        images = np.stack(
            [
                self._padded[index, row : row + self._height, column : column + self._width]
                for index, (row, column) in zip(chosen, corners, strict=True)
            ]
        )
        mirrored = self._chance.random(len(chosen)) < 0.5
        images[mirrored] = images[mirrored, :, ::-1]
        return images, self._y[chosen]

    def on_epoch_end(self) -> None:
        """Shuffle."""
        self._order = self._chance.permutation(len(self._y))
