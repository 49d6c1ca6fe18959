"""Say what was measured: a family on its dataset, or the model that was brought and what it was asked."""

from collections.abc import Sequence
from typing import Any

from assay.ground.numerals import counted
from assay.params.triton import BACKEND
from assay.telling.results import Results
from assay.telling.variants_table import VariantRow, batches_in_words

MEGABYTE = 1e6


def about_the_model(
    results: Results, model: str, dataset: str, rows: Sequence[VariantRow], largest_batch: int
) -> dict[str, Any]:
    """Return what the templates say of the model: its name, its origin, its variants, and how good their answers are.

    It was `brought` or trained here; it is `judged` where there are labels. The matrix has batches of up to
    `largest_batch`.
    """
    batches = batches_in_words(rows, largest_batch)
    return {
        "subject": subject_in_words(results, model),
        "taken_from": taken_from_in_words(results, dataset),
        "measured": measured_in_words(results, rows, batches) if "model" in results.raw_data else "",
        "brought": "model" in results.raw_data,
        "step": _step(results),
        "compared_with": "the answers of its owner's configuration"
        if "computing" in results.raw_data
        else "ONNX Runtime's",
        "judged": rows[0].accuracy is not None,
        "variants": rows,
        "batches": batches,
    }


def backend_of(results: Results) -> str:
    """Return the backend that the matrix's axes are written for, empty where the owner's configuration is measured."""
    computing = results.raw_data.get("computing")
    if computing is None:
        return BACKEND
    return "" if computing["as_configured"] else str(computing["backend"])


def _step(results: Results) -> str | None:
    """Return the step of an ensemble that the matrix's axes are of."""
    computing = results.raw_data.get("computing")
    return computing["name"] if computing and computing["step"] else None


def subject_in_words(results: Results, model: str) -> str:
    """Return the title of the report, as in `mlp on digits` or `own: magika.onnx`."""
    if "model" in results.raw_data:
        return f"{model}: {results.raw_data['edition']}"
    return f"{model} on {results.raw_data['dataset']}"


def measured_in_words(results: Results, rows: Sequence[VariantRow], batches: Sequence[str]) -> str:
    """Say what figures of a model that was brought are of: its size, in its first variant, shapes, batch safety."""
    size = rows[0].export["file_bytes"]
    shown = f"{size / MEGABYTE:,.1f} MB" if size >= MEGABYTE / 10 else f"{size / 1e3:,.1f} kB"
    asked = ", ".join(f"{name} {shape}" for name, shape in results.data["shapes"].items())
    return " ".join([f"Measured: {shown}, one example of {asked} a request.", *batches])


def taken_from_in_words(results: Results, dataset: str) -> str:
    """Say what the model was learned from; of one that was brought, what it was asked, and that no dataset was."""
    if "model" not in results.raw_data:
        return f"Learned from {results.raw_data['edition']}."
    data = results.data
    asked = ", ".join(f"{name} {shape}" for name, shape in data["shapes"].items())
    configured = "computing" in results.raw_data
    made = "made when it was brought" if configured else "made as `params.yaml` describes them"
    how = made if data["made"] else "brought with it"
    as_it_is = (
        "the model as its owner configured it" if configured else "the file as it came, whatever numbers it holds"
    )
    labels = "with labels" if data["labelled"] else "without labels"
    whatever = "It is measured as it is, whatever the cell's name says of instances and batches. "
    alone = whatever if results.as_configured else ""
    return (
        f"{results.raw_data['edition']} was taken as it came. "
        f"{alone}It was asked {counted(data['examples'], 'example')} {how}, "
        f"{labels}: {asked}, the axes of one example. `fp32` is {as_it_is}; "
        f"`dataset` ({dataset}) has no effect."
    )
