"""Fetch a dataset into datasets/<name>, check all of it, and track it with DVC.

Run     python tools/fetch_dataset.py mnist                     from its public address
        python tools/fetch_dataset.py mnist --from FOLDER       from a folder, or a mirror's address
        python tools/fetch_dataset.py own --from FOLDER         one's own, as data.own describes it
"""

from assay.ground.stage import run_stage

import argparse
import contextlib
import os
import shutil
from pathlib import Path

from assay.ground.arguments import named
from assay.ground.files import beside
from assay.ground.numerals import agreeing, counted
from assay.ground.paths import DATASETS
from assay.ground.process import StageError
from assay.ground.quoting import listed, printable, without_secrets
from assay.learning import datasets, models
from assay.learning.datasets import Dataset, Edition, known_files
from assay.learning.datasets.own import files as own_files
from assay.learning.fetching.download import download
from assay.learning.fetching.remarks import remarks
from assay.learning.fetching.tracking import track
from assay.learning.formats.published import check_files
from assay.learning.loading import edition_in, load, too_rare
from assay.machine.lock import machine_shared
from assay.params import plugins
from assay.params.own import Description
from assay.validation.schema import Params, load_params, validate


def is_address(source: str) -> bool:
    """Return whether `source` is on the web rather than a folder."""
    return source.lower().startswith(("http://", "https://"))


def published_edition(dataset: Dataset, source: str | None) -> tuple[Edition, str]:
    """Return the edition to fetch and where from; raises StageError if there is no such place."""
    if source is None or is_address(source):
        edition = next((each for each in dataset.editions if each.address), dataset.editions[0])
        if not (source or edition.address):
            raise StageError(
                f"{dataset.name} names no address to download it from: give `--from` with the folder, or the address, "
                "that has its files"
            )
        return edition, source or str(edition.address)
    if not Path(source).is_dir():
        shown = without_secrets(source)
        raise StageError(f"--from {shown}: that is no folder, and no address that begins with http:// or https://")
    return edition_in(dataset, Path(source), "the folder must hold the published files"), source


def fetch_published(dataset: Dataset, source: str | None, folder: Path) -> None:
    """Copy or download a published dataset into an empty folder and verify it."""
    edition, origin = published_edition(dataset, source)
    shown = without_secrets(origin)
    for file in edition.files:
        print(f"{file.name}, {file.size / 1e6:,.1f} MB, from {shown}", flush=True)
        if is_address(origin):
            download(f"{origin.rstrip('/')}/{file.name}", folder / file.name, file.size)
        else:
            shutil.copyfile(Path(origin) / file.name, folder / file.name)
    check_files(folder, edition.files, known_files, f"nothing was kept of what {shown} has")


def check_folder(source: str | None) -> str:
    """Return the folder that `--from` names; raise StageError that says what it names in place of one."""
    if source is None:
        raise StageError("own needs `--from FOLDER`, the folder that your examples are in")
    shown = f"own needs a folder, and --from {printable(without_secrets(source))}"
    if is_address(source):
        raise StageError(f"{shown} is an address; download what is there into one")
    if not os.path.lexists(source):
        raise StageError(f"{shown} does not exist")
    if not Path(source).is_dir():
        found = "a file" if Path(source).is_file() else "none"
        raise StageError(f"{shown} is {found}; name the one that it is in, or put it into one of its own")
    return source


def fetch_own(given: str | None, own: Description, folder: Path) -> None:
    """Copy one's own files, those that their description stands for, into an empty folder."""
    source = check_folder(given)
    if folder.is_relative_to(Path(source).resolve()):
        raise StageError(f"--from {source} holds the folder that it would be copied to; name a folder of its own")
    origin = Path(source).absolute()
    paths = own_files(origin, own)
    if odd := [path for path in paths if not path.name.isprintable()]:
        it, name = agreeing(len(odd), "it", "them"), agreeing(len(odd), "such a name", "such names")
        shown = listed(str(path.relative_to(origin)) for path in odd)
        raise StageError(f"{shown}: rename {it}; DVC cannot track {name}")
    for path in paths:
        target = folder / path.relative_to(origin)
        target.parent.mkdir(exist_ok=True)
        shutil.copyfile(path, target)
    if hidden := [path for place in {origin, *(path.parent for path in paths)} for path in place.glob(".*")]:
        why = agreeing(len(hidden), "its name begins", "their names begin")
        print(f"left out, for {why} with a dot: {listed(sorted(path.name for path in hidden))}")


def changes(dataset: Dataset, params: Params) -> str:
    """Return the options with which an experiment takes a dataset: another model where the chosen one cannot."""
    for model in (params.model, *plugins.names(models)):
        with contextlib.suppress(StageError):
            validate({**params.model_dump(), "dataset": dataset.name, "model": model})
            return f"-S dataset={dataset.name}" + (f" -S model={model}" if model != params.model else "")
    return f"-S dataset={dataset.name}"


def is_here(dataset: Dataset) -> bool:
    """Return whether the published dataset is in its folder already, undamaged."""
    try:
        check_files(DATASETS / dataset.name, edition_in(dataset, DATASETS / dataset.name).files, known_files, "")
    except StageError:
        return False
    return not datasets.is_described(dataset.name)


def main() -> None:
    parser = argparse.ArgumentParser(description="Fetch a dataset, check it, and track it with DVC.")
    parser.add_argument("name", choices=plugins.names(datasets))
    parser.add_argument(
        "--from", dest="source", type=named, metavar="PLACE", help="a folder, or the address of a mirror"
    )
    given = parser.parse_args()
    params = load_params()
    own = params.data.own
    dataset = datasets.get(given.name, own)
    if dataset.bundled:
        raise StageError(f"{dataset.name} comes with this repository: `dvc pull data.dvc`")
    target = DATASETS / dataset.name
    with beside(target) as folder:
        if is_here(dataset):
            print(f"{dataset.name} is here already, undamaged: nothing is fetched")
            # DVC is given a copy, of whose files it may make links.
            shutil.copytree(target, folder, copy_function=shutil.copyfile)
        elif datasets.is_described(dataset.name):
            folder.mkdir()
            fetch_own(given.source, own, folder)
        else:
            folder.mkdir()
            fetch_published(dataset, given.source, folder)
        with machine_shared():
            examples = load(dataset, folder)
        track(folder, target)
    count = len(examples.y) + (len(examples.test[1]) if examples.test else 0)
    edition = edition_in(dataset, target).description
    print(f"{edition}: {counted(count, 'example')} of {len(dataset.classes)} classes, checked")
    for remark in remarks(examples.x, examples.y, examples.columns, *(examples.test or ())[:1]):
        print(remark)
    if why := too_rare(dataset, examples):
        print(f"nothing can be learned from it as it is: {why}")
    print(f"tracked by datasets/{dataset.name}.dvc")
    print(f'next: git add datasets && git commit -m "Add {dataset.name}", or queued experiments do not see it;')
    print(f"      dvc exp run {changes(dataset, params)}")


if __name__ == "__main__":
    run_stage(main)
