"""Say why a program could not be started: what Python raises of one looks like any file's fault, and says not where."""

import errno
import os
from pathlib import Path

from assay.ground.quoting import printable

# This process or machine has too much of something already, and another program would be none the better.
_WITHOUT_ROOM = (errno.EMFILE, errno.ENFILE, errno.EAGAIN, errno.ENOMEM)


def started_by(error: OSError) -> str | None:
    """Return the program that was to be started when an error was raised, None if it is about anything else."""
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    if trace is None or trace.tb_frame.f_code.co_name != "_execute_child":
        return None
    # The folder to work in may be what is missing.
    is_program = isinstance(error.filename, str) and error.filename != trace.tb_frame.f_locals.get("cwd")
    return error.filename if is_program else None


def not_started(program: str, error: OSError, remedy: str) -> str:
    """Say that a program is not installed, or where it lies and why it cannot be run, and the remedy of either."""
    folders = [""] if os.sep in program else os.get_exec_path()
    path = next((each for folder in folders if (each := Path(folder, program)).exists()), None)
    if path is None:
        return f"{printable(program)} is not installed; {remedy}"
    if error.errno in _WITHOUT_ROOM:
        return f"{printable(program)} cannot be started: {error.strerror}; end other programs, or raise a `ulimit`"
    why = "it is a folder" if path.is_dir() else error.strerror or error
    return f"{printable(path)} cannot be run as a program: {why}; {remedy}"
