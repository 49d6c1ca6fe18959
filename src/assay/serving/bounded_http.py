"""Ask over HTTP, with a deadline for the whole of question and answer, and a limit to what an answer holds.

A timeout of a socket is for one piece: a server that sends a byte now and then is never too late for it.
"""

import io
import queue
import socket
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.message import Message
from http.client import HTTPConnection

from assay.ground import stops

_PIECE_BYTES = 2**20


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Message
    body: bytes


class _Received(io.RawIOBase):
    """What a socket receives until a deadline, in seconds of the monotonic clock, and up to a limit in bytes."""

    def __init__(self, connection: socket.socket, deadline: float, limit: int) -> None:
        self._connection, self._deadline, self._limit, self._count = connection, deadline, limit, 0

    def readable(self) -> bool:
        """Say that there is something to read."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Read a piece; raises TimeoutError after the deadline and OSError beyond the limit."""
        self._connection.settimeout(_left(self._deadline))
        count = self._connection.recv_into(buffer)
        self._count += count
        if self._count > self._limit:
            raise OSError(f"it answered more than {self._limit:,} bytes")
        return count


@dataclass(frozen=True)
class _Bounded:
    """A connected socket, as `HTTPConnection` uses one."""

    connection: socket.socket
    deadline: float
    limit: int

    def sendall(self, data: bytes) -> None:
        """Send everything; raises TimeoutError if that is not done by the deadline."""
        self.connection.settimeout(_left(self.deadline))
        self.connection.sendall(data)

    def makefile(self, _mode: str) -> io.BufferedReader:
        """Return what is received, to be read once."""
        return io.BufferedReader(_Received(self.connection, self.deadline, self.limit))

    def close(self) -> None:
        """Leave the connection to who opened it: an answer is read after its connection is done with."""


def _left(deadline: float) -> float:
    if (left := deadline - time.monotonic()) <= 0:
        raise TimeoutError
    return left


def _addresses(host: str, deadline: float) -> list[str]:
    """Return what a name stands for.

    Raises TimeoutError after the deadline, OSError or ValueError if nobody knows it.
    """
    found: queue.SimpleQueue[list[str] | OSError | ValueError] = queue.SimpleQueue()

    def look_up() -> None:
        try:
            found.put([str(address[0]) for *_, address in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)])
        except (OSError, ValueError) as error:
            found.put(error)

    # The system's own answer knows no deadline, and can be waited for only from beside.
    threading.Thread(target=look_up, daemon=True).start()
    try:
        answer = found.get(timeout=_left(deadline))
    except queue.Empty:
        raise TimeoutError from None
    if isinstance(answer, Exception):
        raise answer
    return answer


def _connect(host: str, port: int, deadline: float) -> socket.socket:
    """Return a connection to the first of a host's addresses that takes one."""
    failure: OSError = TimeoutError()
    for address in _addresses(host, deadline):
        try:
            return socket.create_connection((address, port), timeout=_left(deadline))
        except OSError as error:
            failure = error
    raise failure


@dataclass(frozen=True)
class Question:
    """One request to an address, host:port; a body makes it a POST."""

    address: str
    path: str
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def ask(self, patience_s: float, limit: int) -> Answer:
        """Return the answer, which is whole.

        Raises TimeoutError if it takes longer, OSError or HTTPException if there is none, or too large a one, and
        ValueError if the address is none. A question in which this process was stopped is asked again.
        """
        stopped = stops.count()
        try:
            return self._ask_once(patience_s, limit)
        except TimeoutError:
            if stops.count() == stopped:
                raise
        return self.ask(patience_s, limit)

    def _ask_once(self, patience_s: float, limit: int) -> Answer:
        deadline = time.monotonic() + patience_s
        host, _, port = self.address.rpartition(":")
        http = HTTPConnection(host.strip("[]"), int(port))
        with _connect(http.host, http.port, deadline) as connection:
            http.sock = _Bounded(connection, deadline, limit)
            headers = {**self.headers, "Connection": "close"}
            http.request("GET" if self.body is None else "POST", self.path, self.body, headers)
            with http.getresponse() as answer:
                body = b"".join(iter(lambda: answer.read(_PIECE_BYTES), b""))
                if answer.length:
                    raise OSError("its answer broke off")
                return Answer(answer.status, answer.headers, body)
