"""Start a Triton server on loopback for as long as a `with` block lasts, and end it surely."""

import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, NamedTuple, cast

from assay.ground import supervisor
from assay.ground.owner import prefix
from assay.ground.process import StageError
from assay.serving.client import REQUEST_TIMEOUT_S, Server
from assay.serving.last_words import error_lines
from assay.serving.model_folder import put_together, served_name

HOST = "127.0.0.1"
START_ATTEMPTS = 3
_POLL_S = 0.05
# The supervisor kills the server and cleans up in a moment; beyond this, something is wrong with it.
_STOP_TIMEOUT_S = 10
_SUPERVISOR_TIMEOUT_S = 30
_PORT_TAKEN = ("already in use", "Address in use", "port is already allocated")
_CONNECT_TIMEOUT_S = 5


@dataclass(frozen=True)
class Place:
    """Where one server runs: its own folder with `models/` in it, and loopback ports.

    `prefix` begins the names of its shared memory, and is what it calls itself. It `completes` configurations that
    leave something out.
    """

    folder: Path
    models: tuple[str, ...]
    http_port: int
    grpc_port: int
    prefix: str
    completes: bool = False


class Farewell(NamedTuple):
    """A command that ends what killing a server's own does not, and what that is, in words.

    It may fail with one of the words that say that there is nothing left to end, in small letters.
    """

    command: tuple[str, ...] = ()
    ends: str = ""
    nothing_left: tuple[str, ...] = ()


NO_FAREWELL = Farewell()


@dataclass(frozen=True)
class Launch:
    """A command that runs a server in the foreground.

    `farewell` ends what killing that command does not, such as a container. `counted` says
    whether the server's processes are the command's own, so that their cost can be read.
    """

    command: list[str]
    environment: dict[str, str]
    farewell: Farewell = NO_FAREWELL
    counted: bool = True


class PortTakenError(Exception):
    """Another process took a port between finding it free and the server's start."""


def free_ports(count: int) -> list[int]:
    """Return loopback ports that are free now, all different; raises StageError if nobody could reach them."""
    try:
        with (
            socket.create_server((HOST, 0)) as asked,
            socket.create_connection(asked.getsockname(), _CONNECT_TIMEOUT_S),
        ):
            pass
    except OSError as error:
        raise StageError(
            f"this machine does not reach itself at {HOST}, where servers listen: {error.strerror or error}; "
            "`ip link set lo up` may mend that"
        ) from None
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind((HOST, 0))
        return [each.getsockname()[1] for each in sockets]


def _ended(code: int) -> str:
    """Return how a process ended, in words: with an exit code, which is negative for a signal, that is named."""
    names = [each.name for each in signal.Signals if each == -code]
    return ", ".join([f"exit code {code}", *names[:1]])


