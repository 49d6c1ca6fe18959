"""Check that the chosen dataset, or the model that was brought, is here and whole, before anything else.

Cheap and never skipped: a missing or damaged file is named with the command that
mends it, and what killed stages left half-written is removed. It comes before minutes of
training, so it also builds the server's backend where nobody has, or says why that cannot be.

Reads   datasets/<dataset>/, or brought/model/
Writes  reports/raw_data.json: the edition and its files; of a model, what it is to be asked
Run     python stages/raw_data.py
"""

from assay.ground.stage import run_stage

from dataclasses import asdict
from typing import Any

from assay.ground.files import remove_abandoned, write_json
from assay.ground.paths import ARTIFACTS, DATASETS, RAW_DATA, REPORTS, ROOT
from assay.ground.process import StageError
from assay.learning import models
from assay.learning.bringing.fitting import check_configured, check_fits
from assay.learning.bringing.folder import brought_here
from assay.learning.bringing.limits import check_limits
from assay.learning.datasets import known_files
from assay.learning.formats.published import check_files, files_in
from assay.learning.loading import edition_in, remedy
from assay.params.triton import BACKEND
from assay.servers import prepare
from assay.serving.options import check_options
from assay.validation.schema import Params, load_params


def of_dataset(params: Params) -> dict[str, Any]:
    """Return what is there of a dataset; raises StageError if a file is missing, or not the published one."""
    dataset = params.raw_data
    folder = DATASETS / dataset.name
    edition = edition_in(dataset, folder)
    check_files(folder, edition.files, known_files, remedy(dataset))
    files = edition.files or files_in(folder)  # one's own examples are as nobody has published them
    return {"dataset": dataset.name, "edition": edition.description, "files": list(map(asdict, files))}


def of_model(params: Params) -> dict[str, Any]:
    """Return what is there of a model that was brought; raises StageError if params.yaml asks what it cannot do."""
    brought = brought_here()
    unbatchable, more = brought.signature.unbatchable, dict[str, Any]()
    if brought.found:
        from assay.repositories.fitting import check_measured_as_it_is

        unbatchable, more["computing"] = check_measured_as_it_is(
            brought.model, params.hyperparameters, params.model, params.onnx.variants, params.perf
        )
    else:
        check_configured(params.hyperparameters, params.model)
    if more.get("computing", {}).get("backend", BACKEND) == BACKEND:
        check_options(params.perf.options, params.options)
    check_fits(
        unbatchable,
        params.perf,
        sampled=brought.inputs is not None,
    )
    check_limits(params.perf.slo, brought.signature, labelled=brought.labels is not None)
    return {
        "model": params.model,
        "edition": brought.name,
        "files": list(map(asdict, brought.files())),
        "inputs": params.hyperparameters.model_dump(include={"inputs"})["inputs"],
        "shapes": params.perf.shapes,
        **more,
    }


def main() -> None:
    if set("{}") & set(str(ROOT)):
        raise StageError(f"DVC takes the braces in the name of this folder for its own: rename or move {ROOT}")
    for place in (ARTIFACTS, REPORTS):
        remove_abandoned(place)
    params = load_params()
    prepare(params.triton)
    found = of_model(params) if models.get(params.model).brought else of_dataset(params)
    write_json(RAW_DATA, found)
    print(f"{found.get('dataset', params.model)}: {found['edition']}")


if __name__ == "__main__":
    run_stage(main)
