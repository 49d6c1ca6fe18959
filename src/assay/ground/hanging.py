"""An end for a process that was told to end and does not, because Python did not get to see the signal.

The kernel gives a signal to any thread of a process. Where that is not the main one, the call that the main one waits
in goes on, and Python's handlers run in no other thread. And C code may wait for ever, whatever comes.
"""

import os
import signal
import threading
import time
from collections.abc import Callable, Collection
from typing import NoReturn

# Longer than it takes to end a server, on a busy machine, too.
GRACE_S = 60
_MOMENT_S = 0.2


def ends_in_any_case(numbers: Collection[int], is_heard: Callable[[], bool], code_of: Callable[[int], int]) -> None:
    """From here on, see to it that one of these signals ends this process.

    The main thread gets it again until `is_heard`. A process that has not ended by itself some time later ends with
    the code of that signal, and cleans up nothing.
    """
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    # Written to by Python's C code as a signal comes, whatever the main thread does.
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    # A child's signals are its own.
    os.register_at_fork(after_in_child=lambda: signal.set_wakeup_fd(-1))
    threading.Thread(target=_wait, args=(reading, numbers, is_heard, code_of), daemon=True).start()


def _wait(
    reading: int, numbers: Collection[int], is_heard: Callable[[], bool], code_of: Callable[[int], int]
) -> NoReturn:
    while (number := os.read(reading, 1)[0]) not in numbers:
        pass
    ends = time.monotonic() + GRACE_S
    while time.monotonic() < ends:
        if not is_heard():
            signal.pthread_kill(threading.main_thread().ident or 0, number)
        time.sleep(min(_MOMENT_S, GRACE_S))
    os.write(2, f"error: it did not end within {GRACE_S} s of signal {number}, and was ended\n".encode())
    os._exit(code_of(number))
