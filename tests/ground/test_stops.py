"""Stopped, as by Ctrl-Z, and going on: nothing that was timed meanwhile is believed, and nothing is given up."""

import os
import re
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from forked import Outcome, forked
from listening import answering, never, request_of, response

from assay.ground import stops
from assay.load.window import Load, UnusableWindowError, measure
from assay.serving.bounded_http import Question

STOP = "(sleep 0.6; kill -CONT {0}) & kill -STOP {0}"


def stopped(work: Callable[[], None]) -> Outcome:
    """Run `work` in a process that notices when it goes on."""

    def noticing() -> None:
        stops.notice()
        work()

    return forked(noticing, seconds=20)


@pytest.mark.parametrize("ends", ["soon", "never"])
def test_a_window_in_which_all_was_stopped_is_measured_again(tmp_path: Path, ends: str) -> None:
    """Whatever perf_analyzer says of it, and also if it has no time left to say anything."""
    program = tmp_path / "perf_analyzer"
    program.write_text(f"#!/bin/sh\n{STOP.format('$PPID')}\nsleep {'0.1' if ends == 'soon' else '10'}\nexit 3\n")
    program.chmod(0o755)
    load = Load("m", "127.0.0.1:1", "grpc", tmp_path / "input.json", demand=1, window_ms=1, patience_s=0.5)

    def work() -> None:
        with pytest.raises(UnusableWindowError, match="this process was stopped, and went on, while m was measured"):
            measure(program, {"PATH": "/usr/bin:/bin"}, load, tmp_path / "window.csv")

    assert stopped(work) == Outcome(0, "")


def test_a_question_is_asked_again_whose_time_went_by_meanwhile() -> None:
    """A server is not late because nobody was there to hear it; one that is late all the same is."""
    asked = []

    def stopping_once(connection: socket.socket) -> None:
        asked.append(re.search(rb"/(\d+) ", request_of(connection)))
        if len(asked) == 1 and asked[0]:
            subprocess.run(["sh", "-c", f"{STOP.format(asked[0][1].decode())}; wait"], check=True)
        connection.sendall(response(b"here"))

    with answering(stopping_once) as address, answering(never) as silent:

        def work() -> None:
            print(Question(address, f"/{os.getpid()}").ask(0.3, 1000).body.decode())
            with pytest.raises(TimeoutError):
                Question(silent, "/").ask(0.1, 1000)

        assert stopped(work) == Outcome(0, "here\n")
    assert len(asked) == 2
