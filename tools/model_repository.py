"""Put a whole model repository together, for a server that is not started here, such as NVIDIA's container.

What stands in artifacts/model_repository/ are configurations that name their models' files; here each folder gets
them: by hard links, or where the file system has none, one copy a model.

Reads   artifacts/model_repository/, artifacts/onnx/, triton/anchor/
Writes  the folder that is named, which must be new or empty
Run     python tools/model_repository.py FOLDER [NAME ...]
        docker run --rm --net host --volume FOLDER:/models:ro IMAGE tritonserver --model-repository=/models
"""

from assay.ground.stage import run_stage

import argparse
from pathlib import Path

from assay.ground.arguments import named
from assay.ground.files import beside, take_place
from assay.ground.numerals import counted
from assay.ground.paths import MODEL_REPOSITORY
from assay.ground.process import StageError
from assay.ground.quoting import listed
from assay.serving.model_config import read_config
from assay.serving.model_folder import CONFIG, check_files, check_listed, put_together, served_name, with_steps


def chosen(names: list[str]) -> list[Path]:
    """Return the folders of some models, with their steps, of all if none are named.

    Raises StageError if one is not there.
    """
    there = {path.name: path for path in sorted(MODEL_REPOSITORY.glob("*")) if path.is_dir()}
    # As its owner configured it, a model is called otherwise than its folder, and several are the same.
    called = {served_name(path): path for path in there.values()} | there
    if not there:
        raise StageError("artifacts/model_repository/ holds no models; `dvc repro triton-config` makes them")
    if missing := [name for name in names if name not in called]:
        raise StageError(f"artifacts/model_repository/ has no {listed(missing)}; it has {listed(there)}")
    wanted = dict.fromkeys(names or there)
    for name in tuple(wanted):
        for step in read_config(called[name] / CONFIG).ensemble_scheduling.step:
            if step.model_name in there:  # those of a model of a repository stand in its own folder
                wanted[step.model_name] = None
    return list({served_name(each): each for each in with_steps(called[name] for name in wanted)}.values())


def main() -> None:
    """Put together what was typed."""
    parser = argparse.ArgumentParser(description="Put a whole model repository together.")
    parser.add_argument("folder", type=named, help="a folder that is new or empty")
    parser.add_argument("names", nargs="*", type=named, metavar="NAME", help="models; all without")
    given = parser.parse_args()
    target, folders = Path(given.folder), chosen(given.names)
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        what = "is not empty" if target.is_dir() else "is no folder"
        raise StageError(f"{given.folder} {what}; name a folder that is new or empty")
    check_listed(folders)
    check_files(folders)
    with beside(target) as partial:
        put_together(folders, partial)
        partial.chmod(0o755)  # a container's user reads it
        take_place(partial, target)
    print(f"{counted(len(folders), 'model')} put together in {given.folder}")


if __name__ == "__main__":
    run_stage(main)
