"""A server's model is asked by the names of its inputs."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from assay.ground.process import StageError
from assay.predicting.tensors import served_model
from assay.servers.embedded import serve
from assay.serving.client import PROTOCOLS


@pytest.mark.slow
def test_a_model_of_other_inputs_is_named(model_folder: Callable[..., Path]) -> None:
    """Whoever asks it over HTTP or gRPC is told what it takes, and what was brought."""
    with serve([model_folder()], 60) as server:
        for protocol in PROTOCOLS:
            place = server.address(protocol)
            with (
                served_model(place, protocol, "linear", 10) as ask,
                pytest.raises(
                    StageError, match=rf"^linear at {place} takes 'image', and the model that .* 'other'; --"
                ),
            ):
                ask({"other": np.zeros((1, 8, 8, 1), np.float32)})
