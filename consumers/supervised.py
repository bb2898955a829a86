"""Ends a supervised process with its supervisor, however that one ended.

The supervisor holds the other end of the process's standard input and never writes to it. Whoever
kills the supervisor closes it: the process reads its end, and finishes what it began.
"""

import os
import signal
import threading
import time
from typing import Final

VARIABLE: Final = "HUIKE_SUPERVISED"

_FINISH_SECONDS: Final = 25.0


def end_with_supervisor() -> None:
    """Watch for the supervisor's end from now on; nothing for a process that has none."""
    if os.environ.pop(VARIABLE, None) is not None:  # its own children are not supervised
        threading.Thread(target=_watch, name="supervised", daemon=True).start()


def _watch() -> None:
    while os.read(0, 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(_FINISH_SECONDS)
    os.kill(os.getpid(), signal.SIGKILL)
