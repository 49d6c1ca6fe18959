"""Compare the training stage's speed with a plain `model.fit`, and say what is spent outside the compute graph.

Each training is a process of its own, by turns: as the stage trains; a plain `compile` and
`fit` with the stage's determinism, on the same arrays, batches and architecture; and the same
without determinism, as a script would that needs no reproducible weights. Epochs after the
first, with validation, curves and pictures, give examples a second, the first one what
starting costs. The graph alone is timed on one batch again and again, without Python
between the steps.

Writes  benchmarks/results/training_speed.jsonl, one line a run
Run     python benchmarks/training_speed.py       16 minutes
        python benchmarks/training_speed.py --rounds 0     prints the table of the last run
"""

from assay.ground.stage import run_stage

import argparse
import json
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from arms import by_turns
from assay.ground.process import ending_with_us
from assay.ground.quiet import load_tensorflow
from assay.learning import datasets, frameworks, models
from assay.machine.lock import machine_to_ourselves
from assay.statistics.ratio import paired_ratio
from assay.validation.schema import load_params
from record import append, last_run

# As many examples as make an epoch a second or so; what they show does not change the speed.
TRAINED, WATCHED, EPOCHS = 6_000, 500, 5
FAMILIES = ("autoencoder", "cnn", "mlp")
WAYS = ("stage", "plain", "plain, not deterministic")


def made_up_splits(classes: int, shape: tuple[int, ...]) -> models.Splits:
    """Return images of noise of the right shapes."""
    chance = np.random.default_rng(0)

    def examples(count: int) -> tuple[np.ndarray, np.ndarray]:
        return chance.integers(0, 256, (count, *shape), np.uint8), np.arange(count) % classes

    return {"train": examples(TRAINED), "validation": examples(WATCHED), "test": examples(WATCHED)}


def short(section: Any) -> Any:
    """Return hyperparameters with few epochs everywhere."""
    changes: dict[str, Any] = {}
    for name in type(section).model_fields:
        value = getattr(section, name)
        if name == "epochs":
            changes[name] = EPOCHS
        elif hasattr(value, "epochs"):
            changes[name] = short(value)
    return section.model_copy(update=changes)


def train(family_name: str, way: str) -> dict[str, Any]:
    """Train a family one way in this process; return seconds of each epoch, and of the graph alone."""
    load_tensorflow()
    import keras
    import tensorflow as tf

    from assay.learning.training import fit as stage

    class Clock(keras.callbacks.Callback):
        """Notes how long each epoch took, with all that comes with it."""

        def on_train_begin(self, _logs: dict[str, float] | None = None) -> None:
            """Begin a list."""
            self.epochs: list[float] = []
            self.began = time.perf_counter()

        def on_epoch_end(self, _epoch: int, _logs: dict[str, float] | None = None) -> None:
            """End one, its validation included, and begin the next: what others do at its end counts for that."""
            now = time.perf_counter()
            self.epochs.append(round(now - self.began, 4))
            self.began = now

    found: dict[str, Any] = {}

    def graph_alone(model: keras.Model, metrics: tuple[str, ...], x: np.ndarray, y: np.ndarray, size: int) -> float:
        steps = len(x) // size
        model.compile(
            optimizer=type(model.optimizer).from_config(model.optimizer.get_config()),
            loss=model.loss,
            metrics=list(metrics),
            steps_per_execution=steps,
        )
        one = tf.data.Dataset.from_tensors((tf.constant(x[:size]), tf.constant(y[:size]))).repeat()
        clock = Clock()
        model.fit(one, steps_per_epoch=steps, epochs=EPOCHS, verbose=0, callbacks=[clock])
        return median(clock.epochs[1:]) * len(x) / (steps * size)

    staged = stage.fit_recording

    def timed(
        model: keras.Model, train: Any, validation: Any, settings: Any, folder: Path, *, callbacks: Any = ()
    ) -> None:
        clock = Clock()
        if way == "stage":
            staged(model, train, validation, settings, folder, callbacks=[*callbacks, clock])
        else:
            model.fit(
                *train,
                validation_data=validation,
                epochs=settings.epochs,
                batch_size=settings.batch_size,
                verbose=0,
                callbacks=[clock],
            )
        # The first is the one that counts: an autoencoder's head is little beside it.
        if not found:
            found["epochs"] = clock.epochs
            if way == "stage":
                metrics = ("accuracy",) if family_name != "autoencoder" else ()
                found["graph"] = round(graph_alone(model, metrics, train[0], train[1], settings.batch_size), 4)

    stage.fit_recording = timed
    if way != "stage":

        def plainly(model: keras.Model, optimizer: Any, loss: Any, metrics: Any = ()) -> None:
            model.compile(optimizer=optimizer, loss=loss, metrics=list(metrics))

        stage.compile_network = plainly
    family, dataset = models.get(family_name), datasets.get("digits")
    if way == "plain, not deterministic":
        keras.utils.set_random_seed(0)
    else:
        frameworks.get(family.framework).make_deterministic(0)
    settings = short(getattr(load_params().models, family_name))
    with tempfile.TemporaryDirectory() as curves:
        family.train(made_up_splits(len(dataset.classes), dataset.shape), dataset, settings, Path(curves))
    return found


def in_a_process(family: str, way: str, kept: list[dict[str, float]]) -> float:
    """Train in a process of its own; return examples a second, and keep what else was found."""
    command = ending_with_us([sys.executable, __file__, "--train", family, way])
    finished = subprocess.run(command, check=True, stdout=subprocess.PIPE, encoding="utf-8", errors="replace")
    found = json.loads(finished.stdout.splitlines()[-1])
    first, *others = found["epochs"]
    kept.append({"first_epoch_s": first, **({"graph_s": found["graph"]} if "graph" in found else {})})
    return TRAINED / float(median(others))


def table() -> list[str]:
    """Return a line a family: how the stage compares with plain training, and where an epoch's time goes."""
    lines = []
    for family, each in last_run("training_speed")["families"].items():
        speeds, beside = each["examples_per_second"], each["beside"]
        ratios = "  ".join(f"{way}: {paired_ratio(speeds['stage'], speeds[way])}" for way in WAYS[1:])
        epoch_s = TRAINED / median(speeds["stage"])
        outside = 1 - median(one["graph_s"] for one in beside["stage"]) / epoch_s
        first = ", ".join(f"{way} {median(one['first_epoch_s'] for one in beside[way]):.1f} s" for way in WAYS)
        lines += [
            f"{family}: {median(speeds['stage']):,.0f} examples/s; against {ratios}",
            f"  outside the training step's graph {outside:.0%} of an epoch; first epoch: {first}",
        ]
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare the training stage with a plain model.fit.")
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--train", nargs=2, metavar=("FAMILY", "WAY"), help="train once in this process")
    given = parser.parse_args()
    if given.train:
        print(json.dumps(train(*given.train)))
        return
    if given.rounds:
        families: dict[str, Any] = {}
        for family in FAMILIES:
            beside: dict[str, list[Any]] = {way: [] for way in WAYS}
            arms = {way: partial(in_a_process, family, way, beside[way]) for way in WAYS}
            with machine_to_ourselves():
                speeds = by_turns(arms, given.rounds)
            # Without what the round that is not counted left here.
            families[family] = {
                "examples_per_second": speeds,
                "beside": {way: found[1:] for way, found in beside.items()},
            }
        append("training_speed", {"examples": TRAINED, "epochs": EPOCHS, "families": families})
    print("\n".join(table()))


if __name__ == "__main__":
    run_stage(main)
