"""Servers that are slow, hang, lie, never end, or are none: one sentence, soon."""

import json
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from listening import (
    a_body_now_and_then,
    a_byte_now_and_then,
    answering,
    never,
    not_reading,
    request_of,
    response,
    says,
)
from measured import statistics

from assay.ground.process import StageError
from assay.servers import url
from assay.serving.client import Server

PATIENCE_S = 0.15
X = np.zeros((2, 3), np.float32)
Ask = Callable[[Server], Any]
ASKED: dict[str, Ask] = {
    "is_live": Server.is_live,
    "is_ready": Server.is_ready,
    "version": Server.version,
    "has_model": lambda server: server.has_model("m"),
    "statistics": lambda server: server.statistics("m"),
    "http config": lambda server: server.effective_config("m", "http"),
    "grpc config": lambda server: server.effective_config("m", "grpc"),
    "http infer": lambda server: server.infer("m", {"x": X}, ["y"], "http")["y"],
    "grpc infer": lambda server: server.infer("m", {"x": X}, ["y"], "grpc")["y"],
    "grpc unload": lambda server: server.unload("m"),
}


@pytest.mark.parametrize("behave", [never, a_byte_now_and_then, a_body_now_and_then, not_reading])
@pytest.mark.parametrize("asked", ASKED)
def test_no_question_waits_beyond_its_deadline(behave: Callable[[socket.socket], None], asked: str) -> None:
    """Whatever a server does with the connection, the answer is over in time, and names the knob where it is told."""
    with answering(behave) as address:
        server, began = Server(address, address, pid=None, request_timeout_s=PATIENCE_S), time.monotonic()
        try:
            said = ASKED[asked](server)
        except StageError as error:
            said = str(error)
            assert said.startswith("the Triton server did not ")
            if not asked.startswith("grpc"):  # gRPC may say first that this is another protocol
                assert said.endswith("s; if it only takes longer, raise timeouts.request_s in params.yaml")
        else:
            assert not said
        server.close()
    assert time.monotonic() - began < PATIENCE_S + 1


def test_a_load_is_given_its_own_time(tmp_path: Path) -> None:
    """Loading is over when timeouts.start_s is: that is the one to raise, whatever else hangs then."""
    (tmp_path / "config.pbtxt").touch()
    with answering(never) as address:
        server, began = Server(address, address, pid=None, request_timeout_s=PATIENCE_S), time.monotonic()
        said = rf"did not load {tmp_path.name}: it had 0\.3 s; if it only takes longer, raise timeouts\.start_s in"
        with pytest.raises(StageError, match=rf"^the Triton server {said} params\.yaml$"):
            url.load(server, tmp_path, 0.3)
        server.close()
    assert time.monotonic() - began < 2


