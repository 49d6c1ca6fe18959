"""Say which class each image or row belongs to, through the exported model or a running Triton server.

Inputs are images, folders of them, `.npz` files with an array x, or `.csv` files with a column a
feature. One that cannot be read is named, and all others are still answered. A model that was brought is asked one
.npz file, an array an input, and its outputs go to another.

Reads   the inputs; artifacts/onnx/<variant>/classifier.onnx, or a server's model
Writes  a CSV: input, label, and the probability of each class
Run     python tools/predict.py INPUT… [--output FILE] [--variant fp32] [--resize]
        python tools/predict.py INPUT… --http ADDRESS | --grpc ADDRESS [--model NAME]
"""

from assay.ground.stage import run_stage

import argparse
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from assay.ground.arguments import named
from assay.ground.numerals import agreeing, counted
from assay.ground.paths import ONNX, ROOT
from assay.ground.process import StageError
from assay.ground.quoting import listed, printable
from assay.ground.records.learned import LEARNED_FROM, Learned, from_text
from assay.learning import datasets, models
from assay.learning.bringing.folder import brought_here
from assay.learning.bringing.samples import write_samples
from assay.learning.datasets import Dataset
from assay.learning.formats.decoding import UnreadableError
from assay.machine.lock import machine_shared
from assay.params.cells import CLASSIFIER
from assay.params.triton import address
from assay.predicting.classifiers import check_classifies
from assay.predicting.inputs import expand, out_of_reach, read_examples
from assay.predicting.outputs import checked_output, writing
from assay.predicting.provenance import check_names, learned_by, learned_here
from assay.predicting.tensors import MODEL, answers, configured_model, exported_model, only_arrays, served_model
from assay.serving.answers import check_types
from assay.serving.client import Protocol, Server
from assay.serving.failures import LateError
from assay.serving.model_config import ModelShape
from assay.tensors.parity import answers_alone, onnx_answer, onnx_session
from assay.validation.schema import Params, load_params

PROBABILITIES, DEFAULT_OUTPUT = "probabilities", "predictions.csv"
Answer = Callable[[np.ndarray], np.ndarray]


def softmax(logits: np.ndarray) -> np.ndarray:
    """Return the probabilities that logits [N, classes] stand for, no numbers where these are none."""
    with np.errstate(invalid="ignore"):
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def probabilities_of(ask: Answer, output: str) -> Answer:
    """Return a function that gives the probabilities of each example asked alone, whatever the output is."""

    def answer(x: np.ndarray) -> np.ndarray:
        scores = answers_alone(ask, x)
        return scores if output == PROBABILITIES else softmax(scores)

    return answer


@contextmanager
def exported(variant: str, params: Params) -> Iterator[tuple[Answer, Learned | None]]:
    """Give how the exported classifier is asked, and what it learned from, while the machine is shared.

    Raises StageError, before it waits for the machine, if it is not there, of another training, or does not
    fit the dataset in params.yaml.
    """
    path = ONNX / variant / f"{CLASSIFIER}.onnx"

    def check() -> tuple[ModelShape, Learned]:
        learned, shape = learned_by(variant, params.onnx.variants, params.model), ModelShape.read(path)
        check_names(str(path.relative_to(ROOT)), learned, params.raw_data)
        check_fits(str(path.relative_to(ROOT)), shape, params.raw_data)
        return shape, learned

    check()
    with machine_shared():
        shape, learned = check()  # once more: the stages may have made another meanwhile
        ask = partial(onnx_answer, onnx_session(str(path)))
        yield probabilities_of(ask, shape.outputs[0].name), learned


