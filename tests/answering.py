"""A proxy before a server that speaks HTTP: it passes requests on, and does something to the answers."""

import json
import random
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from odd_values import changed, deep

Damage = Callable[[bytes, socket.socket], None]
# However slowly an answer drips, the proxy itself ends.
PATIENCE_S = 60.0


def _read_message(connection: socket.socket) -> bytes:
    """Return one whole HTTP message, or nothing where the connection ended."""
    received = b""
    while b"\r\n\r\n" not in received:
        part = connection.recv(65536)
        if not part:
            return b""
        received += part
    head, _, body = received.partition(b"\r\n\r\n")
    length = next(
        (int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0
    )
    while len(body) < length:
        part = connection.recv(65536)
        if not part:
            return b""
        body += part
    return head + b"\r\n\r\n" + body


def with_body(message: bytes, body: bytes) -> bytes:
    """Return an HTTP message with another body, its length told rightly."""
    head = message.partition(b"\r\n\r\n")[0]
    kept = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"content-length:")]
    return b"\r\n".join([*kept, b"Content-Length: %d" % len(body)]) + b"\r\n\r\n" + body


def _altered(message: bytes, chance: random.Random) -> bytes:
    head, _, body = message.partition(b"\r\n\r\n")
    # An answer to an inference begins with JSON of a length that the head tells.
    extra = b""
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"inference-header-content-length:"):
            length = int(line.split(b":")[1])
            body, extra = body[:length], body[length:]
    try:
        document = json.loads(body)
    except ValueError:
        return with_body(message, body + extra)
    text = json.dumps(changed(document, chance)).encode()
    length_of = b"Inference-Header-Content-Length: %d"
    return with_body(head.replace(length_of % len(body), length_of % len(text)) + b"\r\n\r\n", text + extra)


def damages(chance: random.Random) -> dict[str, Damage]:
    """Return what can be done to an answer, by name."""

    def later(message: bytes, to: socket.socket) -> None:
        time.sleep(chance.choice((0.05, 0.5, PATIENCE_S)))
        to.sendall(message)

    def cut(message: bytes, to: socket.socket) -> None:
        to.sendall(message[: chance.randrange(len(message))])

    def dripping(message: bytes, to: socket.socket) -> None:
        ends = time.monotonic() + PATIENCE_S
        for at in range(len(message)):
            if time.monotonic() > ends:
                return
            to.sendall(message[at : at + 1])
            time.sleep(chance.choice((0.0, 0.5)))

    def altered(message: bytes, to: socket.socket) -> None:
        to.sendall(_altered(message, chance))

    def replaced(message: bytes, to: socket.socket) -> None:
        nested = json.dumps(deep(900)).encode()
        odd = [b"", b"null", b"5", b"[]", b'"text"', b"{", b"<html>", b"\xff\xfe", nested, b"[" * 100_000]
        to.sendall(with_body(message, chance.choice(odd)))

    def refused(message: bytes, to: socket.socket) -> None:
        code = chance.choice((b"100", b"204", b"301", b"404", b"500", b"503", b"999", b"abc"))
        to.sendall(message.replace(b" 200 ", b" %s " % code, 1))

    def endless(message: bytes, to: socket.socket) -> None:
        ends = time.monotonic() + PATIENCE_S
        to.sendall(message.partition(b"\r\n\r\n")[0] + b"\r\nX-More: 1")
        while time.monotonic() < ends:
            to.sendall(b"0" * 65536)

    def turned(message: bytes, to: socket.socket) -> None:
        at, content = chance.randrange(len(message)), bytearray(message)
        content[at] ^= 1 << chance.randrange(8)
        to.sendall(bytes(content))

    def as_it_is(message: bytes, to: socket.socket) -> None:
        to.sendall(message)

    every = (later, cut, dripping, altered, replaced, refused, endless, turned, as_it_is)
    return {each.__name__: each for each in every}


@contextmanager
def answering(address: str, damage: Damage) -> Iterator[str]:
    """Yield an address at which the server at another answers, each answer damaged."""
    host, _, port = address.rpartition(":")
    listener = socket.create_server(("127.0.0.1", 0))
    opened: list[socket.socket] = []

    def serve(client: socket.socket) -> None:
        # Whoever asked may have gone, or the test may be over.
        with suppress(OSError), client, socket.create_connection((host, int(port)), timeout=10) as server:
            opened.append(server)
            while request := _read_message(client):
                server.sendall(request)
                damage(_read_message(server), client)

    def accept() -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                opened.append(client)
                threading.Thread(target=serve, args=(client,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield f"127.0.0.1:{listener.getsockname()[1]}"
    finally:
        for each in (listener, *opened):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
