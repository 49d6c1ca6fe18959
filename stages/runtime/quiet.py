"""Import TensorFlow without its start-up chatter about GPUs that are not there."""

import os
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from runtime.process import follow_dvc, interrupted


@contextmanager
def quiet_tensorflow() -> Iterator[None]:
    """Hold back what libraries write to stderr while they load; show it if loading fails.

    TensorFlow's C++ parts log before any level can be set, so the file descriptor
    itself is redirected. Afterwards only fatal C++ messages are printed. Loading takes
    seconds, in which DVC may die.
    """
    follow_dvc()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # Google's client library warns about the age of Python 3.11; nothing here uses it to train.
    warnings.filterwarnings("ignore", category=FutureWarning, module=r"google\.api_core")
    sys.stderr.flush()
    stderr = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        except KeyboardInterrupt:
            os.dup2(stderr, 2)
            interrupted()
        except BaseException:
            held.seek(0)
            os.write(stderr, held.read())
            raise
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
