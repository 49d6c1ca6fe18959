"""What is said of a model that is brought: what its file holds, what was found, and what to do next."""

import math
from collections.abc import Iterator, Sequence
from functools import partial

from assay.ground.files import shown
from assay.ground.numerals import amount, counted
from assay.ground.paths import BROUGHT
from assay.ground.process import StageError
from assay.ground.quoting import printable
from assay.ground.records.prepared import UNKNOWN, Batch, neighbours_in_words, safety_in_words
from assay.learning.bringing.fitting import WITHOUT_BATCHES, option_for_batching
from assay.learning.bringing.judging import Examples, Judged
from assay.learning.bringing.limits import limits_without_judge
from assay.learning.bringing.loading import OpenedModel
from assay.learning.bringing.made import complete, in_shape
from assay.learning.bringing.subject import Subject
from assay.params.made_inputs import MadeInput
from assay.params.perf import Perf
from assay.tensors.batch_safety import LARGEST_BATCH
from assay.tensors.named import examples_in
from assay.tensors.parity import onnx_answers
from assay.tensors.releases import RELEASES, first_to_read
from assay.tensors.rows import scored
from assay.tensors.signature import Signature, Tensor

# With fewer, one after the other, a window may hold none, and says little where it does.
REQUESTS_A_WINDOW = 3
# All that are in flight may be computed together, and begin and end with each other: within two such batches' time
# there is a whole one.
BATCHES_A_WINDOW = 2


def of_file(opened: OpenedModel) -> Subject:
    """Return what an ONNX file is to be told of."""
    files = "" if len(opened.files) == 1 else f" in {counted(len(opened.files), 'file')}"
    opsets = ", ".join(f"{domain} {version}" for domain, version in sorted(opened.opsets.items()))
    name, versions = printable(opened.files[0].name), f"opset {opsets}, IR version {opened.ir_version}"
    return Subject(
        name=opened.files[0].name,
        signature=opened.signature,
        ask=partial(onnx_answers, opened.session),
        largest_batch=LARGEST_BATCH,
        several_at_once=None,
        head=f"{name}: {opened.size / 1e6:,.1f} MB{files}, {versions}",
        about=(("read by", f"the embedded server; {readers(opened)}"),),
        asked_in="in this process",
    )


def description(subject: Subject, examples: Examples, judged: Judged) -> Iterator[str]:
    """Yield the lines of a table: the model, its inputs and outputs, batches, who reads it, and what it is asked."""
    batch, told = judged.batch, examples.told
    yield subject.head
    yield from _tensors(subject.signature)
    why = subject.signature.unbatchable
    if batch is None:
        yield f"  batches  none, for {why}: every request is answered alone"
    else:
        yield f"  batches  {_batches(batch)}"
    for what, said in subject.about:
        yield f"  {what:7}  {said}"
    count = counted(examples_in(examples.inputs), "example")
    origin = f"{'brought' if told is None else 'made'}{'' if examples.labels is None else ', with labels'}"
    yield f"  asked    {count} {origin}; one takes {amount(1000 * judged.alone_s)} ms {subject.asked_in}"
    for each in () if told is None else complete(subject.signature, told):
        yield f"           {printable(each.name)}{each.sizes or ''}: {each.values}"


def _batches(batch: Batch) -> str:
    if not batch["safe"]:
        found = f"{neighbours_in_words(batch)}: {safety_in_words(batch)}"
    elif batch["examples"] == 1:
        found = "one example a request"
    else:
        found = f"{batch['examples']} different examples together get the answers of each alone: batch-safe"
    return found if batch == UNKNOWN else f"the first axis; {found}"


