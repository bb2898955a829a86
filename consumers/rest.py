"""Resting between batches, so that more comes together: a batch costs, whatever is in it."""

import threading
from time import monotonic
from typing import Final

SHARE: Final = 0.5
"""Of the time that the batch took: who is done quickly rests little, so that facts show at once."""
MOST: Final = 0.2


def rest(stop: threading.Event, since: float) -> None:
    """Rest after a batch that was begun at an instant of `time.monotonic`."""
    stop.wait(min((monotonic() - since) * SHARE, MOST))
