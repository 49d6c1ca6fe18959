"""Check that the chosen dataset is here, as its publisher made it, before anything else.

Cheap and never skipped: a missing or damaged file is named with the command that
mends it, and what killed stages left half-written is removed. It comes before minutes of
training, so it also builds the server's backend where nobody has, or says why that cannot be.

Reads   datasets/<dataset>/
Writes  reports/raw_data.json: the edition and its files
Run     python stages/raw_data.py
"""

import sys

if sys.flags.safe_path:
    sys.exit("error: Python does not find what lies beside a script: unset PYTHONSAFEPATH, or start it without -P")

from runtime.stage import run_stage

from dataclasses import asdict

from datasets import known_files
from parameters.schema import load_params
from runtime.files import remove_abandoned, write_json
from runtime.paths import ARTIFACTS, DATASETS, REPORTS, ROOT
from runtime.process import StageError
from server.serve import prepare
from sources.files import check_files


def main() -> None:
    if set("{}") & set(str(ROOT)):
        raise StageError(f"DVC takes the braces in the name of this folder for its own: rename or move {ROOT}")
    for place in (ARTIFACTS, REPORTS):
        remove_abandoned(place)
    params = load_params()
    prepare(params.triton)
    dataset = params.raw_data
    folder = DATASETS / dataset.name
    edition = dataset.edition_in(folder)
    check_files(folder, edition.files, known_files, dataset.remedy)
    found = {"dataset": dataset.name, "edition": edition.description, "files": [asdict(file) for file in edition.files]}
    write_json(REPORTS / "raw_data.json", found)
    print(f"{dataset.name}: {edition.description}")


if __name__ == "__main__":
    run_stage(main)
