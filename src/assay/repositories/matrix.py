"""The configurations of ONNX files that were exported here: each plainly, and the measured one in every cell."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from tritonclient.grpc.model_config_pb2 import ModelConfig

from assay.ground.process import StageError
from assay.params.cells import Cell
from assay.params.matrix import DEFAULT_THREADS, default_threads_twin
from assay.serving.model_config import ModelShape, disagreements, read_config, serving_config, threads_for
from assay.serving.model_folder import CONFIG, parts_of_onnx, write_folder
from assay.tensors.external_data import external_files

# A cell, and the threads of its instances together, None for ONNX Runtime's own number.
Threaded = tuple[Cell, int | None]


def threaded(cells: Sequence[Cell], cores: int) -> dict[str, Threaded]:
    """Return every cell by the name that it is served under, and the one with ONNX Runtime's own threads."""
    found: dict[str, Threaded] = {cell.name: (cell, cores) for cell in cells}
    return found | {DEFAULT_THREADS: (default_threads_twin(cells), None)}


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


def cell_configuration(
    name: str, export: Path, cell: Cell, threads: int | None, accelerator: str | None
) -> ModelConfig:
    """Return the configuration of an export in a cell; `threads` are those of all instances together."""
    return serving_config(
        name,
        ModelShape.read(export),
        threads=None if threads is None else threads_for(cell.instances, threads),
        instances=cell.instances,
        max_batch_size=cell.max_batch_size,
        batching=cell.batching,
        accelerator=accelerator,
    )


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
