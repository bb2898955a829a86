"""API keys that were revoked, kept with persons' keys: a restore of older data revives none."""

from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec

from infra.backup.records import Kept
from infra.postgres import Connection

REVOKED: Final = "revoked-api-keys"
"""What is called so in a keys file: the ids, and since when they open nothing."""

_REVOKE: Final = """
update log.api_key k set revoked_at = r.revoked_at
from unnest(%s::uuid[], %s::timestamptz[]) as r(id, revoked_at)
where k.id = r.id and k.revoked_at is null
"""


def revoked_keys(connection: Connection) -> Kept:
    """Return the keys that are revoked, for a keys file."""
    rows = connection.execute(
        "select id, revoked_at from log.api_key where revoked_at is not null order by id"
    ).fetchall()
    return Kept(REVOKED, msgspec.json.encode(dict(rows)))


def revoke_again(owner: Connection, content: bytes) -> int:
    """Revoke the keys of a keys file that live; return how many did."""
    revoked = msgspec.json.decode(content, type=dict[UUID, datetime])
    return owner.execute(_REVOKE, (list(revoked), list(revoked.values()))).rowcount