def _tensors(signature: Signature) -> Iterator[str]:
    batched, scores = signature.batched, scored(signature)
    rows = [
        (
            kind,
            printable(tensor.name),
            tensor.datatype,
            _axes(tensor, batched=batched),
            "taken for scores of classes" * (tensor.name in scores),
        )
        for kind, tensors in (("input", signature.inputs), ("output", signature.outputs))
        for tensor in tensors
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    for row in rows:
        cells = (text.ljust(width) for text, width in zip(row, widths, strict=False))
        yield f"  {'  '.join(cells)}  {row[4]}".rstrip()


def _axes(tensor: Tensor, *, batched: bool) -> str:
    """Return the axes as the file has them, free ones by their names, the batch marked."""
    axes = [str(axis) if isinstance(axis, int) else printable(axis) or "?" for axis in tensor.axes or ()]
    if batched:
        axes[0] = "batch" if axes[0] in ("batch", "?") else f"batch {axes[0]}"
    return f"[{', '.join(axes)}]"


def readers(opened: OpenedModel) -> str:
    """Say which releases of NVIDIA's Triton read a file."""
    opset, ml_opset = opened.opsets.get("ai.onnx", 0), opened.opsets.get("ai.onnx.ml", 0)
    first = first_to_read(opset, ml_opset, opened.ir_version)
    if first is None:
        newest = RELEASES[-1]
        return (
            f"no release of NVIDIA's image that is known here, up to {newest.triton} (opset {newest.opset}, IR version "
            f"{newest.ir_version})"
        )
    since = "" if first is RELEASES[0] else f", not by older ones (ONNX Runtime before {first.onnxruntime})"
    return f"NVIDIA's image {first.triton} and later{since}"


def next_steps(family: str, options: Sequence[str], *, params_changed: bool) -> list[str]:
    """Return the lines to type next, with the options that the model needs where params.yaml says otherwise."""
    tracked = f"{shown(BROUGHT.parent)}{' params.yaml' if params_changed else ''}"
    return [
        f"tracked by {shown(BROUGHT.with_name(f'{BROUGHT.name}.dvc'))}",
        f'next: git add {tracked} && git commit -m "Bring a model", or queued experiments do not see it;',
        f"      dvc exp run {' '.join([f'-S model={family}', *options])}",
    ]


def options_for_batches(signature: Signature, batch: Batch | None, perf: Perf) -> list[str]:
    """Return the options without which a model would be asked batches that it does not take, or not safely."""
    if signature.unbatchable:
        return [] if perf.max_batch_size == [0] and perf.dynamic_batching == ["off"] else [WITHOUT_BATCHES]
    return options_of_batching(batch, perf, largest=64, fits=0 not in perf.max_batch_size)


def options_of_batching(batch: Batch | None, perf: Perf, *, largest: int, fits: bool) -> list[str]:
    """Return the options of a model that takes batches: its largest, unless params.yaml's `fits`, and how it batches.

    After a model that took none, batching is tried again where it is safe.
    """
    safe = batch is None or batch["safe"]
    return [
        *([] if fits else [f"-S 'perf.max_batch_size=[{largest}]'"]),
        *([option_for_batching()] if 0 in perf.max_batch_size and safe else []),
        *([] if safe or perf.dynamic_batching == ["off"] else ["-S 'perf.dynamic_batching=[off]'"]),
    ]


def options_left_over(
    signature: Signature, told: Sequence[MadeInput] | None, perf: Perf, *, labelled: bool
) -> list[str]:
    """Return the options that take back what params.yaml still asks of the model before, and this one cannot be asked.

    `told` is how inputs are made anew for each shape, None where they are not.
    """
    return [
        *(["-S 'perf.shapes=[]'"] if perf.shapes and not _has_shapes(signature, told, perf.shapes) else []),
        *(f"-S perf.slo.{name}=null" for name in limits_without_judge(perf.slo, signature, labelled=labelled)),
    ]


def _has_shapes(signature: Signature, told: Sequence[MadeInput] | None, shapes: Sequence[str]) -> bool:
    if told is None:
        return False
    try:
        for shape in shapes:
            in_shape(signature, told, shape)
    except StageError:
        return False
    return True


def option_for_windows(alone_s: float, perf: Perf) -> list[str]:
    """Return the option that makes windows long enough for a model that takes so long for an example, if one is."""
    wanted_ms = 1000 * alone_s * max(REQUESTS_A_WINDOW, BATCHES_A_WINDOW * perf.deciding_concurrency)
    return [] if wanted_ms <= perf.window_ms else [f"-S perf.window_ms={100 * math.ceil(wanted_ms / 100)}"]
