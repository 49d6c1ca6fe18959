"""Serve models side by side and measure windows of them: what every measurement stage begins with."""

import tempfile
from collections.abc import Hashable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from assay.ground.paths import ANCHOR, LIBRARY, MACHINE
from assay.load.input_data import read_input_data, write_input_data
from assay.load.shared_memory import regions, reserved
from assay.machine.cores import divide_cores
from assay.measuring.journal import Journal, digest
from assay.measuring.windows import Windows
from assay.params.matrix import ANCHOR_COPY
from assay.params.measuring import Conditions
from assay.servers import reference_answers, serve
from assay.serving.answers import check_answers, check_effective_config
from assay.serving.model_config import ModelShape, input_names, read_config
from assay.serving.model_folder import (
    CONFIG,
    Part,
    check_files,
    computing_of,
    files_of,
    reference_of,
    served_name,
    with_steps,
    write_folder,
    written_in,
)
from assay.tensors.arrays import inputs_of_test
from assay.tensors.named import Tensors, message_bytes, part, values_in

# Enough different requests that no cache of one input helps; sent in turn, again and again.
REQUESTS = 256
# perf_analyzer reads all of them anew for each window: 64 MiB take half a second, eight a tenth, and are answered no
# slower (benchmarks/request_count.py).
_LARGEST_REQUESTS = 2**23
# Whatever decides how a window comes out, beside the model, its requests and its stage. The
# fingerprint names the server and its backend.
_SURROUNDINGS = [ANCHOR, MACHINE, *(LIBRARY / name for name in ("measuring", "load", "serving"))]


@dataclass(frozen=True)
class Candidate:
    """What is measured: a model folder and the requests that it is sent.

    Its answers are checked in batches of up to `most_together`, or else of all that its configuration takes.
    `reference` is kept for further starts: what the models that they are compared with answered.
    """

    folder: Path
    input_data: Path
    examples: Tensors  # in the model's own types: what the requests are made of, and more where there is more
    most_together: int | None = None
    reference: list[Tensors] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The name that it is known by, which a server may have another of."""
        return self.folder.name


def asked(folders: Sequence[Path], examples: Tensors, input_data: Path) -> list[Candidate]:
    """Return models, whose inputs have the same names, to be asked `examples`; write the requests."""
    count = min(REQUESTS, max(1, _LARGEST_REQUESTS // message_bytes(part(examples, 0, 1))))
    write_input_data(input_data, part(examples, 0, count))
    return [Candidate(folder, input_data, examples) for folder in folders]


def exported(folders: Sequence[Path], temporary: Path, shape: str = "") -> list[Candidate]:
    """Return some of our models, to be asked the test split as it is stored, or examples in a further shape.

    Raises StageError if one of their files is another than when they were configured.
    """
    check_files(folders)
    return asked(folders, inputs_of_test(input_names(folders[0]), shape), temporary / "input_data.json")


def anchor() -> Candidate:
    """Return the anchor."""
    (taken,) = ModelShape.configured(read_config(ANCHOR / "config.pbtxt")).inputs
    input_data = ANCHOR / "input_data.json"
    images = read_input_data(input_data, taken.name, taken.dtype, taken.dims)
    return Candidate(ANCHOR, input_data, {taken.name: images})


def renamed(candidate: Candidate, name: str, temporary: Path) -> Candidate:
    """Return the same under another name, to be served beside the original."""
    folder, config = temporary / name, read_config(candidate.folder / CONFIG)
    config.name = name
    write_folder(folder, config, {place: Part.at(path) for place, path in files_of(candidate.folder).items()})
    return Candidate(folder, candidate.input_data, candidate.examples)


def anchor_copy(temporary: Path) -> Candidate:
    """Return a copy of the anchor under another name, asked what the anchor is asked."""
    return renamed(anchor(), ANCHOR_COPY, temporary)


def open_journal(name: str, inputs: Sequence[Path], conditions: Conditions, *settings: Any) -> Journal:
    """Return the rounds that an interrupted run left behind which had the same inputs and settings.

    `inputs` are files and folders, `settings` parameters that JSON can hold, beside those that
    every measurement depends on.
    """
    every = [conditions.seed, conditions.load.model_dump(), conditions.window_ms, *settings]
    return Journal(name, digest([*inputs, *_SURROUNDINGS], every))


def ask_references(candidates: Sequence[Candidate], conditions: Conditions, cores: tuple[int, ...]) -> None:
    """Ask what answers are compared with where that is not known yet, once for all that are asked the same."""
    answered: dict[Hashable, list[Tensors]] = {}
    for each in candidates:
        if not each.reference:
            largest = read_config(each.folder / CONFIG).max_batch_size
            asked = (written_in(reference_of(each.folder)), each.input_data, largest, each.most_together)
            if asked not in answered:
                triton, timeouts = conditions.triton, conditions.timeouts
                most = each.most_together
                found = reference_answers(each.folder, each.examples, triton, timeouts, cores, most=most)
                answered[asked] = list(found or ())
            each.reference.extend(answered[asked])


@contextmanager
def bench(
    candidates: Sequence[Candidate], conditions: Conditions, *, single_requests: bool = False
) -> Iterator[Windows]:
    """Serve the candidates together for as long as the block lasts, and yield what measures windows of them.

    `single_requests` asks for the latency of each request, where that is not too much to write down.
    Raises StageError if one is not served as its configuration says, or answers otherwise than
    ONNX Runtime.
    """
    load = conditions.load
    server_cores, client_cores = divide_cores(load.client_cores)
    ask_references(candidates, conditions, server_cores)
    folders = with_steps(candidate.folder for candidate in candidates)
    with (
        tempfile.TemporaryDirectory() as temporary,
        serve(folders, conditions.triton, conditions.timeouts, server_cores) as server,
    ):
        for folder in folders:
            check_effective_config(server, folder)
        shared_memory = load.shared_memory == "system"
        # A server that runs elsewhere may have a model of that name from somebody else.
        answers = {
            each.name: check_answers(server, each.folder, each.examples, each.reference or None, each.most_together)
            for each in candidates
        }
        shared = [regions(each.folder, each.input_data) for each in candidates] if shared_memory else []
        with reserved(server, shared) if shared else nullcontext():
            yield Windows(
                server,
                inputs={candidate.name: candidate.input_data for candidate in candidates},
                folder=Path(temporary),
                protocol=load.protocol,
                window_ms=conditions.window_ms,
                cores=client_cores,
                shared_memory=shared_memory,
                answers=answers,
                served_as={each.name: served_name(each.folder) for each in candidates},
                statistics_of={each.name: served_name(computing_of(each.folder)) for each in candidates},
                values_a_request={each.name: values_in(each.examples) for each in candidates}
                if single_requests
                else {},
            )
