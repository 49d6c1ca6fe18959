"""Somebody at an address who is no Triton server: what one does with a connection, well or badly."""

import contextlib
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from assay.serving.launch import HOST


@contextmanager
def answering(behave: Callable[[socket.socket], None]) -> Iterator[str]:
    """Accept connections at an address, and do something with each, until the block ends."""
    with socket.create_server((HOST, 0)) as listening:

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listening.accept()
                    threading.Thread(target=serve, args=[connection], daemon=True).start()

        def serve(connection: socket.socket) -> None:
            with contextlib.suppress(OSError), connection:
                behave(connection)

        threading.Thread(target=accept, daemon=True).start()
        try:
            yield f"{HOST}:{listening.getsockname()[1]}"
        finally:
            with contextlib.suppress(OSError):
                listening.shutdown(socket.SHUT_RDWR)


def response(body: bytes, status: str = "200 OK", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def request_of(connection: socket.socket) -> bytes:
    """Receive a request: one that is answered unread may be reset."""
    received, length = b"", 0
    while not (head := received.partition(b"\r\n\r\n"))[1] or len(head[2]) < length:
        if not (part := connection.recv(65536)):
            break
        received += part
        if found := re.search(rb"Content-Length: (\d+)", received):
            length = int(found[1])
    return received


def says(answer: bytes) -> Callable[[socket.socket], None]:
    def behave(connection: socket.socket) -> None:
        request_of(connection)
        connection.sendall(answer)

    return behave


def never(connection: socket.socket) -> None:
    """Take what comes, and say nothing."""
    while connection.recv(65536):
        pass


def a_byte_now_and_then(connection: socket.socket) -> None:
    """Answer for ever, one byte at a time: headers first."""
    for byte in b"HTTP/1.1 200 OK\r\nX-Long: ":
        connection.sendall(bytes([byte]))
        time.sleep(0.02)
    while True:
        connection.sendall(b"x")
        time.sleep(0.02)


def a_body_now_and_then(connection: socket.socket) -> None:
    """Answer the headers at once, and the body for ever."""
    request_of(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
    while True:
        connection.sendall(b"[")
        time.sleep(0.02)


def not_reading(connection: socket.socket) -> None:
    """Take nothing of a request, either."""
    time.sleep(5)
    connection.close()
