"""Ask a running Triton server, over HTTP and gRPC.

Whoever runs it, it may be slow, hang, lie, or be something else: each question has a deadline for its whole answer, and
what comes is checked before it is believed.
"""

import json
import struct
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from http.client import BadStatusLine, HTTPException
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

import numpy as np
import tritonclient.grpc
import tritonclient.http
from google.protobuf import json_format, text_format
from tritonclient.grpc.model_config_pb2 import ModelConfig
from tritonclient.utils import InferenceServerException, np_to_triton_dtype

from assay.ground.process import StageError
from assay.ground.quoting import cut, listed, printable, quoted
from assay.ground.records.checking import complaint
from assay.ground.records.measured import Statistics
from assay.serving.bounded_http import Answer, Question
from assay.serving.failures import LateError
from assay.serving.model_folder import CONFIG, files_of, served_name
from assay.tensors.named import Tensors, examples_in, message_bytes

Protocol = Literal["http", "grpc"]
PROTOCOLS: tuple[Protocol, ...] = ("http", "grpc")
# Seconds for the answer to a small question, where nobody says how many.
REQUEST_TIMEOUT_S = 10.0
# A large one has more: for its bytes on a slow network, and for what a busy server computes longer than we do alone.
SLOWEST_BYTES_PER_S, SLOWER_THAN_ALONE = 10e6, 20
# A server that answers without end must not fill the memory: one answer to a question about it, and one with tensors.
_LARGEST_TEXT, _LARGEST_TENSORS = 2**24, 2**30
_LONGEST_WORDS = 300
# How a request ends that nobody answers, that something else than Triton answers, or that is declined.
REFUSALS = (
    OSError,
    HTTPException,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ArithmeticError,
    RecursionError,
    struct.error,
    json_format.Error,
    InferenceServerException,
)


@contextmanager
def _answering(request: str, patience_s: float, parameter: str = "timeouts.request_s") -> Iterator[None]:
    """Turn a refused, broken or late answer into a StageError, and name the parameter that gave a late one its time."""
    try:
        yield
    except REFUSALS as error:
        failed = f"the Triton server did not {request}"
        if _is_late(error):
            raise LateError(
                f"{failed}: it had {patience_s:.3g} s; if it only takes longer, raise {parameter} in params.yaml"
            ) from None
        raise StageError(f"{failed}: {_reason(error)}") from None


def _reason(error: Exception) -> str:
    if type(error) is BadStatusLine:  # not what is made of it for a connection that breaks off
        return "what answers there speaks no HTTP; is it the port for gRPC?"
    said = cut(printable(" ".join(str(error).split())), _LONGEST_WORDS) or type(error).__name__
    speaks_no_grpc = "failed to connect" in said and "Socket closed" in said
    return f"{said}; is it the port for HTTP?" if speaks_no_grpc else said


def _is_late(error: Exception) -> bool:
    said = error.status() if isinstance(error, InferenceServerException) else None
    return isinstance(error, TimeoutError) or "DEADLINE_EXCEEDED" in str(said)


