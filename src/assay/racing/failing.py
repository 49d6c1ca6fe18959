"""Which configurations a server's words are about."""

from collections.abc import Sequence

from assay.ground.process import StageError
from assay.ground.quoting import cut
from assay.measuring.bench import Candidate
from assay.serving.failures import ServedOtherwiseError
from assay.serving.model_folder import STEPS

_LONGEST_REASON = 300


def named_in(error: StageError, candidates: Sequence[Candidate]) -> list[str]:
    """Return the configurations that an error is about, as far as it says."""
    if isinstance(error, ServedOtherwiseError):
        return [each.name for each in candidates if error.model in _served(each)]
    return [each.name for each in candidates if any(f"'{served}'" in str(error) for served in _served(each))]


def reason(error: StageError, candidate: Candidate) -> str:
    """Return what is said of a configuration: the line that names it among a server's words, or the first."""
    lines = [line.strip() for line in str(error).splitlines()]
    about = (line for line in lines if any(f"'{served}'" in line for served in _served(candidate)))
    return cut(next(about, lines[0]), _LONGEST_REASON)


def _served(candidate: Candidate) -> list[str]:
    """Return the names that a server has a configuration by: its own, and those of an ensemble's steps."""
    return [candidate.name, *(step.name for step in (candidate.folder / STEPS).glob("*/"))]
