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
import shutil
from pathlib import Path

from tritonclient.grpc.model_config_pb2 import ModelConfig

from assay.ground.files import replacing_directory, write_text
from assay.ground.paths import ANCHOR, MACHINE, MODEL_REPOSITORY, ONNX, PARITY, REPORTS, STEPS
from assay.ground.process import StageError
from assay.ground.records.checking import read_record
from assay.ground.records.learned import LEARNED_FROM, as_text, learned
from assay.ground.records.prepared import MEASURED, Data, Exports, Machine, measured_name
from assay.learning.bringing.fitting import check_batch_safe
from assay.machine.cores import server_cores
from assay.machine.lock import machine_shared
from assay.params.cells import CLASSIFIER, Cell
from assay.params.matrix import ANCHOR_COPY, DEFAULT_THREADS, default_threads_twin
from assay.serving.ensemble import LABEL, ensemble_config, ensemble_name, label_config
from assay.serving.model_config import ModelShape, disagreements, read_config, render, serving_config, threads_for
from assay.serving.model_folder import CONFIG, parts_of_onnx, write_folder
from assay.tensors.external_data import external_files
from assay.validation.schema import Params, load_params


def configurations(params: Params, usable_cores: int) -> dict[Path, list[ModelConfig]]:
    """Return the configurations in which each ONNX file is to be served.

    Raises StageError if the load generator's cores leave none for the server, or neighbours would change an answer.
    """
    cores = server_cores(params.triton, params.load.client_cores, usable_cores)
    exports = {path: ModelShape.read(path) for v in params.onnx.variants for path in exported(v)}
    records = {v: read_record(PARITY / f"{v}.json", Exports) for v in params.onnx.variants}
    measured = measured_name(records[params.onnx.variants[0]])
    for variant, record in records.items():
        check_batch_safe(variant, record[measured]["batch"], params.perf, params.hyperparameters, params.model)
    accelerators = {variant: record[measured]["accelerator"] for variant, record in records.items()}
    served: dict[Path, list[ModelConfig]] = {
        path: [
            serving_config(
                f"{path.stem}-{path.parent.name}",
                shape,
                threads=cores,
                max_batch_size=max(params.perf.max_batch_size),
                accelerator=accelerators[path.parent.name],
            )
        ]
        for path, shape in exports.items()
    }

    def add(name: str, cell: Cell, threads: int | None) -> None:
        path = ONNX / cell.variant / f"{measured}.onnx"
        config = serving_config(
            name,
            exports[path],
            threads=threads,
            instances=cell.instances,
            max_batch_size=cell.max_batch_size,
            batching=cell.batching,
            accelerator=accelerators[cell.variant],
        )
        served[path].append(config)

    for cell in params.cells:
        add(cell.name, cell, threads=threads_for(cell.instances, cores))
    add(DEFAULT_THREADS, default_threads_twin(params.cells), threads=None)
    return served


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


def write_models(repository: Path, model: Path, configs: list[ModelConfig]) -> None:
    """Write the folders of a model's configurations; raises StageError that names how one and its file disagree."""
    parts, shape = parts_of_onnx(model, external_files(model)), ModelShape.read(model)
    for config in configs:
        folder = repository / config.name
        write_folder(folder, config, parts, later=MODEL_REPOSITORY / config.name)
        if found := disagreements(read_config(folder / CONFIG), shape):
            raise StageError(f"{folder.name}: config.pbtxt does not fit model.onnx: {'; '.join(found)}")


def write_ensembles(repository: Path, params: Params) -> int:
    """Write an ensemble for each variant, and the step that they share; return how many folders."""
    top_k, variants_ = params.labels.top_k, params.onnx.variants
    if top_k is None:
        return 0
    classifiers = [read_config(repository / f"{CLASSIFIER}-{variant}" / "config.pbtxt") for variant in variants_]
    label = label_config(params.raw_data.classes, top_k, classifiers[0].max_batch_size)
    shutil.copytree(STEPS / LABEL, repository / LABEL, ignore=shutil.ignore_patterns("__pycache__"))
    write_text(repository / LABEL / "config.pbtxt", render(label))
    for variant, classifier in zip(variants_, classifiers, strict=True):
        folder = repository / ensemble_name(variant)
        # Triton wants a version; an empty folder would get lost in DVC's cache.
        write_text(folder / "1" / "README", "An ensemble has no files of its own.\n")
        write_text(folder / "config.pbtxt", render(ensemble_config(variant, classifier, top_k)))
    return 1 + len(variants_)


def anchors() -> list[ModelConfig]:
    """Return the configurations of the anchor and of its copy."""
    found = [read_config(ANCHOR / "config.pbtxt") for _ in range(2)]
    found[1].name = ANCHOR_COPY
    return found


def main() -> None:
    params = load_params()
    usable_cores = read_record(MACHINE, Machine)["usable_cores"]
    with machine_shared(), replacing_directory(MODEL_REPOSITORY) as repository:
        exports = configurations(params, usable_cores)
        for model, (plain, *_) in exports.items():
            if model.stem in MEASURED:  # and no cell: what is measured stays the same under other names
                say_what_was_learned(plain)
        served = {**exports, ANCHOR / "1" / "model.onnx": anchors()}
        for model, configs in served.items():
            write_models(repository, model, configs)
        count = sum(map(len, served.values())) + write_ensembles(repository, params)
    print(f"{count} models written to {MODEL_REPOSITORY.relative_to(MODEL_REPOSITORY.parent.parent)}")


if __name__ == "__main__":
    run_stage(main)
