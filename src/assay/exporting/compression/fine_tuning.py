"""A trained model with fewer channels, trained on: what variants that are pruned begin with."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from assay.exporting.settings import OtherModel
from assay.exporting.source import Source


class Pruned(OtherModel):
    """The section of a variant that is pruned."""

    remove: Annotated[float, Field(gt=0, lt=1)] = 0.3
    epochs: Annotated[int, Field(ge=0, le=10_000)] = 5
    batch_size: Annotated[int, Field(ge=1, le=65_536)] = 32
    learning_rate: Annotated[float, Field(gt=0, le=1)] = 0.0005


def fine_tuned(source: Source, path: Path) -> None:
    """Write the smaller model, trained on with the training split, in ONNX."""
    settings: Pruned = source.settings
    # First, for it loads TensorFlow quietly.
    source.framework.make_deterministic(source.seed)
    import keras

    from assay.exporting.compression.prune import pruned
    from assay.learning.training.fit import compile_classifier, fit

    model = pruned(source.trained, settings.remove)
    compile_classifier(model, keras.optimizers.Adam(settings.learning_rate))
    fit(model, source.split("train"), source.split("validation"), settings)
    source.framework.to_onnx(model, source.opset, path)
