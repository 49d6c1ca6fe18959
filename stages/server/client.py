"""Ask a running Triton server, over HTTP and gRPC."""

import contextlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from http.client import HTTPException
from pathlib import Path
from typing import Any, Literal

import numpy as np
import tritonclient.grpc
import tritonclient.http
from google.protobuf import json_format, text_format
from tritonclient.grpc.model_config_pb2 import ModelConfig
from tritonclient.utils import InferenceServerException, np_to_triton_dtype

from runtime.process import StageError

Protocol = Literal["http", "grpc"]
# A server on loopback that takes longer to answer a single request hangs.
PATIENCE_S = 10.0
PROTOCOLS: tuple[Protocol, ...] = ("http", "grpc")
# How a request ends that nobody answers, that something else than Triton answers, or that is declined.
REFUSALS = (OSError, HTTPException, ValueError, KeyError, InferenceServerException)


@contextmanager
def _answering(request: str) -> Iterator[None]:
    """Turn a refused or broken request into a StageError."""
    try:
        yield
    except REFUSALS as error:
        raise StageError(f"the Triton server did not {request}: {error}") from None


@dataclass(frozen=True)
class Server:
    """The addresses of a running server, and questions to it.

    `pid` is the server's process where its cost can be read: on this machine, started by us.
    `identifier` is what it was told to call itself, and `folder` its own, where we started it.
    """

    http_address: str
    grpc_address: str
    pid: int | None
    identifier: str | None = None
    folder: Path | None = None

    @cached_property
    def _http(self) -> Any:
        return tritonclient.http.InferenceServerClient(
            self.http_address, connection_timeout=PATIENCE_S, network_timeout=PATIENCE_S
        )

    @cached_property
    def _grpc(self) -> Any:
        # Without this, gRPC sends even loopback requests to a proxy set in the environment.
        options = [("grpc.enable_http_proxy", 0)]
        return tritonclient.grpc.InferenceServerClient(self.grpc_address, channel_args=options)

    def close(self) -> None:
        """Close the connections: the server's shutdown waits for them."""
        for client in (self._http, self._grpc):
            client.close()

    def address(self, protocol: Protocol) -> str:
        """Return host:port."""
        return self.http_address if protocol == "http" else self.grpc_address

    def is_ready(self) -> bool:
        """Return whether the server, no other at its address, answers and every model it was told to load is ready."""
        try:
            return bool(self._http.is_server_ready()) and self.identifier in (None, self._metadata()["name"])
        except REFUSALS:
            return False

    def is_live(self) -> bool:
        """Return whether the server answers, whatever its models are doing."""
        try:
            return bool(self._http.is_server_live())
        except REFUSALS:
            return False

    def version(self) -> str:
        """Return the server's own version, as in 2.51.0."""
        with _answering("give its version"):
            return str(self._metadata()["version"])

    def _metadata(self) -> dict[str, Any]:
        return dict(self._http.get_server_metadata())

    def has_model(self, model: str) -> bool:
        """Return whether a model of this name is ready to answer."""
        with _answering(f"say whether it has {model}"):
            return bool(self._http.is_model_ready(model))

    def load(self, folder: Path, timeout_s: float) -> None:
        """Load a model folder, sent along, under the folder's name.

        Raises StageError if the server refuses, or is not done in time.
        """
        config = text_format.Parse((folder / "config.pbtxt").read_text(encoding="utf-8"), ModelConfig())
        files = {
            f"file:{path.relative_to(folder)}": path.read_bytes()
            for path in sorted(folder.glob("[0-9]*/*"))
            if path.is_file()
        }
        with _answering(f"load {folder.name}"):
            self._grpc.load_model(
                folder.name,
                config=json_format.MessageToJson(config, preserving_proto_field_name=True),
                files=files,
                client_timeout=timeout_s,
            )

    def unload(self, model: str) -> None:
        """Unload a model and wait until it no longer answers; a server that is gone has nothing to unload."""
        with contextlib.suppress(*REFUSALS):
            self._grpc.unload_model(model, client_timeout=PATIENCE_S)
            deadline = time.monotonic() + PATIENCE_S
            while self._http.is_model_ready(model) and time.monotonic() < deadline:
                time.sleep(0.02)

    def effective_config(self, model: str, protocol: Protocol = "grpc") -> ModelConfig:
        """Return the configuration with which a model is really served."""
        with _answering(f"say how it serves {model}"):
            if protocol == "http":
                said = self._http.get_model_config(model)
                return json_format.ParseDict(said, ModelConfig(), ignore_unknown_fields=True)
            config: ModelConfig = self._grpc.get_model_config(model, client_timeout=PATIENCE_S).config
        return config

    def statistics(self, model: str) -> dict[str, Any]:
        """Return Triton's cumulative statistics of a model, times in nanoseconds."""
        with _answering(f"give statistics of {model}"):
            (entry,) = self._http.get_inference_statistics(model)["model_stats"]
        return dict(entry)

    def infer(self, model: str, input_name: str, x: np.ndarray, output_name: str, protocol: Protocol) -> np.ndarray:
        """Return the model's output for the batch `x`; raises StageError if it refuses."""
        client, module, limits = {
            "http": (self._http, tritonclient.http, {}),
            "grpc": (self._grpc, tritonclient.grpc, {"client_timeout": PATIENCE_S}),
        }[protocol]
        tensor = module.InferInput(input_name, list(x.shape), np_to_triton_dtype(x.dtype))
        tensor.set_data_from_numpy(x)
        with _answering(f"answer a batch of {len(x)} for {model} over {protocol}"):
            answer = client.infer(model, [tensor], outputs=[module.InferRequestedOutput(output_name)], **limits)
        return np.asarray(answer.as_numpy(output_name))