class _Supervised:
    """One started server with its supervisor."""

    def __init__(self, launch: Launch, place: Place) -> None:
        self.launch, self.place = launch, place
        reading, self.lifeline = os.pipe()
        try:
            program = [sys.executable, "-I", "-S", supervisor.__file__, str(reading), str(place.folder), place.prefix]
            self.process = subprocess.Popen(
                [*program, json.dumps(launch.farewell), *launch.command],
                stdout=subprocess.PIPE,
                env=launch.environment,
                pass_fds=[reading],
                start_new_session=True,
            )
        except BaseException:
            os.close(self.lifeline)
            raise
        finally:
            os.close(reading)
        self._told, self._read = cast(IO[bytes], self.process.stdout), b""
        try:
            started = self._line(_SUPERVISOR_TIMEOUT_S)
            if not started:
                raise StageError(f"the server's supervisor did not start within {_SUPERVISOR_TIMEOUT_S} s")
            if started.startswith("failed "):
                raise StageError(f"the Triton server cannot be run: {started.removeprefix('failed ')}")
            self.pid = int(started.removeprefix("started "))
        except BaseException:
            self.stop()
            raise

    def _line(self, timeout_s: float) -> str:
        # Read past Python's buffer, for what waits in it select does not see.
        if b"\n" not in self._read and select.select([self._told], [], [], timeout_s)[0]:
            self._read += os.read(self._told.fileno(), 4096)
        line, ended, rest = self._read.partition(b"\n")
        if not ended:
            return ""
        self._read = rest
        return line.decode(errors="replace")

    def exit_code(self, within_s: float = 0) -> int | None:
        """Return the server's exit code, negative for a signal, or None if it still runs after a while."""
        line = self._line(within_s)
        # A supervisor that was killed said nothing, and took the server with it.
        return int(line.removeprefix("exited ")) if line else self.process.poll()

    def log(self) -> str:
        """Return everything the server has printed, without the folder that models were copied to."""
        try:
            text = (self.place.folder / "server.log").read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:  # the supervisor was killed, and the folder has gone with the server
            return ""
        return text.replace(f"{self.place.folder}/", "")

    def stop(self) -> None:
        """End the server and make sure that nothing of it is left."""
        os.close(self.lifeline)
        try:
            self.process.wait(_STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        # The supervisor has done all of this already unless it was killed itself.
        if self.process.returncode != 0:
            supervisor.say_farewell(*self.launch.farewell)
            supervisor.end_marked(self.place.prefix)
        supervisor.remove_shared_memory(self.place.prefix, self.place.folder)
        shutil.rmtree(self.place.folder, ignore_errors=True)


def _wait_until_ready(server: Server, process: _Supervised, timeout_s: float) -> None:
    """Return once every model can answer; raise with the server's own words otherwise."""
    deadline, late = time.monotonic() + timeout_s, False
    while not server.is_ready():
        code = process.exit_code()
        if code is not None:
            log = process.log()
            if any(text in log for text in _PORT_TAKEN):
                raise PortTakenError
            raise StageError(f"the Triton server did not start ({_ended(code)}); it said:\n  {error_lines(log)}")
        if late:
            raise StageError(
                f"the Triton server was not ready within timeouts.start_s = {timeout_s:g} s; "
                f"its last words:\n  {error_lines(process.log())}"
            )
        # The last look comes after the deadline: this process may have been stopped up to there.
        if not (late := time.monotonic() > deadline):
            time.sleep(_POLL_S)


def _start(
    prepare: Callable[[Place], Launch],
    models: Sequence[Path],
    timeout_s: float,
    request_timeout_s: float,
    *,
    completes: bool,
) -> tuple[Server, _Supervised]:
    http_port, grpc_port = free_ports(2)
    folder = Path(tempfile.mkdtemp(prefix=prefix()))
    place = Place(
        folder=folder,
        models=tuple(map(served_name, models)),
        http_port=http_port,
        grpc_port=grpc_port,
        prefix=f"{folder.name}_",
        completes=completes,
    )
    try:
        put_together(models, place.folder / "models")
        launch = prepare(place)
        process = _Supervised(launch, place)
    except BaseException:
        shutil.rmtree(place.folder, ignore_errors=True)
        raise
    server = Server(
        http_address=f"{HOST}:{http_port}",
        grpc_address=f"{HOST}:{grpc_port}",
        pid=process.pid if launch.counted else None,
        identifier=place.prefix,
        folder=place.folder,
        request_timeout_s=request_timeout_s,
    )
    try:
        _wait_until_ready(server, process, timeout_s)
    except BaseException:
        server.close()
        process.stop()
        raise
    return server, process


@contextmanager
def launched(
    prepare: Callable[[Place], Launch],
    models: Sequence[Path],
    timeout_s: float,
    request_timeout_s: float = REQUEST_TIMEOUT_S,
    *,
    completes: bool = False,
) -> Iterator[Server]:
    """Serve the given model folders, and nothing else, inside the block.

    `prepare` says how to start the server, which then has `timeout_s` to become ready, and answers a small question
    within `request_timeout_s`. However the block is left, its processes, ports,
    shared memory and files are gone afterwards. Raises StageError with the server's own
    error lines if it does not start.
    """
    for _attempt in range(START_ATTEMPTS):
        try:
            server, process = _start(prepare, models, timeout_s, request_timeout_s, completes=completes)
            break
        except PortTakenError:
            continue
    else:
        raise StageError(f"{START_ATTEMPTS} times another process took the server's port first; try again")
    try:
        yield server
    except StageError as error:
        # Whatever failed, a dead server is the reason worth telling; its end may not be known yet.
        code = process.exit_code(within_s=1)
        if code is not None:
            said = error_lines(process.log())
            raise StageError(f"the Triton server died ({_ended(code)}): {error}\n  {said}") from None
        raise
    finally:
        server.close()
        process.stop()
