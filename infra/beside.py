"""What is kept of somebody beside their facts: erasures, refused events, reads, messages."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Protocol
from uuid import UUID

from domain.shared.ids import Ids
from infra import erasures
from infra.access_log import Access, Reads
from infra.erasures import Erasure
from infra.originals import Original, Originals
from infra.postgres import Pool
from infra.refused import Refusal, Refusals, walked
from infra.sealing import PersonKeys


class Sought(Protocol):
    """Somebody, by all that they are known by: whether a message of a shop names them."""

    @property
    def are_everywhere(self) -> bool: ...
    def named(self, message: bytes, shop: str) -> AbstractSet[UUID]: ...


class Beside:
    """Finds what is kept of somebody, in one installation."""

    def __init__(self, pool: Pool, keys: PersonKeys, ids: Ids) -> None:
        self._pool = pool
        self._keys = keys
        self._refusals = Refusals(pool, keys, ids)
        self._reads = Reads(pool, keys)
        self._originals = Originals(pool, keys)

    def erasures(self, identities: Sequence[UUID]) -> list[Erasure]:
        """Return the erasures that were asked for, the earliest first."""
        with self._pool.connection() as connection:
            erasures.follow(connection)
            return erasures.of(connection, identities)

    def refused(self, shop: str, whom: Sought) -> list[Refusal]:
        """Return the refused events that name somebody of a shop, the earliest first."""
        everywhere = whom.are_everywhere
        return [
            it
            for chunk in walked(self._pool.connection, self._keys, shop, everywhere=everywhere)
            for it, message in chunk
            if message is not None and whom.named(message, it.shop)
        ]

    def said(self, refused: Sequence[Refusal]) -> Mapping[UUID, bytes]:
        """Return what was sent, whole, as far as it still opens."""
        packets = self._refusals.open(refused)
        return {event: packet.message for event, packet in packets.items()}

    def reads(self, identities: Sequence[UUID], refused: Collection[UUID]) -> Iterator[Access]:
        """Yield who read somebody's data, the latest first; `refused`: events that name them."""
        return self._reads.of(identities, refused=refused)

    def originals(self, identities: Sequence[UUID], *, upto: int) -> Iterator[Original]:
        """Yield messages as they were sent, up to a position, in order."""
        return self._originals.of(identities, upto=upto)
