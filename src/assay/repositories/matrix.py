"""The configurations of ONNX files that were exported here: each plainly, and the measured one in every cell."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tritonclient.grpc.model_config_pb2 import ModelConfig

from assay.ground.process import StageError
from assay.params.cells import Cell
from assay.params.matrix import DEFAULT_THREADS, default_threads_twin
from assay.serving.model_config import ModelShape, disagreements, read_config, serving_config, threads_for
from assay.serving.model_folder import CONFIG, parts_of_onnx, write_folder
from assay.serving.options import set_option
from assay.tensors.external_data import external_files


@dataclass(frozen=True)
class ServedCell:
    """A cell as it is served.

    `threads` are those of each instance, None for ONNX Runtime's own number; `option` is what it writes.
    """

    cell: Cell
    threads: int | None
    option: str = ""

    def set_option(self, config: ModelConfig) -> None:
        """Write the option over a configuration, if the cell has one; raises StageError where that cannot be."""
        if self.option:
            set_option(config, self.cell.option, self.option)


def served_cells(cells: Sequence[Cell], cores: int, options: Mapping[str, str]) -> dict[str, ServedCell]:
    """Return every cell by the name that it is served under, and the one with ONNX Runtime's own threads."""
    found = {
        cell.name: ServedCell(cell, cell.threads or threads_for(cell.instances, cores), options.get(cell.option, ""))
        for cell in cells
    }
    return found | {DEFAULT_THREADS: ServedCell(default_threads_twin(cells), None)}


def plain_configurations(
    exports: Sequence[Path], accelerators: Mapping[str, str | None], cores: int, max_batch_size: int
) -> dict[Path, list[ModelConfig]]:
    """Return a configuration for each export `<variant>/<name>.onnx`, in which it is served plainly."""
    return {
        path: [
            serving_config(
                f"{path.stem}-{path.parent.name}",
                ModelShape.read(path),
                threads=cores,
                max_batch_size=max_batch_size,
                accelerator=accelerators[path.parent.name],
            )
        ]
        for path in exports
    }


def cell_configuration(name: str, export: Path, served: ServedCell, accelerator: str | None) -> ModelConfig:
    """Return the configuration of an export in a cell.

    Options are ONNX Runtime's: what an accelerator computes has none. Raises StageError if one cannot be set.
    """
    cell = served.cell
    config = serving_config(
        name,
        ModelShape.read(export),
        threads=served.threads,
        instances=cell.instances,
        max_batch_size=cell.max_batch_size,
        batching=cell.batching,
        accelerator=accelerator,
    )
    if accelerator is None:
        served.set_option(config)
    return config


def write_models(repository: Path, later: Path, model: Path, configs: Sequence[ModelConfig]) -> None:
    """Write the folders of a model's configurations into a repository, which will stand at `later`.

    Raises StageError that names how one and its file disagree.
    """
    parts, shape = parts_of_onnx(model, external_files(model)), ModelShape.read(model)
    for config in configs:
        folder = repository / config.name
        write_folder(folder, config, parts, later / config.name)
        if found := disagreements(read_config(folder / CONFIG), shape):
            raise StageError(f"{folder.name}: config.pbtxt does not fit model.onnx: {'; '.join(found)}")
