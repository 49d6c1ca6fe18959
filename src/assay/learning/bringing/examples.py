"""What a model that was brought is asked: its samples, or inputs that are made."""

from collections.abc import Sequence

import numpy as np

from assay.learning.bringing.folder import Brought
from assay.learning.bringing.made import make
from assay.learning.bringing.samples import read_labels, read_samples
from assay.params.made_inputs import MadeInput
from assay.tensors.named import examples_in
from assay.tensors.signature import Signature


def brought_examples(
    brought: Brought, signature: Signature, told: Sequence[MadeInput], seed: int
) -> tuple[dict[str, np.ndarray], np.ndarray | None]:
    """Return the examples of a model by input, and their labels [N], None if there are none.

    Raises StageError if samples do not fit the model, or what was told is not enough to make some.
    """
    if brought.inputs is None:
        return make(signature, told, brought, seed), None
    samples = read_samples(brought.inputs, signature)
    return samples, read_labels(brought.labels, examples_in(samples)) if brought.labels else None
