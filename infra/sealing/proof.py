"""Whether an epoch's key is the one that keys were wrapped by: it opens one of them."""

from collections.abc import Iterable, Iterator
from typing import Any, Final, TypeVar

import psycopg
import structlog

from infra.keyring import EpochKeys, KeyringLost, WrongKey

Name = TypeVar("Name")

log = structlog.get_logger("keyring")

_SOME: Final = """
(select uuid_send(identity), wrapped from keeper.person_key
 where epoch = %(epoch)s and wrapped is not null limit 50)
union all
(select convert_to(concat_ws(chr(31), purpose, shop, source, period), 'UTF8'), wrapped
 from keeper.period_key where epoch = %(epoch)s and wrapped is not null limit 50)
union all
(select uuid_send(id), wrapped from keeper.refused_key where epoch = %(epoch)s limit 50)
"""


def prove(connection: psycopg.Connection[Any], keyring: EpochKeys, epoch: int) -> bool:
    """Open a key that is wrapped under an epoch; False when there is none.

    One that opens is enough, as others may be spoiled. Raises KeyringLost, VaultFailed.
    """
    rows = connection.execute(_SOME, {"epoch": epoch}).fetchall()
    for context, wrapped in rows:
        try:
            keyring.unwrap(epoch, wrapped, context)
        except WrongKey:
            continue
        return True
    if rows:
        msg = (
            f"Epoch key {epoch} on the keyring is another one than keys are wrapped by: "
            "put back the keyring's newest copy"
        )
        raise KeyringLost(msg)
    return False


def unspoiled(
    connection: psycopg.Connection[Any],
    keyring: EpochKeys,
    rows: Iterable[tuple[Name, int, bytes, bytes]],
) -> Iterator[tuple[Name, bytes]]:
    """Unwrap keys, each with its name, epoch and context; leave out those that are spoiled.

    Spoiled is what does not open though the keyring opens others; it is named in the service's
    log. Raises KeyringLost where it opens none.
    """
    right: dict[int, bool] = {}
    for name, epoch, wrapped, context in rows:
        try:
            key = keyring.unwrap(epoch, wrapped, context)
        except KeyringLost as lost:
            if epoch not in right:
                right[epoch] = _is_right(connection, keyring, epoch)
            if not right[epoch]:
                raise
            log.error("key.spoiled", key=str(name), epoch=epoch, why=str(lost))  # noqa: TRY400  # why says all
        else:
            yield name, key


def _is_right(connection: psycopg.Connection[Any], keyring: EpochKeys, epoch: int) -> bool:
    """Tell whether the keyring opens others, of that epoch or, if it ended, of one since."""
    since = [held for held in sorted(keyring.held) if held > epoch]
    return any(
        prove(connection, keyring, held) for held in ([epoch] if epoch in keyring.held else since)
    )
