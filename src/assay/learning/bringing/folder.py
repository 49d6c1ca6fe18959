"""The files that were brought, in a folder of their own: the model's, and those of its samples."""

from dataclasses import dataclass
from pathlib import Path

from assay.ground.files import shown
from assay.ground.paths import BROUGHT, FOUND, REPOSITORY
from assay.ground.process import StageError
from assay.ground.records.checking import read_record
from assay.ground.records.prepared import Found
from assay.learning.bringing.examples import Asked
from assay.learning.formats.published import RawFile, files_in
from assay.tensors.signature import Signature, Tensor

# What is in the folder: the ONNX file, weights beside it, or folders of a Triton repository; and what it is asked.
MODEL, SAMPLES = "onnx", "samples"
INPUTS, LABELS, LINES = "inputs.npz", "labels.npy", "lines"
# What a repository's model answered when it was brought, where there are labels.
ANSWERS = "answers.npz"
REMEDY = "bring one with `python -m assay.bring MODEL`"


@dataclass(frozen=True)
class Brought:
    """The paths in a folder that a model was brought into."""

    folder: Path

    @property
    def found(self) -> Found | None:
        """What was found of a repository's model, None of an ONNX file."""
        path = self.folder / REPOSITORY / FOUND
        return read_record(path, Found) if path.is_file() else None

    @property
    def name(self) -> str:
        """What the model is called: as its file, or as a server calls it."""
        return self.found["model"] if self.found else self.model.name

    @property
    def signature(self) -> Signature:
        """What the model takes and gives."""
        if (found := self.found) is None:
            return Signature.read(self.model)
        inputs, outputs = (
            tuple(Tensor(each["name"], each["datatype"], tuple(each["axes"])) for each in tensors)
            for tensors in (found["inputs"], found["outputs"])
        )
        return Signature(inputs, outputs, found["without_batches"])

    @property
    def model(self) -> Path:
        """The ONNX file, or the folder of a repository; raises StageError if there is not one."""
        found = sorted([*(self.folder / MODEL).glob("*.onnx"), *self.folder.glob(REPOSITORY)])
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
