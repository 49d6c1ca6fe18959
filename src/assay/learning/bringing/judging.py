"""See that a model that is being brought is what it says, and what neighbours in a batch do to its answers."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from assay.ground.numerals import amount, counted
from assay.ground.process import StageError
from assay.ground.records.prepared import UNKNOWN, Batch
from assay.learning.bringing.evidence import check_what_it_says
from assay.learning.bringing.made import FEWEST
from assay.learning.bringing.samples import check_classes
from assay.learning.bringing.subject import Subject
from assay.params.made_inputs import MadeInput
from assay.scoring.classification import class_scores
from assay.tensors.batch_safety import batch_safety
from assay.tensors.named import Tensors, each_alone, examples_in, one, part, with_room
from assay.tensors.rows import scored

# Enough that one of them had the machine to itself.
TIMES = 3
# So long, or a few times that, examples that were made are asked; alone, in fours and in a larger batch.
PATIENCE_S, TIMES_ASKED = 20, 3
# Several at once have to wait until a server is sure that no more will come.
JOINED = 64


@dataclass(frozen=True)
class Examples:
    """What a model is asked, its labels, and how inputs were made: None where they were brought."""

    inputs: Tensors
    labels: np.ndarray | None
    told: Sequence[MadeInput] | None


@dataclass(frozen=True)
class Judged:
    """What was found: answers to the examples that were asked, each alone, and what neighbours change in them.

    `batch` is None of a model of which nothing takes batches; an example takes `alone_s` seconds.
    """

    answers: Tensors
    batch: Batch | None
    alone_s: float


def fewer_of_a_slow_model(subject: Subject, examples: Examples) -> Examples:
    """Return as many made examples as are answered in a while, all of them where they were brought.

    What takes long is said before it is done.
    """
    count, alone_s = examples_in(examples.inputs), _seconds_alone(subject, examples.inputs)
    if examples.told is not None:
        count = min(count, max(FEWEST, int(PATIENCE_S / alone_s)))
    if (takes_s := TIMES_ASKED * count * alone_s) > PATIENCE_S:
        print(f"{counted(count, 'example')} of {amount(alone_s)} s: this takes about {takes_s:.0f} s", flush=True)
    return replace(examples, inputs=part(examples.inputs, 0, count))


def judge(subject: Subject, examples: Examples, most: int | None = None) -> Judged:
    """Ask a model at most so many examples, all without a number; raises StageError if it is not what it says."""
    check_what_it_says(subject.ask, subject.signature, examples.inputs)
    batched, scores = subject.signature.batched, scored(subject.signature)
    answer, there = subject.ask(one(examples.inputs, 0, batched=batched)), examples_in(examples.inputs)
    few = part(examples.inputs, 0, with_room(answer, there if most is None else min(most, there)))
    answers = each_alone(subject.ask, few, batched=batched)
    if examples.labels is not None:
        check_classes(examples.labels, class_scores(answers, scores))
    return Judged(answers, _batch(subject, few, answers, scores), _seconds_alone(subject, examples.inputs))


def _batch(subject: Subject, inputs: Tensors, alone: Tensors, scores: tuple[str, ...]) -> Batch | None:
    """Return what examples of one request do to each other, and, where that changes nothing, several requests."""
    found, name = None, subject.name
    if subject.signature.batched:
        found = batch_safety(subject.ask, inputs, alone, scores, name, largest=subject.largest_batch)
    if subject.several_at_once is None or (found is not None and not found["safe"]):
        return found
    some, those = (part(each, 0, min(JOINED, examples_in(inputs))) for each in (inputs, alone))
    try:
        with subject.several_at_once.asked() as ask:
            largest = subject.several_at_once.largest
            joint = batch_safety(ask, some, those, scores, name, largest=largest)
            if joint["safe"]:
                return joint
            # It is served under another name there, which a program may look at: that changes no batch.
            return batch_safety(ask, some, each_alone(ask, some), scores, name, largest=largest)
    except StageError as error:
        print(f"what requests do to each other is not known: {error}", flush=True)
        return UNKNOWN


def _seconds_alone(subject: Subject, inputs: Tensors) -> float:
    """Return how long a model takes for an example: the shortest of a few, others had to wait."""
    example = one(inputs, 0, batched=subject.signature.batched)
    times = []
    for _ in range(TIMES):
        began = time.perf_counter()
        subject.ask(example)
        times.append(time.perf_counter() - began)
    return min(times)
