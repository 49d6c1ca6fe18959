"""See that a model that is being brought is what it says, and what neighbours in a batch do to its answers."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from assay.ground.records.prepared import Batch
from assay.learning.bringing.evidence import check_what_it_says
from assay.learning.bringing.samples import check_classes
from assay.learning.bringing.subject import Subject
from assay.params.made_inputs import MadeInput
from assay.scoring.classification import class_scores
from assay.tensors.batch_safety import batch_safety
from assay.tensors.named import Tensors, each_alone, one, part
from assay.tensors.rows import scored

# Enough that one of them had the machine to itself.
TIMES = 3


@dataclass(frozen=True)
class Examples:
    """What a model is asked, its labels, and how inputs were made: None where they were brought."""

    inputs: Tensors
    labels: np.ndarray | None
    told: Sequence[MadeInput] | None


@dataclass(frozen=True)
class Judged:
    """What was found: answers to the examples that were asked, each alone, and what neighbours change in them.

    `batch` is None of a model that takes no batches; an example takes `alone_s` seconds.
    """

    answers: Tensors
    batch: Batch | None
    alone_s: float


def judge(subject: Subject, examples: Examples, most: int | None = None) -> Judged:
    """Ask a model at most so many examples, all without a number; raises StageError if it is not what it says."""
    check_what_it_says(subject.ask, subject.signature, examples.inputs)
    few = examples.inputs if most is None else part(examples.inputs, 0, most)
    batched, scores = subject.signature.batched, scored(subject.signature)
    answers = each_alone(subject.ask, few, batched=batched)
    if examples.labels is not None:
        check_classes(examples.labels, class_scores(answers, scores))
    batch = batch_safety(subject.ask, few, answers, scores, subject.name) if batched else None
    return Judged(answers, batch, _seconds_alone(subject, examples.inputs))


def _seconds_alone(subject: Subject, inputs: Tensors) -> float:
    """Return how long a model takes for an example: the shortest of a few, others had to wait."""
    example = one(inputs, 0, batched=subject.signature.batched)
    times = []
    for _ in range(TIMES):
        began = time.perf_counter()
        subject.ask(example)
        times.append(time.perf_counter() - began)
    return min(times)
