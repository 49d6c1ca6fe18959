"""Say how far a training has come."""

import keras


class ProgressLine(keras.callbacks.Callback):
    """A line about every tenth of the epochs: readable in a log, not a flood."""

    def __init__(self, title: str, epochs: int) -> None:
        super().__init__()
        self.title, self.epochs = title, epochs

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Print a line where one is due."""
        done = epoch + 1
        if done % max(1, self.epochs // 10) == 0 or done == self.epochs:
            values = "  ".join(f"{name} {value:.4f}" for name, value in (logs or {}).items())
            print(f"{self.title}: epoch {done}/{self.epochs}  {values}", flush=True)
