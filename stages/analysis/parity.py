"""Whether an exported model still says what the trained one said."""

import numpy as np
import onnxruntime


def onnx_session(model: bytes | str, threads: int = 0) -> onnxruntime.InferenceSession:
    """Return a session on the processor, from a file's path or content.

    `threads` compute one operator together; 0 leaves their number to ONNX Runtime.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def onnx_answer(session: onnxruntime.InferenceSession, x: np.ndarray) -> np.ndarray:
    """Return the single output of a model with a single input for the batch `x`."""
    (model_input,) = session.get_inputs()
    (answer,) = session.run(None, {model_input.name: x})
    return np.asarray(answer)


def largest_difference(expected: np.ndarray, found: np.ndarray) -> float:
    """Return max |expected - found| of two arrays of one shape; infinite if one is not a number."""
    difference = np.abs(expected.astype(np.float64) - found.astype(np.float64))
    return float(np.nan_to_num(difference, nan=np.inf).max())
