"""A log that was put back to an earlier state is another log from there on, and says so."""

from uuid import UUID, uuid4

from infra.postgres import OWNER, Connection


def part_ways(connection: Connection) -> tuple[UUID, int]:
    """Give the log another incarnation; return it, and the last position that both have.

    Call it in a transaction, before anything starts on that log. The facts up to there are the same
    ones; what the former log recorded after it, this one will never have.
    """
    made = uuid4()
    connection.execute(f"set local role {OWNER}".encode())
    row = connection.execute(
        "insert into log.ancestor (incarnation, position) "
        "select incarnation, (select coalesce(max(position), 0) from log.batch) "
        "from log.installation returning position"
    ).fetchone()
    assert row is not None
    connection.execute("update log.installation set incarnation = %s", (made,))
    connection.execute("set local role none")
    return made, row[0]
