"""Write a portable Triton model repository: every serving configuration of every variant.

Folders name the model's files, which servers started here get by links; tools/model_repository.py adds them for others.

Reads   artifacts/onnx/, reports/onnx/, triton/anchor/, usable cores in reports/machine.json, reports/data.json
Writes  artifacts/model_repository/, a folder each:
        <cell>: one for each cell of the matrix, and default_threads: one with ONNX Runtime's own threads
        <export>-<variant>: each export, to be served plainly; a classifier's says what it learned from
        labelled-<variant>, label: an ensemble that answers with names of classes, and its second step, if asked for
        anchor, anchor_copy: what cells are measured beside, for servers that take a whole repository
Run     python stages/triton_config.py
"""

from assay.ground.stage import run_stage

import errno
from pathlib import Path

from tritonclient.grpc.model_config_pb2 import ModelConfig

from assay.ground.files import replacing_directory
from assay.ground.paths import ANCHOR, FIRST_ANSWERS, MACHINE, MODEL_REPOSITORY, ONNX, PARITY, REPORTS, REPOSITORY
from assay.ground.records.checking import read_record
from assay.ground.records.learned import LEARNED_FROM, as_text, learned
from assay.ground.records.prepared import MEASURED, Data, Exports, Machine, measured, measured_name
from assay.learning.bringing.fitting import check_batch_safe
from assay.machine.cores import server_cores
from assay.machine.lock import machine_shared
from assay.params.matrix import ANCHOR_COPY
from assay.repositories.cells import write_matrix
from assay.repositories.labelled import write_ensembles
from assay.repositories.matrix import ServedCell, cell_configuration, plain_configurations, served_cells, write_models
from assay.repositories.opening import open_repository
from assay.serving.model_config import read_config
from assay.serving.model_folder import CONFIG
from assay.validation.schema import Params, load_params


def say_what_was_learned(config: ModelConfig) -> None:
    """Let a classifier's configuration say what its scores stand for, to whoever asks the server that has it."""
    if "class_counts" in (data := read_record(REPORTS / "data.json", Data)):  # who brought a model knows what it means
        config.parameters[LEARNED_FROM].string_value = as_text(learned(data))


def exported(variant: str) -> list[Path]:
    """Return the ONNX files of a variant; raises FileNotFoundError without the one whose serving is measured."""
    found = sorted((ONNX / variant).glob("*.onnx"))
    if not {path.stem for path in found}.intersection(MEASURED):
        raise FileNotFoundError(errno.ENOENT, "no such file", str(ONNX / variant / f"{MEASURED[0]}.onnx"))
    return found


def write_exports(repository: Path, records: dict[str, Exports], params: Params, cores: int) -> None:
    """Write how every ONNX file is served plainly, and the measured one in every cell."""
    name = measured_name(records[params.onnx.variants[0]])
    accelerators = {variant: measured(record)["accelerator"] for variant, record in records.items()}
    exports = [path for variant in params.onnx.variants for path in exported(variant)]
    served = plain_configurations(exports, accelerators, cores, max(params.perf.max_batch_size))
    for model, (plain,) in served.items():
        if model.stem == name:  # and no cell: what is measured stays the same under other names
            say_what_was_learned(plain)
    for cell_name, each in served_cells(params.cells, cores, params.options).items():
        path = ONNX / each.cell.variant / f"{name}.onnx"
        served[path].append(cell_configuration(cell_name, path, each, accelerators[each.cell.variant]))
    for model, configs in served.items():
        write_models(repository, MODEL_REPOSITORY, model, configs)
    if params.labels.top_k:
        write_ensembles(repository, params.onnx.variants, params.raw_data.classes, params.labels.top_k)


def write_as_configured(repository: Path, owners: Path, params: Params, cores: int) -> None:
    """Write how the owner of a repository's model serves it, and every cell of it."""
    opened = open_repository(owners)
    computing = opened.computing(getattr(params.hyperparameters, "step", None), params.model)
    cells: dict[str, ServedCell | None] = {f"{owners.stem}-{owners.parent.name}": None}
    for name, cell in served_cells(params.cells, cores, params.options).items():
        cells[name] = None if getattr(params.hyperparameters, "as_configured", False) else cell
    write_matrix(repository, MODEL_REPOSITORY, opened, computing, cells, first_answers=owners / FIRST_ANSWERS)


def anchors() -> list[ModelConfig]:
    """Return the configurations of the anchor and of its copy."""
    found = [read_config(ANCHOR / CONFIG) for _ in range(2)]
    found[1].name = ANCHOR_COPY
    return found


def main() -> None:
    params = load_params()
    cores = server_cores(params.triton, params.load.client_cores, read_record(MACHINE, Machine)["usable_cores"])
    records = {variant: read_record(PARITY / f"{variant}.json", Exports) for variant in params.onnx.variants}
    for variant, record in records.items():
        check_batch_safe(variant, measured(record)["batch"], params.perf, params.hyperparameters, params.model)
    with machine_shared(), replacing_directory(MODEL_REPOSITORY) as repository:
        if (owners := ONNX / params.onnx.variants[0] / REPOSITORY).is_dir():
            write_as_configured(repository, owners, params, cores)
        else:
            write_exports(repository, records, params, cores)
        write_models(repository, MODEL_REPOSITORY, ANCHOR / "1" / "model.onnx", anchors())
        count = sum(path.is_dir() for path in repository.iterdir())
    print(f"{count} models written to {MODEL_REPOSITORY.relative_to(MODEL_REPOSITORY.parent.parent)}")


if __name__ == "__main__":
    run_stage(main)
