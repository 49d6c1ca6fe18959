"""A model in somebody's Triton repository: its folder, those of an ensemble's steps, and their configurations."""

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from google.protobuf import text_format
from tritonclient.grpc.model_config_pb2 import ModelConfig

from assay.ground.files import sha256_of
from assay.ground.process import StageError
from assay.ground.quoting import cut, listed, printable
from assay.serving.model_config import PYTHON_BACKEND, render
from assay.serving.model_folder import CONFIG

ENSEMBLE = "ensemble"
# What older configurations name a backend by.
_PLATFORMS = {
    "onnxruntime_onnx": "onnxruntime",
    "tensorrt_plan": "tensorrt",
    "tensorflow_graphdef": "tensorflow",
    "tensorflow_savedmodel": "tensorflow",
    "pytorch_libtorch": "pytorch",
}
_BY_FILE = {"model.onnx": "onnxruntime", "model.py": PYTHON_BACKEND, "model.plan": "tensorrt", "model.pt": "pytorch"}
_NAME = r"[A-Za-z0-9_][A-Za-z0-9_.-]*"
_LONGEST_WORDS = 200


@dataclass(frozen=True)
class Configured:
    """One model's folder, its configuration, and the number of the version that answers."""

    folder: Path
    config: ModelConfig
    version: int

    @property
    def name(self) -> str:
        """The name that it is served under."""
        return self.folder.name

    @property
    def is_ensemble(self) -> bool:
        """Whether it has steps in place of a computation of its own."""
        return bool(self.config.platform == ENSEMBLE or self.config.HasField("ensemble_scheduling"))

    @property
    def backend(self) -> str:
        """The backend that computes it, also where an older configuration names a platform."""
        platform: str = self.config.platform
        return str(self.config.backend) or _PLATFORMS.get(platform, platform)

    def files(self) -> dict[str, Path]:
        """Return its files by their places in the folder: of the version that answers, and what all versions share.

        Without its configuration, and what is hidden. Raises StageError if a link leads to a folder, or elsewhere.
        """
        return {place: path for place, path in self._all_files() if not _is_hidden(place)}

    def hidden(self) -> list[str]:
        """Return the places of its files that are left out, for they are hidden."""
        return [place for place, _ in self._all_files() if _is_hidden(place)]

    def _all_files(self) -> Iterator[tuple[str, Path]]:
        for path in sorted(self.folder.rglob("*")):
            place = path.relative_to(self.folder).as_posix()
            first, *_ = parts = place.split("/")
            if place == CONFIG or "__pycache__" in parts or (first.isdigit() and int(first) != self.version):
                continue
            if path.is_symlink() and path.is_dir():
                raise StageError(f"{self.name}/{printable(place)} is a link to a folder: put that folder in its place")
            if path.is_file():
                _check_inside(path, self.folder)
                yield place, path

    @property
    def is_a_program(self) -> bool:
        """Whether to serve it is to run its owner's code: a model in Python, or a backend that it brings."""
        return self.backend == PYTHON_BACKEND or any(name.endswith((".py", ".so")) for name in self.files())


@dataclass(frozen=True)
class RepositoryModel:
    """A model, and the steps that it sends requests through, if it is an ensemble."""

    model: Configured
    steps: tuple[Configured, ...] = ()

    @property
    def name(self) -> str:
        """The name of the model that is asked."""
        return self.model.name

    @property
    def every(self) -> tuple[Configured, ...]:
        """All models that a server needs, steps first."""
        return (*self.steps, self.model)

    def computing(self, step: str | None, family: str) -> Configured:
        """Return the model that instances, batches and threads are of: itself, or the step that params.yaml names.

        Raises StageError if none is named where there are several, or one that is not there; `family` is the section.
        """
        if not self.steps:
            if step is not None:
                raise StageError(
                    f"models.{family}.step names {step}, and {printable(self.name)} is no ensemble: set it to null"
                )
            return self.model
        names = [each.name for each in self.steps]
        if step is None and len(names) == 1:
            return self.steps[0]
        if step not in names:
            said = (
                f"there is no step {step}" if step else "which step instances, batches and threads are of is not said"
            )
            raise StageError(f"{said}: `dvc exp run` it with -S models.{family}.step=NAME, one of {listed(names)}")
        return self.steps[names.index(step)]


def digest_of(opened: RepositoryModel) -> str:
    """Return a digest of every file of a model and its steps, and of their configurations."""
    found = hashlib.sha256()
    for each in opened.every:
        found.update(render(each.config).encode())
        for place, path in each.files().items():
            found.update(f"{each.name}/{place} {sha256_of(path)}\n".encode())
    return found.hexdigest()