@dataclass(frozen=True)
class Server:
    """The addresses of a running server, and questions to it.

    `pid` is the server's process where its cost can be read: on this machine, started by us. `identifier` is what it
    was told to call itself, and `folder` its own, where we started it; where we did not, it `had` these models before.
    A small question is answered within `request_timeout_s`, or not at all.
    """

    http_address: str
    grpc_address: str
    pid: int | None
    identifier: str | None = None
    folder: Path | None = None
    request_timeout_s: float = REQUEST_TIMEOUT_S
    had: set[str] = field(default_factory=set, compare=False)

    @cached_property
    def _grpc(self) -> Any:
        # Without the first, gRPC sends even loopback requests to a proxy set in the environment.
        options = [
            ("grpc.enable_http_proxy", 0),
            ("grpc.max_send_message_length", -1),
            ("grpc.max_receive_message_length", _LARGEST_TENSORS),
        ]
        return tritonclient.grpc.InferenceServerClient(self.grpc_address, channel_args=options)

    def close(self) -> None:
        """Close the connections: the server's shutdown waits for them."""
        self._grpc.close()

    def address(self, protocol: Protocol) -> str:
        """Return host:port."""
        return self.http_address if protocol == "http" else self.grpc_address

    def patience_s(self, sent_and_expected: int = 0, alone_s: float = 0.0) -> float:
        """Return how long an answer may take: for so many bytes both ways, that alone take so long to compute."""
        return self.request_timeout_s + sent_and_expected / SLOWEST_BYTES_PER_S + SLOWER_THAN_ALONE * alone_s

    def _says(self, path: str) -> bool:
        """Return whether the server says yes to a question that is one."""
        return Question(self.http_address, path).ask(self.request_timeout_s, _LARGEST_TEXT).status == 200

    def _told(self, path: str) -> dict[str, Any]:
        """Return what the server tells at a path."""
        return _content(Question(self.http_address, path).ask(self.request_timeout_s, _LARGEST_TEXT))

    def is_ready(self) -> bool:
        """Return whether the server, no other at its address, answers and every model it was told to load is ready."""
        try:
            return self._says("/v2/health/ready") and self.identifier in (None, self._told("/v2")["name"])
        except REFUSALS:
            return False

    def is_live(self, protocol: Protocol = "http") -> bool:
        """Return whether the server answers, whatever its models are doing."""
        try:
            if protocol == "http":
                return self._says("/v2/health/live")
            return bool(self._grpc.is_server_live(client_timeout=self.request_timeout_s))
        except REFUSALS:
            return False

    def version(self) -> str:
        """Return the server's own version, as in 2.51.0."""
        with _answering("give its version", self.request_timeout_s):
            version = self._told("/v2")["version"]
            if not isinstance(version, str):
                raise ValueError(f"it is no text: {quoted(version)}")
        return version

    def has_model(self, model: str) -> bool:
        """Return whether a model of this name is ready to answer."""
        with _answering(f"say whether it has {model}", self.request_timeout_s):
            return self._says(f"/v2/models/{quote(model)}/ready")

    def surely_has(self, model: str) -> bool | None:
        """Return whether a model is ready to answer, None where the server does not say."""
        try:
            return self.has_model(model)
        except StageError:
            return None

    def load(self, folder: Path, timeout_s: float) -> None:
        """Load a model folder, sent along, under the name that its configuration has, or else the folder's.

        Raises StageError if the server refuses, or is not done in the `timeouts.start_s` that it is given.
        """
        config, name = (
            text_format.Parse((folder / CONFIG).read_text(encoding="utf-8"), ModelConfig()),
            served_name(folder),
        )
        # Of other files than a version's, Triton takes none.
        sent = {place: path for place, path in files_of(folder).items() if place.partition("/")[0].isdigit()}
        files = {f"file:{place}": path.read_bytes() for place, path in sent.items()}
        with _answering(f"load {name}", timeout_s, "timeouts.start_s"):
            self._grpc.load_model(
                name,
                config=json_format.MessageToJson(config, preserving_proto_field_name=True),
                files=files,
                client_timeout=timeout_s,
            )

    def unload(self, model: str) -> None:
        """Unload a model and wait until it no longer answers; raises StageError if it may still be there."""
        try:
            with _answering(f"unload {model}", self.request_timeout_s):
                self._grpc.unload_model(model, client_timeout=self.request_timeout_s)
        except LateError:
            raise
        except StageError:
            # A server that unloads nothing has loaded nothing, either.
            if self.surely_has(model) is False:
                return
            raise
        deadline = time.monotonic() + self.request_timeout_s
        while self.has_model(model):
            if time.monotonic() > deadline:
                raise StageError(
                    f"the Triton server did not unload {model}: it still answers {self.request_timeout_s:.3g} s later"
                )
            time.sleep(0.02)

    def effective_config(self, model: str, protocol: Protocol = "grpc") -> ModelConfig:
        """Return the configuration with which a model is really served."""
        with _answering(f"say how it serves {model}", self.request_timeout_s):
            if protocol == "http":
                said = self._told(f"/v2/models/{quote(model)}/config")
                return json_format.ParseDict(said, ModelConfig(), ignore_unknown_fields=True)
            config: ModelConfig = self._grpc.get_model_config(model, client_timeout=self.request_timeout_s).config
        return config

    def statistics(self, model: str) -> dict[str, Any]:
        """Return Triton's cumulative statistics of a model, times in nanoseconds.

        Raises StageError if they are none, or those of several versions of it.
        """
        with _answering(f"give statistics of {model}", self.request_timeout_s):
            entries = self._told(f"/v2/models/{quote(model)}/stats")["model_stats"]
            if why := complaint(entries, list[Statistics]):
                raise ValueError(why)
        if len(entries) != 1:
            names = listed(entry.get("version") for entry in entries) or "none"
            raise StageError(
                f"the Triton server serves {len(entries)} versions of {model} ({names}): which of them answers is not "
                "known; have it serve one"
            )
        return dict(entries[0])

    def infer(
        self,
        model: str,
        inputs: Tensors,
        outputs: Sequence[str],
        protocol: Protocol,
        *,
        expected_bytes: int = 0,
        alone_s: float = 0.0,
    ) -> dict[str, np.ndarray]:
        """Return the outputs of a model that are asked for, by name, for a batch; text is bytes.

        It may take longer the more bytes are expected, and the more seconds the batch takes to compute in this
        process. Raises StageError if the server refuses.
        """
        patience_s = self.patience_s(message_bytes(inputs) + expected_bytes, alone_s)
        lengths = {array.shape[:1] for array in inputs.values()}
        asked = f"a batch of {examples_in(inputs)}" if len(lengths) == 1 else "a request"
        with _answering(f"answer {asked} for {model} over {protocol}", patience_s):
            ask = self._infer_http if protocol == "http" else self._infer_grpc
            result = ask(model, inputs, outputs, patience_s)
            answers = {name: result.as_numpy(name) for name in outputs}
            if lacking := [name for name, answer in answers.items() if answer is None]:
                raise ValueError(f"there is no {' and no '.join(lacking)} in what it answered")
        return {name: np.asarray(answer) for name, answer in answers.items()}

    def _infer_grpc(self, model: str, inputs: Tensors, outputs: Sequence[str], patience_s: float) -> Any:
        tensors, wanted = _tensors(tritonclient.grpc, inputs, outputs)
        return self._grpc.infer(model, tensors, outputs=wanted, client_timeout=patience_s)

    def _infer_http(self, model: str, inputs: Tensors, outputs: Sequence[str], patience_s: float) -> Any:
        tensors, wanted = _tensors(tritonclient.http, inputs, outputs)
        client = tritonclient.http.InferenceServerClient
        body, header_bytes = client.generate_request_body(tensors, outputs=wanted)
        headers = {"Inference-Header-Content-Length": str(header_bytes)}
        answer = Question(self.http_address, f"/v2/models/{quote(model)}/infer", body, headers).ask(
            patience_s, _LARGEST_TENSORS
        )
        header = answer.headers.get("Inference-Header-Content-Length")
        length = None if header is None else int(header)
        _content(answer, length)
        return client.parse_response_body(answer.body, header_length=length)


def _tensors(module: Any, inputs: Tensors, outputs: Sequence[str]) -> tuple[list[Any], list[Any]]:
    """Return a protocol's own descriptions of the inputs and of the outputs that are wanted."""
    tensors = []
    for name, array in inputs.items():
        tensors.append(module.InferInput(name, list(array.shape), np_to_triton_dtype(array.dtype)))
        tensors[-1].set_data_from_numpy(array)
    return tensors, [module.InferRequestedOutput(name) for name in outputs]


def _content(answer: Answer, length: int | None = None) -> dict[str, Any]:
    """Return the object at the beginning of an answer; raises ValueError, with a server's own words, if it has none."""
    try:
        content = json.loads(answer.body[:length])
    except (ValueError, RecursionError):
        content = answer.body[: 4 * _LONGEST_WORDS].decode(errors="replace")
    if answer.status != 200:
        said = content.get("error", "") if isinstance(content, dict) else content
        raise ValueError(f"HTTP status {answer.status} {said}")
    if not isinstance(content, dict):
        raise ValueError(f"it answered {quoted(content)}")
    return content
