"""Sessions that stalled in the midst of a command: Postgres waits for the rest without end.

Whoever copies may hold a lock that all others need (the log's, say). If its client hangs, none of
Postgres' time-outs ends that: a session that reads what a command still needs looks at none of them
(nor does one before Postgres 17 between the commands of a pipeline).
"""

from typing import Any, Final

import psycopg
import structlog

log = structlog.get_logger("postgres")

_END: Final = """
set local role none;
select pid, application_name, pg_terminate_backend(pid) from pg_stat_activity
where datname = current_database() and application_name like 'huike:huike!_%' escape '!'
  and application_name <> 'huike:huike_owner'
  and state = 'active' and wait_event = 'ClientRead'
  and query_start < clock_timestamp() - interval '{seconds} seconds'
  and usesysid in (
    select oid from pg_roles where pg_has_role(oid, 'usage') and (not rolsuper or (
      select rolsuper from pg_roles where rolname = current_user)))
"""
"""The login ends sessions of its own: a role that it takes on may not. In one transaction, as all
that is sent at once. The owner restores backups, by a COPY that takes minutes."""


def end_stalled(connection: psycopg.Connection[Any], seconds: float) -> None:
    """End what servers and workers began in this database so long ago and do not go on with.

    `connection`: in autocommit. All that a command of theirs needs comes within a few seconds.
    """
    cursor = connection.execute(_END.format(seconds=seconds).encode())
    cursor.nextset()
    for pid, name, ended in cursor.fetchall():
        if ended:
            log.warning("session.stalled", pid=pid, application=name)
