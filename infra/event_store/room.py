"""Room for the facts to come: partitions are made before the log reaches them."""

import time
from typing import Final

from infra.postgres import Connection

PART: Final = 5_000_000
"""Facts in one partition, as `log.ensure_room` makes them."""


class Room:
    """How far there is room, as far as one writer knows."""

    def __init__(self) -> None:
        self._upto = 0
        self._month = ""

    def ensure(self, connection: Connection, head: int) -> None:
        """Have the next partitions made, at most once in half of one, and as a month begins."""
        month = time.strftime("%Y-%m", time.gmtime())
        if head < self._upto and month == self._month:
            return
        row = connection.execute("select coalesce(max(position), 0) from log.batch").fetchone()
        assert row is not None
        connection.execute("select log.ensure_room(%s, now())", row)
        self._upto = row[0] + PART // 2
        self._month = month