# What a server computes is not this program's to hold back.
@contextmanager
def served(
    place: str, protocol: Protocol, model: str, dataset: Dataset, request_timeout_s: float
) -> Iterator[tuple[Answer, Learned | None]]:
    """Give how a served model is asked, and what it learned from: what it says, or else the stages here.

    Raises StageError if nobody serves it, or it does not fit the dataset in params.yaml: where nobody
    says what a model learned from, that is believed.
    """
    server = Server(http_address=place, grpc_address=place, pid=None, request_timeout_s=request_timeout_s)
    with closing(server):
        try:
            config = server.effective_config(model, protocol)
        except StageError as error:
            # Who did not answer in time would not answer this, either.
            if not isinstance(error, LateError) and server.is_live(protocol):
                raise StageError(f"{error}\n  asked was {place}, for {model}; --model names another") from None
            raise StageError(
                f"no Triton server answers at {place}; start one there, or correct the address:\n  {error}"
            ) from None
        shape, what = ModelShape.configured(config), f"{model} at {place}"
        says = LEARNED_FROM in config.parameters
        learned = from_text(config.parameters[LEARNED_FROM].string_value, what) if says else learned_here()
        if learned:
            source = what if says else f"{what} does not say what it learned from; the last training here"
            check_names(source, learned, dataset)
        check_fits(what, shape, dataset)
        (model_input,), (output,) = shape.inputs, shape.outputs

        def ask(x: np.ndarray) -> np.ndarray:
            answers = server.infer(model, {model_input.name: x}, [output.name], protocol)
            check_types(what, answers, {output.name: output.dtype})
            return answers[output.name]

        yield probabilities_of(ask, output.name), learned


def check_fits(what: str, shape: ModelShape, dataset: Dataset) -> None:
    """Raise StageError unless a model takes examples of the dataset in params.yaml as stored and scores its classes."""
    check_classifies(what, shape, dataset)
    if (taken := shape.inputs[0].dtype) != dataset.dtype:
        raise StageError(
            f"{what} takes {taken}, and examples of dataset {dataset.name} are {dataset.dtype}: it is of another "
            "revision; run `dvc repro onnx` and ask what that exports"
        )


def predictions(
    paths: list[Path], answer: Answer, dataset: Dataset, *, resize: bool, columns: tuple[str, ...] | None = None
) -> Iterator[pd.DataFrame | str]:
    """Return for each input its rows, or in words why there are none; a server that fails ends it."""
    for path in paths:
        try:
            names, x = read_examples(path, dataset.shape, resize, columns)
        except UnreadableError as error:
            yield f"{printable(path)} {error}"
            continue
        try:
            probabilities = answer(x)
        except StageError as error:
            yield f"{printable(path)} and all after it: {error}"
            return
        numbers = np.isfinite(probabilities).all(axis=1)
        if not numbers.all():
            yield f"{printable(path)} is beyond what the model can compute: no numbers for example {numbers.argmin()}"
            continue
        labels = np.take(dataset.classes, probabilities.argmax(axis=1))
        scores = {f"probability_{name}": probabilities[:, index] for index, name in enumerate(dataset.classes)}
        yield pd.DataFrame({"input": names, "label": labels, **scores})


