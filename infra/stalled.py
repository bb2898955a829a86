"""Sessions that stalled in the midst of a COPY: Postgres waits for the rest without end.

Whoever copies may hold a lock that all others need (the log's, say). If its client hangs or its
machine is gone, none of Postgres' time-outs ends that: they look between commands.
"""

from typing import Any, Final

import psycopg
import structlog

log = structlog.get_logger("postgres")

_END: Final = """
begin;
set local role none;
select pid, application_name, pg_terminate_backend(pid) from pg_stat_activity
where datname = current_database() and application_name like 'huike:huike!_%' escape '!'
  and state = 'active' and wait_event = 'ClientRead' and query ilike 'copy %'
  and query_start < clock_timestamp() - interval '{seconds} seconds'
  and pg_has_role(usesysid, 'usage');
commit
"""
"""The login ends sessions of its own: a role that it takes on may not."""


def end_stalled_copies(connection: psycopg.Connection[Any], seconds: float) -> None:
    """End what copies into this database, in a role of ours, and was waited for so long.

    What is copied is at hand before it begins, so that nobody who lives takes that long.
    """
    cursor = connection.execute(_END.format(seconds=seconds).encode())
    while cursor.description is None:
        cursor.nextset()
    for pid, name, _ in cursor.fetchall():
        log.warning("session.stalled", pid=pid, application=name)
