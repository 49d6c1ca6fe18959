"""The files that were brought, in a folder of their own: the model's, and those of its samples."""

from dataclasses import dataclass
from pathlib import Path

from assay.ground.files import shown
from assay.ground.paths import BROUGHT
from assay.ground.process import StageError
from assay.learning.bringing.examples import Asked
from assay.learning.formats.published import RawFile, files_in

# What is in the folder: the ONNX file, with weights beside it, and what it is asked.
MODEL, SAMPLES = "onnx", "samples"
INPUTS, LABELS, LINES = "inputs.npz", "labels.npy", "lines"
REMEDY = "bring one with `python -m assay.bring MODEL.onnx`"


@dataclass(frozen=True)
class Brought:
    """The paths in a folder that a model was brought into."""

    folder: Path

    @property
    def model(self) -> Path:
        """The ONNX file; raises StageError if there is not one."""
        found = sorted((self.folder / MODEL).glob("*.onnx"))
        if len(found) != 1:
            tracked = self.folder.with_name(f"{self.folder.name}.dvc")
            pull = f"run `dvc pull {shown(tracked)}`, or " if tracked.exists() else ""
            raise StageError(f"{shown(self.folder)} holds no model; {pull}{REMEDY}")
        return found[0]

    @property
    def inputs(self) -> Path | None:
        """The samples, None where inputs are to be made."""
        return self._sample(INPUTS)

    @property
    def labels(self) -> Path | None:
        """The labels of the samples, None if there are none."""
        return self._sample(LABELS)

    def text(self, name: str) -> Path:
        """Return a text file whose lines are inputs; raises StageError if it was not brought."""
        path = self.folder / SAMPLES / LINES / name
        if not path.is_file():
            raise StageError(
                f"{shown(path)} is missing, of whose lines models.*.inputs makes inputs; "
                f"bring it with the model: `--set NAME=lines {name}`"
            )
        return path

    def _sample(self, name: str) -> Path | None:
        path = self.folder / SAMPLES / name
        return path if path.is_file() else None

    def files(self) -> list[RawFile]:
        """Return all that is there, with its digests."""
        return files_in(self.folder)

    @property
    def asked(self) -> Asked:
        """What the model is asked."""
        return Asked(self.inputs, self.labels, self.text)


def brought_here() -> Brought:
    """Return what was brought into this workspace."""
    return Brought(BROUGHT)
