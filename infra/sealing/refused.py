"""The keys of refused events: each has its own, which is destroyed with whom it names."""

import os
from collections.abc import Collection, Sequence
from typing import Any, Final, NamedTuple
from uuid import UUID

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from domain.shared.personal import KeyForgotten
from infra.arrays import uuids
from infra.keyring import SpoiledKey
from infra.sealing.envelope import both, seal, unseal
from infra.sealing.periods import PeriodKeys

PURPOSE: Final = "refused"

_MAKE: Final = """
insert into keeper.refused_key (id, epoch, wrapped)
select k.* from unnest(%b::uuid[], %b::int4[], %b::bytea[]) as k order by 1 on conflict do nothing
"""
_FIND: Final = "select id, epoch, wrapped from keeper.refused_key where id = any(%b)"


class RefusedEvent(NamedTuple):
    """A refused event: what was sent, or what that was sealed as. `month` is when it came."""

    id: UUID
    shop: str
    source: str
    month: str
    content: bytes


class RefusedKeys(PeriodKeys):
    """Seals each refused event under a key of its own and that of its month, together."""

    def seal_refused(self, events: Sequence[RefusedEvent]) -> list[bytes]:
        """Seal events, under keys that are made where there are none.

        Raises KeyForgotten once a month's key was destroyed.
        """
        own = self._made_own({event.id for event in events})
        return [
            seal(self._mixed(own[event.id], event), event.content, _context(event))
            for event in events
        ]

    def seal_refused_again(self, events: Sequence[RefusedEvent]) -> list[bytes | None]:
        """Seal events under the keys that they were given before; None where a key is gone."""
        own = self._found_own({event.id for event in events})
        return [
            seal(self._mixed(own[event.id], event), event.content, _context(event))
            if event.id in own
            else None
            for event in events
        ]

    def open_refused(self, events: Sequence[RefusedEvent]) -> list[bytes | None]:
        """Open what `seal_refused` made; None where a key is gone, or it is not of this key."""
        own = self._found_own({event.id for event in events})
        return [self._opened(own.get(event.id), event) for event in events]

    def forget_refused(self, events: Collection[UUID]) -> None:
        """Destroy the keys of events: no row, no letter and, a new epoch on, no backup opens."""
        with self._pool.connection() as connection:
            connection.execute(
                "delete from keeper.refused_key where id = any(%b)", (_numbers(events),)
            )

    def _opened(self, own: bytes | None, event: RefusedEvent) -> bytes | None:
        if own is None:  # destroyed; or it was kept when events had none, then its month's opens it
            name = (PURPOSE, event.shop, event.source, event.month)
            return self.open_period(*name, event.content)
        try:
            return unseal(self._mixed(own, event), event.content, _context(event))
        except (KeyForgotten, SpoiledKey):
            return None

    def _mixed(self, own: bytes, event: RefusedEvent) -> AESGCM:
        months = self.period_key(PURPOSE, event.shop, event.source, event.month)
        return both(months, own, b"huike refused")

    def _made_own(self, events: Collection[UUID]) -> dict[UUID, bytes]:
        keys = {id_: os.urandom(32) for id_ in events}

        def insert() -> None:
            wrapped = [self._keyring.wrap(key, id_.bytes) for id_, key in keys.items()]
            made = ([epoch for epoch, _ in wrapped], [key for _, key in wrapped])
            with self._pool.connection() as connection:
                connection.execute(_MAKE, (_numbers(keys), *made), binary=True)

        self.under_current(insert)
        return self._found_own(events)

    def _found_own(self, events: Collection[UUID]) -> dict[UUID, bytes]:
        return self.under_any(lambda again: self._read_own(events, again=again))

    def _read_own(self, events: Collection[UUID], *, again: bool) -> dict[UUID, bytes]:
        with self._pool.connection() as connection:
            rows = connection.execute(_FIND, (_numbers(events),), binary=True).fetchall()
            return self._unwrap(
                connection,
                ((row[0], row[1], row[2], row[0].bytes) for row in rows),
                leave_out=again,
            )


def _context(event: RefusedEvent) -> bytes:
    return b"refused|" + event.id.bytes


def _numbers(events: Collection[UUID]) -> Any:
    return uuids([id_.int for id_ in events])
