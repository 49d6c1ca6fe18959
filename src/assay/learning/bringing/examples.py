"""What a model that was brought is asked: its samples, or inputs that are made."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from assay.learning.bringing.made import Text, make
from assay.learning.bringing.samples import read_labels, read_samples
from assay.params.made_inputs import MadeInput
from assay.tensors.named import examples_in
from assay.tensors.signature import Signature


@dataclass(frozen=True)
class Asked:
    """Where samples and labels are, None where there are none, and how a text is found whose lines are inputs."""

    inputs: Path | None
    labels: Path | None
    text: Text

    def examples(
        self, signature: Signature, told: Sequence[MadeInput], seed: int
    ) -> tuple[dict[str, np.ndarray], np.ndarray | None]:
        """Return the examples of a model by input, and their labels [N], None if there are none.

        Raises StageError if samples do not fit the model, or what was told is not enough to make some.
        """
        if self.inputs is None:
            return make(signature, told, self.text, seed), None
        samples = read_samples(self.inputs, signature)
        return samples, read_labels(self.labels, examples_in(samples)) if self.labels else None
