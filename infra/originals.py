"""Messages of shops as they were sent: kept whole beside their facts, opened for auditors alone."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from domain.shared.refusals import NotFound
from infra.postgres import Pool
from infra.sealing import PersonKeys

_ROW = "select o.position, o.recorded_at, o.origin, o.shop, o.source, o.sealed, f.stream, f.subject"
_FIND = f"{_ROW} from log.original o join log.fact f using (position) where o.position = %s"
_OF = (
    f"{_ROW} from log.fact f join log.original o using (position, recorded_at)"
    " where f.origin = any(%s) and f.position > %s and f.position <= %s"
    " order by f.position limit %s"
)
_AT_ONCE = 500


class Original(msgspec.Struct, frozen=True, kw_only=True):
    """One message as it was sent; `message` None when a key that it takes was destroyed."""

    position: int
    recorded_at: datetime
    shop: str
    source: str
    customer: UUID | None
    message: msgspec.Raw | None


class Originals:
    """The messages of one installation."""

    def __init__(self, pool: Pool, keys: PersonKeys) -> None:
        self._pool = pool
        self._keys = keys

    def find(self, position: int) -> Original:
        """Return the message whose first fact stands at a position. Raises NotFound."""
        with self._pool.connection() as connection:
            row = connection.execute(_FIND, (position,)).fetchone()
        if row is None:
            raise NotFound(what="message at", id=position)
        return self._opened(row)

    def of(self, origins: Sequence[UUID], *, upto: int) -> Iterator[Original]:
        """Yield the messages of these identities up to a position, in order, a few in memory."""
        after = 0
        while True:
            with self._pool.connection() as connection:
                rows = connection.execute(_OF, (list(origins), after, upto, _AT_ONCE)).fetchall()
            self._keys.load([row[2] for row in rows])
            yield from map(self._opened, rows)
            if len(rows) < _AT_ONCE:
                return
            after = rows[-1][0]

    def _opened(self, row: tuple[Any, ...]) -> Original:
        position, recorded_at, origin, shop, source, sealed, stream, subject = row
        plain = self._keys.open_original(
            origin, stream, sealed, shop, source, f"{recorded_at:%Y-%m}"
        )
        return Original(
            position=position,
            recorded_at=recorded_at,
            shop=shop,
            source=source,
            customer=subject,
            message=None if plain is None else msgspec.Raw(plain),
        )
