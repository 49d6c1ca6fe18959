"""A model that is being brought, whatever it is: what it takes and gives, how it is asked, and what is told of it."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from assay.tensors.named import Ask
from assay.tensors.signature import Signature


@dataclass(frozen=True)
class SeveralAtOnce:
    """How several requests are asked so that they are computed together, and of how many examples at most."""

    asked: Callable[[], AbstractContextManager[Ask]]
    largest: int


@dataclass(frozen=True)
class Subject:
    """An ONNX file in this process, or a repository's model behind a server.

    `largest_batch` is the most examples that a request may hold, where it takes batches. `several_at_once` are
    requests, where what is computed together of these is no such batch.
    `head` begins its description, `about` are further lines of that, each with what it is about; `asked_in` says where
    examples are answered.
    """

    name: str
    signature: Signature
    ask: Ask
    largest_batch: int
    several_at_once: SeveralAtOnce | None
    head: str
    about: tuple[tuple[str, str], ...]
    asked_in: str