def open_repository(path: Path) -> RepositoryModel:
    """Open a model's folder, or a repository with one model and its steps.

    Raises StageError that says what is missing, or cannot be read.
    """
    if (path / CONFIG).is_file():
        return _with_steps(path.absolute())
    models = [each for each in sorted(path.iterdir()) if (each / CONFIG).is_file()]
    if not models:
        raise StageError(f"{printable(path)} holds no {CONFIG}, nor do the folders in it: a model's folder has one")
    taken = {step.model_name for each in models for step in _config(each).ensemble_scheduling.step}
    first = [each for each in models if each.name not in taken]
    if len(first) != 1:
        names = listed(each.name for each in first or models)
        raise StageError(f"{printable(path)} holds several models: name the folder of one of them, {names}")
    return _with_steps(first[0].absolute())


def _with_steps(folder: Path) -> RepositoryModel:
    model = _configured(folder)
    if not model.is_ensemble:
        return RepositoryModel(model)
    wanted: dict[str, set[int]] = {}
    for each in model.config.ensemble_scheduling.step:
        wanted.setdefault(each.model_name, set()).add(max(each.model_version, 0))  # none, or -1, is the newest
    if not wanted:
        raise StageError(f"{model.name} is an ensemble without steps")
    if missing := [name for name in wanted if not _is_a_name(name) or not (folder.parent / name / CONFIG).is_file()]:
        raise StageError(
            f"{model.name} sends requests through {listed(missing)}, and there is no such folder beside it"
        )
    if several := [name for name, versions in wanted.items() if len(versions) > 1]:
        raise StageError(
            f"{model.name} sends requests through several versions of {listed(several)}, which is not handled here"
        )
    steps = [_configured(folder.parent / name, asked_for=max(versions)) for name, versions in wanted.items()]
    if nested := [step.name for step in steps if step.is_ensemble]:
        raise StageError(f"{listed(nested)}, a step of {model.name}, is an ensemble, too, which is not handled here")
    return RepositoryModel(model, tuple(steps))


def _is_hidden(place: str) -> bool:
    return any(part.startswith(".") for part in place.split("/"))


def _check_inside(path: Path, folder: Path) -> None:
    """Raise StageError if a file is a link to what is not in the repository: bringing it would share that."""
    if not path.resolve().is_relative_to(folder.parent.resolve()):
        raise StageError(
            f"{printable(path.relative_to(folder.parent))} is a link to {printable(path.resolve())}, which is not in "
            "the repository and would come along: put a copy there if it belongs to the model"
        )


def _is_a_name(name: str) -> bool:
    return bool(name) and name not in (".", "..") and "/" not in name


def _configured(folder: Path, asked_for: int = 0) -> Configured:
    """Return a model's folder with the version that answers, or that an ensemble asks for, if it names one."""
    if not re.fullmatch(_NAME, folder.name):
        raise StageError(
            f"{printable(folder.name)} is no name that every server takes: call the folder by letters, digits and "
            "_.- alone"
        )
    config = _config(folder)
    if config.name not in ("", folder.name):
        raise StageError(f"{folder.name}/{CONFIG} is that of {config.name}: a model is called as its folder is")
    config.name = folder.name
    versions = sorted(int(each.name) for each in folder.iterdir() if each.is_dir() and each.name.isdigit())
    if 0 in versions:
        versions.remove(0)
    if not versions:
        raise StageError(f"{folder.name} has no version: a model's files are in a folder called 1, or another number")
    served = _served(folder.name, config, versions)
    if asked_for and asked_for not in served:
        raise StageError(
            f"version {asked_for} of {folder.name}, which an ensemble sends requests through, is not served: by its "
            f"version_policy these are: {', '.join(map(str, served))}"
        )
    version = asked_for or max(served)
    if not (config.backend or config.platform or config.HasField("ensemble_scheduling")):
        # As Triton does, by the name of the file.
        there = [backend for name, backend in _BY_FILE.items() if (folder / str(version) / name).is_file()]
        config.backend = there[0] if there else ""
    return Configured(folder, config, version)


def _served(name: str, config: ModelConfig, versions: Sequence[int]) -> list[int]:
    """Return the versions that a server loads, of those that there are, in order: the newest alone without a policy."""
    stated = sorted(config.version_policy.specific.versions)
    if missing := [version for version in stated if version not in versions]:
        raise StageError(f"{name} serves version {missing[0]} by its version_policy, and has no folder {missing[0]}")
    if stated:
        return stated
    if config.version_policy.HasField("all"):
        return list(versions)
    return list(versions)[-max(config.version_policy.latest.num_versions, 1) :]


def _config(folder: Path) -> ModelConfig:
    config = ModelConfig()
    try:
        text_format.Parse((folder / CONFIG).read_text(encoding="utf-8"), config)
    except (text_format.ParseError, UnicodeDecodeError) as error:
        said = cut(printable(" ".join(str(error).split())), _LONGEST_WORDS)
        raise StageError(f"{printable(folder.name)}/{CONFIG} is no configuration of a model: {said}") from None
    return config
