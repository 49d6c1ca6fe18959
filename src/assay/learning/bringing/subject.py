"""A model that is being brought, whatever it is: what it takes and gives, how it is asked, and what is told of it."""

from dataclasses import dataclass

from assay.tensors.named import Ask
from assay.tensors.signature import Signature


@dataclass(frozen=True)
class Subject:
    """An ONNX file in this process, or a repository's model behind a server.

    `largest_batch` is the most examples that it may be asked at once, 0 if it takes no batches; `batches_within` says
    whether a step of it may compute those of several requests together all the same.
    `head` begins its description, `about` are further lines of that, each with what it is about; `asked_in` says where
    examples are answered.
    """

    name: str
    signature: Signature
    ask: Ask
    largest_batch: int
    batches_within: bool
    head: str
    about: tuple[tuple[str, str], ...]
    asked_in: str
