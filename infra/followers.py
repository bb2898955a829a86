"""Reads how far behind the log's head its followers are: each view, and the relay."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Final

import psycopg
import structlog

from infra.metrics import Follower
from infra.postgres import Pool

_LOG: Final = """
select coalesce((select max(position) from log.batch), 0),
       (select position from log.relay)
"""
_VIEWS: Final = """
select view, position, (select count(*) from huike.trouble t where t.view = f.view)
from huike.freshness f order by view
"""
_NEXT: Final = "select recorded_at from log.batch where position > %s order by position limit 1"

log = structlog.get_logger("metrics")


class Followers:
    """Asked by the metrics, never by requests."""

    def __init__(self, log_pool: Pool, views_pool: Pool, now: Callable[[], datetime]) -> None:
        self._log = log_pool
        self._views = views_pool
        self._now = now

    def __call__(self) -> Iterable[Follower]:
        """Return them; without a database that answers in time, none."""
        try:
            return list(self._read())
        except psycopg.Error as error:
            log.warning("metrics.unread", error=type(error).__name__)
            return ()

    def _read(self) -> Iterable[Follower]:
        with self._views.connection(timeout=2) as connection:
            views = connection.execute(_VIEWS).fetchall()
        with self._log.connection(timeout=2) as connection:
            head, relayed = connection.execute(_LOG).fetchone() or (0, None)
            places = [("view", *view) for view in views]
            if relayed is not None:
                places.append(("relay", "kafka", relayed, 0))
            for kind, name, position, stopped in places:
                waiting = connection.execute(_NEXT, (position,)).fetchone()
                since = 0.0 if waiting is None else (self._now() - waiting[0]).total_seconds()
                yield Follower(
                    kind=kind,
                    name=name,
                    position=position,
                    facts_behind=max(head - position, 0),
                    seconds_behind=max(since, 0.0),
                    stopped=stopped,
                )
