"""Text as files and people have it: a server gives bytes."""

import numpy as np

from assay.ground.process import StageError


def as_characters(array: np.ndarray) -> np.ndarray:
    """Return text as characters, anything else as it is; raises StageError if bytes are not in UTF-8."""
    if array.dtype.kind != "O":
        return array
    try:
        texts = [each.decode() if isinstance(each, bytes) else each for each in array.ravel()]
    except UnicodeDecodeError:
        raise StageError("the model answers with text that is not in UTF-8") from None
    return np.array(texts, object).reshape(array.shape)
