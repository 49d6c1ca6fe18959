"""Ensembles that answer with the names of classes, one for each variant, and the step that they share."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from assay.ground.files import write_text
from assay.ground.paths import STEPS
from assay.params.cells import CLASSIFIER
from assay.serving.ensemble import LABEL, ensemble_config, ensemble_name, label_config
from assay.serving.model_config import read_config, render
from assay.serving.model_folder import CONFIG


def write_ensembles(repository: Path, variants: Sequence[str], classes: Sequence[str], top_k: int) -> int:
    """Write an ensemble for each variant whose classifier stands there, and their step; return how many folders."""
    classifiers = [read_config(repository / f"{CLASSIFIER}-{variant}" / CONFIG) for variant in variants]
    label = label_config(classes, top_k, classifiers[0].max_batch_size)
    shutil.copytree(STEPS / LABEL, repository / LABEL, ignore=shutil.ignore_patterns("__pycache__"))
    write_text(repository / LABEL / CONFIG, render(label))
    for variant, classifier in zip(variants, classifiers, strict=True):
        folder = repository / ensemble_name(variant)
        # Triton wants a version; an empty folder would get lost in DVC's cache.
        write_text(folder / "1" / "README", "An ensemble has no files of its own.\n")
        write_text(folder / CONFIG, render(ensemble_config(variant, classifier, top_k)))
    return 1 + len(variants)