def checked_address(text: str) -> str:
    """Return a server's address, for argparse."""
    try:
        return address(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def taken_by_order(answered: list[Path], columns: tuple[str, ...] | None) -> str | None:
    """Return, in words, that features in answered files were not found by name, None if they were, or have none."""
    kinds = {path.suffix.lower() for path in answered}
    if columns is None and ".csv" in kinds:
        return (
            "columns of tables were taken in the order in which they stand: what answered learned from no table, "
            "or does not say so"
        )
    if columns is not None and ".npz" in kinds:
        return f"arrays name no columns: they were taken in the order of {listed(columns)}"
    return None


def unanswered(count: int, of: int, problems: list[str]) -> StageError:
    """Return the error that names every input without an answer: nothing else does."""
    return StageError(
        "\n  ".join([f"{count:,} of {counted(of, 'input')} {agreeing(count, 'was', 'were')} not answered:", *problems])
    )


def answer_tensors(given: argparse.Namespace, params: Params) -> None:
    """Ask a model that was brought the arrays of an .npz file, and write its outputs to another."""
    path = only_arrays(list(map(Path, given.inputs)))
    output = checked_output(Path("predictions.npz" if given.output == DEFAULT_OUTPUT else given.output), [path])
    if output.suffix.lower() != ".npz":
        raise StageError(f"a model that was brought answers with arrays: {printable(output.name)} has to end in .npz")
    brought = brought_here()
    signature, variant = brought.signature, given.variant
    if place := given.http or given.grpc:
        protocol: Protocol = "http" if given.http else "grpc"
        model = given.model or (brought.name if brought.found else f"{MODEL}-{variant}")
        with served_model(place, protocol, model, params.timeouts.request_s) as ask:
            found = answers(ask, path, signature)
    elif brought.found:
        asking = configured_model(variant, params.onnx.variants, params.model, params.triton, params.timeouts)
        with machine_shared(), asking as ask:
            found = answers(ask, path, signature)
    else:
        with machine_shared():
            found = answers(exported_model(variant, params.onnx.variants, params.model), path, signature)
    with writing(output) as partial:
        write_samples(partial, found)
    shapes = ", ".join(f"{printable(name)} {list(array.shape)}" for name, array in found.items())
    print(f"{shapes} in {printable(output.name)}")


def main() -> None:
    parser = argparse.ArgumentParser(description="Say which class each input belongs to.")
    parser.add_argument("inputs", nargs="+", type=named, help="images, folders, .npz or .csv files")
    parser.add_argument(
        "--output", type=named, default=DEFAULT_OUTPUT, help="the CSV to write; the .npz of a model that was brought"
    )
    parser.add_argument("--resize", action="store_true", help="scale images to the dataset's shape")
    parser.add_argument("--variant", type=named, default="fp32", help="of the exported classifier")
    where = parser.add_mutually_exclusive_group()
    for protocol, example in (("http", "127.0.0.1:8000"), ("grpc", "127.0.0.1:8001")):
        purpose = f"ask a Triton server, as in {example}"
        where.add_argument(f"--{protocol}", metavar="ADDRESS", type=checked_address, help=purpose)
    parser.add_argument("--model", type=named, help="its name there; classifier-<variant> without")
    given = parser.parse_args()
    params = load_params()
    dataset = params.raw_data
    if given.variant not in type(params.variants).model_fields:
        parser.error(f"--variant: choose one of {', '.join(type(params.variants).model_fields)}")
    if given.model and not (given.http or given.grpc):
        parser.error("--model names a served model: say where with --http or --grpc")
    if models.get(params.model).brought:
        answer_tensors(given, params)
        return
    paths = expand(list(map(Path, given.inputs)))
    output = checked_output(Path(given.output), paths)
    missing = [why for path in paths if (why := out_of_reach(path))]
    if len(missing) == len(paths):  # which needs no model, and nothing to be waited for
        raise unanswered(len(paths), len(paths), missing)
    # One's own images are scaled where the description lets training scale them.
    resize = given.resize or (datasets.is_described(params.dataset) and params.data.own.resize)
    model = given.model or f"{CLASSIFIER}-{given.variant}"
    patience_s = params.timeouts.request_s
    if given.http:
        asking = served(given.http, "http", model, dataset, patience_s)
    elif given.grpc:
        asking = served(given.grpc, "grpc", model, dataset, patience_s)
    else:
        asking = exported(given.variant, params)
    with asking as (answer, learned):
        columns = tuple(learned["columns"]) if learned and "columns" in learned else None
        found = list(predictions(paths, answer, dataset, resize=resize, columns=columns))
    # A server that fails ends it before the last.
    answered = [path for path, each in zip(paths, found, strict=False) if isinstance(each, pd.DataFrame)]
    tables = [each for each in found if isinstance(each, pd.DataFrame)]
    problems = [each for each in found if isinstance(each, str)]
    if tables:
        with writing(output) as partial:
            pd.concat(tables).to_csv(partial, index=False, float_format="%.6f")
        print(f"{counted(sum(map(len, tables)), 'answer')} in {printable(given.output)}")
        if said := taken_by_order(answered, columns):
            print(said)
    if problems:
        raise unanswered(len(paths) - len(tables), len(paths), problems)


if __name__ == "__main__":
    run_stage(main)
