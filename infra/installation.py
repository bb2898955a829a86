"""Which installation a log belongs to: its ids were derived with one secret, and only with that."""

from domain.shared.ids import Ids
from infra.postgres import Connection


def same_installation(connection: Connection, ids: Ids, *, claim: bool = True) -> bool:
    """Tell whether the log's ids were derived with this secret; `claim`: a new log is ours now."""
    fingerprint = ids.content(b"huike installation")
    if claim:
        connection.execute(
            "update log.installation set fingerprint = %s where fingerprint is null", (fingerprint,)
        )
    row = connection.execute("select fingerprint from log.installation").fetchone()
    return row is not None and (row[0] is None or bytes(row[0]) == fingerprint)
