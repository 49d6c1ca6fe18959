"""Looking up a server's name has its share of the deadline; who waits for the system's answer waits no longer."""

import re
import socket
import time

import pytest
from listening import answering, response, says

from assay.serving.bounded_http import Question


def slow_look_up(*_arguments: object, **_named: object) -> list[object]:
    time.sleep(5)
    return []


def test_a_name_that_nobody_looks_up_in_time_is_late(monkeypatch: pytest.MonkeyPatch) -> None:
    """A resolver that says nothing for a long time ends as a server does that says nothing."""
    monkeypatch.setattr(socket, "getaddrinfo", slow_look_up)
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        Question("a.server:8000", "/").ask(0.2, 1000)
    assert time.monotonic() - began < 4


@pytest.mark.parametrize(
    ("host", "error"), [("no.such.server.invalid", socket.gaierror), ("a" * 70, (UnicodeError, socket.gaierror))]
)
def test_a_name_that_nobody_knows_is_no_server(host: str, error: type[Exception]) -> None:
    """The resolver's own error, at once; also of a name that is none."""
    with pytest.raises(error):
        Question(f"{host}:8000", "/").ask(20, 1000)


def test_each_address_of_a_name_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    """As of `localhost`, where the server may listen at one of two: the last one that fails is told."""
    with answering(says(response(b"here"))) as address:
        port = address.rpartition(":")[2]
        found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, 0)) for each in ("127.0.0.2", "127.0.0.1")]
        look_up = socket.getaddrinfo
        monkeypatch.setattr(
            socket, "getaddrinfo", lambda host, *a, **k: found if host == "a.server" else look_up(host, *a, **k)
        )
        assert Question(f"a.server:{port}", "/").ask(5, 1000).body == b"here"
    with pytest.raises(ConnectionRefusedError, match=re.escape("Connection refused")):
        Question(f"a.server:{port}", "/").ask(5, 1000)
