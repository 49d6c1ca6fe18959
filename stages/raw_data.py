"""Check that the chosen dataset is here, as its publisher made it, before anything else.

Cheap and never skipped: a missing or damaged file is named with the command that
mends it, and what killed stages left half-written is removed. It comes before minutes of
training, so it also builds the server's backend where nobody has, or says why that cannot be.

Reads   datasets/<dataset>/
Writes  reports/raw_data.json: the edition and its files
Run     python stages/raw_data.py
"""

from assay.ground.stage import run_stage

from dataclasses import asdict

from assay.ground.files import remove_abandoned, write_json
from assay.ground.paths import ARTIFACTS, DATASETS, REPORTS, ROOT
from assay.ground.process import StageError
from assay.learning.datasets import known_files
from assay.learning.formats.published import check_files
from assay.learning.loading import edition_in, remedy
from assay.servers import prepare
from assay.validation.schema import load_params


def main() -> None:
    if set("{}") & set(str(ROOT)):
        raise StageError(f"DVC takes the braces in the name of this folder for its own: rename or move {ROOT}")
    for place in (ARTIFACTS, REPORTS):
        remove_abandoned(place)
    params = load_params()
    prepare(params.triton)
    dataset = params.raw_data
    folder = DATASETS / dataset.name
    edition = edition_in(dataset, folder)
    check_files(folder, edition.files, known_files, remedy(dataset))
    found = {"dataset": dataset.name, "edition": edition.description, "files": [asdict(file) for file in edition.files]}
    write_json(REPORTS / "raw_data.json", found)
    print(f"{dataset.name}: {edition.description}")


if __name__ == "__main__":
    run_stage(main)
