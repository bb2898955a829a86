"""Whether an epoch's key is the one that keys were wrapped by: it opens one of them."""

from typing import Any, Final

import psycopg

from infra.keyring import EpochKeys, KeyringLost, WrongKey

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
