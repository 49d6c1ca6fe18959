"""Whether an exported model still says what the trained one said."""

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import onnxruntime

from assay.ground.files import reading
from assay.ground.process import StageError, too_little_memory
from assay.ground.quoting import cut, printable
from assay.ground.records.checking import LONGEST_REASON
from assay.tensors.named import Tensors

# Of ONNX Runtime's levels of its log.
_FATAL = 4


def onnx_session(model: bytes | str, threads: int = 0) -> onnxruntime.InferenceSession:
    """Return a session on the processor, from a file's path or content.

    `threads` compute one operator together; 0 leaves their number to ONNX Runtime. Raises StageError if a file
    is damaged, or if what was made cannot be read.
    """
    options = session_options(threads)
    with reading(Path(model), "an ONNX model") if isinstance(model, str) else _opening():
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def session_options(threads: int = 0) -> onnxruntime.SessionOptions:
    """Return options of a session with so many threads, and without a log: what fails is raised, and told."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = _FATAL
    return options


# What ONNX Runtime puts before its words: a code, the file, the place in its own source.
_BEFORE = re.compile(r"^\[ONNXRuntimeError\] : \d+ : \w+ : (Load model from .*? failed: ?)?(/\S+:\d+ .*?\) (?=\w))?")
_NO_MEMORY = re.compile("failed to allocate|bad.?alloc", re.IGNORECASE)


def runtimes_words(error: Exception) -> str:
    """Return what ONNX Runtime says of a model or an example, in one line."""
    said = " ".join(str(error).split())
    return cut(_BEFORE.sub("", said.rpartition("Status Message: ")[2] or said), LONGEST_REASON)


@contextmanager
def _opening() -> Iterator[None]:
    try:
        yield
    except Exception as error:  # as above
        why = runtimes_words(error)
        raise StageError(f"ONNX Runtime {onnxruntime.__version__} cannot read the exported model: {why}") from None


class UnansweredError(StageError):
    """ONNX Runtime does not answer what a model is asked."""


def onnx_answers(session: onnxruntime.InferenceSession, inputs: Tensors) -> dict[str, np.ndarray]:
    """Return every output of a model, by name, for a batch; raises UnansweredError in ONNX Runtime's words."""
    names = [output.name for output in session.get_outputs()]
    try:
        answers = session.run(names, dict(inputs))
    except Exception as error:  # ONNX Runtime's exceptions have no base of their own
        asked = ", ".join(f"{printable(name)} {list(array.shape)}" for name, array in inputs.items())
        words = runtimes_words(error)
        if _NO_MEMORY.search(words):
            raise StageError(too_little_memory(f"the model is asked {asked}: {words}")) from None
        raise UnansweredError(f"the model fails on {asked}: {words}") from None
    return {name: np.asarray(answer) for name, answer in zip(names, answers, strict=True)}


def onnx_answer(session: onnxruntime.InferenceSession, x: np.ndarray) -> np.ndarray:
    """Return the single output of a model with a single input for the batch `x`."""
    (model_input,) = session.get_inputs()
    (answer,) = session.run(None, {model_input.name: x})
    return np.asarray(answer)


# How far answers may be apart that are computed alike, but for the order of sums, as a share of the largest.
ROUNDING = 1e-4
# And as a share of values in one place, which may be small beside those in another.
ROUNDING_OF_SMALL = 1e-3
# Scores of an example, [N, C], or of each step of a sequence, [N, S, C]; what has more axes is an image or the like.
AXES_OF_SCORES = (2, 3)
# Half precision has fewer digits than that: so many units in its last place are rounding.
UNITS_OF_HALVES = 2


def answers_alone(ask: Callable[[np.ndarray], np.ndarray], x: np.ndarray) -> np.ndarray:
    """Return the answers [N, …] to examples [N, …], each asked alone: neighbours may change an answer."""
    return np.concatenate([ask(example[np.newaxis]) for example in x])


def magnitude(*answers: np.ndarray) -> float:
    """Return the largest |value| of answers, which differences are measured by, or 1 where all are 0.

    Of two or three axes, as scores of classes have, it is that of the two largest values on the last axis, each time:
    a class that is masked with -1e9 is no measure of the others, and of log-probabilities the largest may be 0.
    """
    return _largest(map(_two_largest, answers)) or _largest(answers) or 1.0


def _largest(answers: Iterable[np.ndarray]) -> float:
    return max(float(np.abs(each.astype(np.float64)).max(initial=0)) for each in answers)


def _two_largest(answer: np.ndarray) -> np.ndarray:
    if answer.ndim in AXES_OF_SCORES and answer.shape[-1] > 2:
        return np.partition(answer, -2, axis=-1)[..., -2:]
    return answer


def as_bytes(texts: np.ndarray) -> np.ndarray:
    """Return texts in UTF-8: ONNX Runtime gives characters, a server bytes."""
    return np.array([each if isinstance(each, bytes) else each.encode() for each in texts.ravel()], object).reshape(
        texts.shape
    )


def largest_difference(expected: np.ndarray, found: np.ndarray, of: float | np.ndarray | None = None) -> float:
    """Return max |expected - found|, as a share of what is expected's magnitude, or `of` something else.

    What rounding to half precision explains is none. Of whole numbers and truth values it is the difference itself, for
    they are not rounded. Infinite if the two have other shapes, one holds what is not a number, or a text is another.
    """
    if expected.shape != found.shape:
        return np.inf
    if expected.dtype.kind == "O":
        return 0.0 if np.array_equal(as_bytes(expected), as_bytes(found)) else np.inf
    if expected.dtype.kind != "f":
        unlike = expected != found
        apart = np.abs(expected[unlike].astype(np.float64) - found[unlike].astype(np.float64))
        return float(apart.max(initial=1)) if apart.size else 0.0
    with np.errstate(invalid="ignore"):  # infinity against infinity is not a number, and counted as that
        apart = np.abs(expected.astype(np.float64) - found.astype(np.float64))
        if expected.dtype == np.float16:
            apart[apart <= UNITS_OF_HALVES * np.spacing(np.abs(expected)).astype(np.float64)] = 0
        shares = apart / (magnitude(expected) if of is None else of)
    return float(np.where(np.isnan(shares), np.inf, shares).max(initial=0))


def largest_beside_others(expected: np.ndarray, found: np.ndarray) -> float:
    """Return the largest difference of floats as a share of what stands in the same place of an axis.

    Of any axis: an example that is small beside others, confidences beside pixels, a class beside one that is masked. A
    place of which the values are a hundredth of the typical one's or less counts as that hundredth, for what is left
    where sums cancel is rounding. 0 of what is no float, or of another shape.
    """
    if expected.dtype.kind != "f" or expected.shape != found.shape:
        return 0.0
    values, worst = np.abs(expected.astype(np.float64)), 0.0
    for axis in range(expected.ndim):
        others = tuple(each for each in range(expected.ndim) if each != axis)
        largest = values.max(axis=others, keepdims=True, initial=0)
        if largest.any():
            of = np.maximum(largest, np.median(largest[largest > 0]) / 100)
            worst = max(worst, largest_difference(expected, found, of))
    return worst


def alike(answer: np.ndarray, other: np.ndarray) -> bool:
    """Return whether two answers are the same but for rounding, which changes floats alone."""
    if answer.dtype.kind != "f" or other.dtype.kind != "f":
        return largest_difference(answer, other) == 0
    return largest_difference(answer, other, magnitude(answer, other)) <= ROUNDING