@pytest.mark.parametrize("ends", [KeyboardInterrupt, SystemExit])
def test_whoever_is_told_to_end_while_it_unloads_says_what_it_leaves(
    ends: type[BaseException], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The models that it did not come to are named; one that is unloaded is not."""

    def unload(_: Server, model: str) -> None:
        if model == "second":
            raise ends

    monkeypatch.setattr(Server, "unload", unload)
    server = Server("a:1", "a:2", pid=None)
    with pytest.raises(ends), url.unloading(server) as loaded:
        loaded += ["first", "second", "third"]
    commands = ", ".join(
        f"`curl --request POST http://a:1/v2/repository/models/{each}/unload`" for each in ("second", "first")
    )
    assert capsys.readouterr().err == (
        "interrupted; what was loaded from here may be left in that server, and the next run takes it for the server's "
        f"own: unload it with {commands}, or restart that server\n"
    )


def test_a_large_slow_batch_has_more_time() -> None:
    """More for each byte both ways, and for what takes long in this process, too; the message says how much it was."""
    server = Server("a:1", "a:1", pid=None, request_timeout_s=10)
    images = 64 * 640 * 640 * 3 * 4
    assert server.patience_s() == 10
    assert server.patience_s(2 * images, alone_s=3) > 10 + 2 * 31 + 20 * 3
    with answering(never) as address:
        server, began = Server(address, address, pid=None, request_timeout_s=0.1), time.monotonic()
        with pytest.raises(StageError, match=r"a batch of 2 for m over http: it had 0\.6 s"):
            server.infer("m", {"x": X}, ["y"], "http", expected_bytes=1_000_000, alone_s=0.02)
        assert time.monotonic() - began > 0.5


def test_an_answer_without_end_does_not_fill_the_memory() -> None:
    """After so many bytes it is no answer, in pieces, in one, or one piece that says it is huge."""
    endless = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

    def pieces(connection: socket.socket) -> None:
        request_of(connection)
        connection.sendall(endless)
        while True:
            connection.sendall(b"10000\r\n" + b" " * 65536 + b"\r\n")

    def one(connection: socket.socket) -> None:
        request_of(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999\r\n\r\n")
        while True:
            connection.sendall(b" " * 65536)

    def huge(connection: socket.socket) -> None:
        request_of(connection)
        connection.sendall(endless + b"FFFFFFFFFFF\r\n")
        while True:
            connection.sendall(b" " * 65536)

    for behave in (pieces, one, huge):
        with answering(behave) as address:
            server = Server(address, address, pid=None, request_timeout_s=20)
            with pytest.raises(StageError, match="did not give its version: it answered more than 16,777,216 bytes"):
                server.version()


DEEP = b"[" * 100_000
ODD = [b"null", b"5", b"[]", b"{}", b'"text"', b"NaN", b"", b"<html>", b"\xff\xfe", DEEP, b'{"a":' + DEEP, b"[[[]]]"]


@pytest.mark.parametrize("body", ODD, ids=range(len(ODD)))
@pytest.mark.parametrize("status", ["200 OK", "400 Bad Request", "503 Service Unavailable"])
@pytest.mark.parametrize("asked", ["version", "statistics", "http config", "http infer"])
def test_odd_answers_are_one_sentence(asked: str, status: str, body: bytes) -> None:
    """JSON of any shape, or none, where an object is expected: no traceback, no screen full."""
    if asked == "http config" and body == b"{}" and status == "200 OK":
        return  # an empty configuration is one
    with answering(says(response(body, status))) as address:
        server = Server(address, address, pid=None, request_timeout_s=5)
        with pytest.raises(StageError, match=r"^the Triton server did not ") as raised:
            ASKED[asked](server)
        assert not server.is_ready() or status == "200 OK"
    said = str(raised.value)
    assert len(said.splitlines()) == 1
    assert len(said) < 500
    assert status == "200 OK" or f"HTTP status {status[:3]}" in said


ENTRY = {"name": "m", "version": "1", **statistics(600, 1)}


@pytest.mark.parametrize(
    ("entries", "why"),
    [
        ([ENTRY, {**ENTRY, "version": "2"}], r"serves 2 versions of m \('1', '2'\): .* have it serve one"),
        ([], r"serves 0 versions of m \(none\)"),
        (5, r"not give statistics of m: the whole: .*valid array \(it is 5\)"),
        ([5], "not give statistics of m: 0: "),
        ([{**ENTRY, "inference_count": -1}], r"inference_count: .* greater than or equal to 0 \(it is -1\)"),
        ([{**ENTRY, "inference_count": "600"}], r"inference_count: Input should be a valid integer \(it is '600'\)"),
        ([{**ENTRY, "inference_count": float("nan")}], r"inference_count: .*\(it is nan\)"),
        ([{**ENTRY, "inference_stats": {"success": {"count": 1}}}], r"inference_stats\.success\.ns: Field required"),
    ],
)
def test_statistics_are_checked_before_they_are_believed(entries: Any, why: str) -> None:
    """Counts that are none are named; of two versions nobody knows which one answers."""
    body = json.dumps({"model_stats": entries}).encode()
    with answering(says(response(body))) as address, pytest.raises(StageError, match=why):
        Server(address, address, pid=None, request_timeout_s=5).statistics("m")
    body = json.dumps({"model_stats": [ENTRY]}).encode()
    with answering(says(response(body))) as address:
        assert Server(address, address, pid=None, request_timeout_s=5).statistics("m") == ENTRY


def inferred(output: dict[str, Any], tensor: bytes, header: str | None = None) -> bytes:
    """Return an answer to a request, with a tensor behind its description."""
    described = json.dumps({"model_name": "m", "outputs": [output]}).encode()
    length = header or str(len(described))
    return response(described + tensor, "200 OK", f"Inference-Header-Content-Length: {length}")


Y = {"name": "y", "datatype": "FP32", "shape": [2, 3], "parameters": {"binary_data_size": 24}}


@pytest.mark.parametrize(
    "answer",
    [
        inferred(Y, b"\0" * 20),
        inferred({**Y, "shape": [2, 4]}, b"\0" * 24),
        inferred({**Y, "shape": "2"}, b"\0" * 24),
        inferred({**Y, "datatype": "FP99"}, b"\0" * 24),
        inferred({**Y, "datatype": "BYTES"}, b"\xff" * 24),
        inferred({**Y, "parameters": 5}, b"\0" * 24),
        inferred({**Y, "parameters": {"binary_data_size": "24"}}, b"\0" * 24),
        inferred({**Y, "parameters": {"binary_data_size": -1}}, b"\0" * 24),
        inferred({**Y, "name": "z"}, b"\0" * 24),
        inferred(Y, b"\0" * 24, header="many"),
        inferred(Y, b"\0" * 24, header="-5"),
        inferred(Y, b"\0" * 24, header="99999"),
        inferred({"name": "y", "datatype": "FP32", "shape": [2, 3], "data": [1, "x"]}, b""),
    ],
    ids=range(13),
)
def test_tensors_that_are_none_are_one_sentence(answer: bytes) -> None:
    """Too few bytes, another shape, a type that there is not, a header that lies."""
    with answering(says(answer)) as address:
        server = Server(address, address, pid=None, request_timeout_s=5)
        with pytest.raises(StageError, match="did not answer a batch of 2 for m over http: ") as raised:
            server.infer("m", {"x": X}, ["y"], "http")
    assert len(str(raised.value).splitlines()) == 1


def test_a_tensor_is_read() -> None:
    """What is right is believed: the bytes behind the description, in its shape."""
    y = np.arange(6, dtype=np.float32).reshape(2, 3)
    with answering(says(inferred(Y, y.tobytes()))) as address:
        assert np.array_equal(Server(address, address, pid=None).infer("m", {"x": X}, ["y"], "http")["y"], y)


def test_an_answer_that_breaks_off_is_none() -> None:
    """Half a body is told as that, and not as half of a JSON text."""
    whole = response(b'{"name": "triton", "version": "2.51.0"}')
    with answering(says(whole[:-10])) as address, pytest.raises(StageError, match="its answer broke off"):
        Server(address, address, pid=None, request_timeout_s=5).version()
    with answering(says(whole)) as address:
        assert Server(address, address, pid=None).version() == "2.51.0"


@pytest.mark.parametrize("address", ["http://127.0.0.1:8000", "127.0.0.1", "127.0.0.1:", "[::1]:1", "127.0.0.1:99999"])
def test_an_address_that_is_none_is_one_sentence(address: str) -> None:
    """Whoever writes it otherwise hears that nobody answers there."""
    server = Server(address, address, pid=None, request_timeout_s=2)
    assert not server.is_live()
    with pytest.raises(StageError, match="the Triton server did not give its version"):
        server.version()
