"""Serve every export of a variant and check its configuration and answers.

Reads   artifacts/model_repository/<export>-<variant>/, artifacts/data/test.npz; labelled-<variant>/
        and label/ beside them, if `labels` asks for names of classes
Writes  reports/serving/<variant>.json: largest difference from ONNX Runtime on
        batches of 1, 3 and the maximum, over HTTP and gRPC
Run     python stages/serving.py fp32
"""

from assay.ground.stage import argument, run_stage

from assay.ground.files import write_json
from assay.ground.paths import MODEL_REPOSITORY, ONNX, REPOSITORY, SERVING
from assay.machine.lock import machine_shared
from assay.params.cells import CLASSIFIER
from assay.servers import reference_answers, serve
from assay.serving.answers import check_answers, check_effective_config, check_labels
from assay.serving.ensemble import LABEL, ensemble_name
from assay.serving.model_config import input_names
from assay.serving.model_folder import with_steps
from assay.tensors.arrays import read_inputs
from assay.validation.schema import load_params


def main() -> None:
    params = load_params()
    variant = argument(params.onnx.variants)
    models = [*sorted((ONNX / variant).glob("*.onnx")), *(ONNX / variant).glob(f"*{REPOSITORY}")]
    folders = {MODEL_REPOSITORY / f"{path.stem}-{variant}": path for path in models}
    labelled = MODEL_REPOSITORY / ensemble_name(variant)
    ensemble = [MODEL_REPOSITORY / LABEL, labelled] if params.labels.top_k else []
    checked = {}
    with machine_shared():
        examples = {folder: read_inputs(path, input_names(folder)) for folder, path in folders.items()}
        references = {
            folder: reference_answers(folder, each, params.triton, params.timeouts) for folder, each in examples.items()
        }
    with machine_shared(), serve([*with_steps(folders), *ensemble], params.triton, params.timeouts) as server:
        for folder, reference in references.items():
            check_effective_config(server, folder)
            checked[folder.name] = check_answers(server, folder, examples[folder], reference)
            worst = max(max(sizes.values()) for sizes in checked[folder.name].values())
            whose = "ONNX Runtime's" if reference is None else "its owner's configuration's"
            print(f"{folder.name}: answers over HTTP and gRPC equal {whose} within {worst:.2g}")
        for folder in ensemble:
            check_effective_config(server, folder)
        if ensemble:
            classifier = MODEL_REPOSITORY / f"{CLASSIFIER}-{variant}"
            check_labels(server, labelled, classifier, params.raw_data.classes, examples[classifier])
            print(f"{labelled.name}: labels over HTTP and gRPC are the likeliest classes")
    write_json(SERVING / f"{variant}.json", checked)


if __name__ == "__main__":
    run_stage(main)
