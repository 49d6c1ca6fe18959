"""A share of the channels of every layer but the last really removed, and the rest trained on."""

from typing import TYPE_CHECKING, Annotated

import onnx
from pydantic import Field

from assay.exporting.variants import OtherModel, Source, Variant, networks_only

if TYPE_CHECKING:
    import keras


class Pruned(OtherModel):
    """variants.pruned in params.yaml."""

    remove: Annotated[float, Field(gt=0, lt=1)] = 0.3
    epochs: Annotated[int, Field(ge=0, le=10_000)] = 5
    batch_size: Annotated[int, Field(ge=1, le=65_536)] = 32
    learning_rate: Annotated[float, Field(gt=0, le=1)] = 0.0005


def prune(source: Source, settings: Pruned) -> "keras.Model":
    """Return the smaller model, trained on with the training split."""
    # First, for it loads TensorFlow quietly.
    source.framework.make_deterministic(source.seed)
    import keras

    from assay.exporting.compression.prune import pruned
    from assay.learning.training.fit import compile_classifier, fit

    model = pruned(source.trained, settings.remove)
    compile_classifier(model, keras.optimizers.Adam(settings.learning_rate))
    fit(model, source.split("train"), source.split("validation"), settings)
    return model


def export(source: Source) -> onnx.ModelProto:
    """Prune the trained model, train it on, and convert it."""
    return source.framework.to_onnx(prune(source, source.settings), source.opset)


VARIANT = Variant(export, refuses=networks_only, settings=Pruned)
