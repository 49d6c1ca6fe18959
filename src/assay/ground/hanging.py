"""An end for a process that was told to end and does not: C code that waits for ever never lets Python see a signal."""

import os
import signal
import threading
import time
from collections.abc import Callable, Collection
from typing import NoReturn

# Longer than it takes to end a server, on a busy machine, too.
GRACE_S = 60


def ends_in_any_case(numbers: Collection[int], code_of: Callable[[int], int]) -> None:
    """From here on, end this process some time after one of these signals came, if it has not ended by itself.

    It then ends with the code of that signal, and cleans up nothing.
    """
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    # Written to by Python's C code as a signal comes, whatever the main thread does.
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    # A child's signals are its own.
    os.register_at_fork(after_in_child=lambda: signal.set_wakeup_fd(-1))
    threading.Thread(target=_wait, args=(reading, numbers, code_of), daemon=True).start()


def _wait(reading: int, numbers: Collection[int], code_of: Callable[[int], int]) -> NoReturn:
    while (number := os.read(reading, 1)[0]) not in numbers:
        pass
    time.sleep(GRACE_S)
    os.write(2, f"error: it did not end within {GRACE_S} s of signal {number}, and was ended\n".encode())
    os._exit(code_of(number))
