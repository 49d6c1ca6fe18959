"""What may be wrong with a server that answers, where somebody further up knows more about it."""

from assay.ground.process import StageError


class LateError(StageError):
    """An answer did not come in time: what was asked for may happen all the same."""


class ServedOtherwiseError(StageError):
    """A model of a name of ours has another configuration than ours, or other answers."""

    def __init__(self, model: str, sentence: str) -> None:
        super().__init__(sentence)
        self.model = model
