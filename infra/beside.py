"""What is kept of somebody beside their facts: erasures, refused events, reads, messages."""

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Final, Protocol
from uuid import UUID

import msgspec

from domain.shared.ids import Ids
from infra import erasures
from infra.access_log import Access, Reads
from infra.erasures import Erasure
from infra.originals import Original, Originals
from infra.postgres import Pool
from infra.refused import Refusal, Refusals, walked
from infra.sealing import PersonKeys

_WHOLE: Final = "/v1/batch"
"""Where a batch stood that was refused whole."""
_TORN: Final = "torn-record"
"""Why a record of Kafka's was refused that may be a whole batch of them."""
_SEVERAL: Final = re.compile(rb'\A\s*\[|\}\s*\{|"batch"\s*:')
"""What is no JSON may hold events of others: a list, lines, a batch."""
_DEPTH: Final = 8

_decode: Final = msgspec.json.Decoder(msgspec.Raw).decode
_fields: Final = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_events: Final = msgspec.json.Decoder(list[msgspec.Raw]).decode
_encode: Final = msgspec.json.Encoder().encode


class Sought(Protocol):
    """Somebody, by all that they are known by: whether a message of a shop names them."""

    @property
    def are_everywhere(self) -> bool: ...
    def named(self, message: bytes, shop: str) -> AbstractSet[UUID]: ...


class Beside:
    """Finds it, in one installation."""

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

    def said(self, refused: Sequence[Refusal], whom: Sought) -> Mapping[UUID, bytes | None]:
        """Return what was sent; None where it says of others too, and cannot be taken apart.

        Of what holds several events, however it was sent, theirs alone.
        """

        def names_them(shop: str) -> Callable[[bytes], bool]:
            return lambda part: bool(whom.named(part, shop))

        packets = self._refusals.open(refused)
        return {
            it.id: _of_them(it, packets[it.id].message, names_them(it.shop))
            for it in refused
            if it.id in packets
        }

    def reads(self, identities: Sequence[UUID], refused: Collection[UUID]) -> Iterator[Access]:
        """Yield who read somebody's data, the latest first; `refused`: events that name them."""
        return self._reads.of(identities, refused=refused)

    def originals(self, identities: Sequence[UUID], *, upto: int) -> Iterator[Original]:
        """Yield messages as they were sent, up to a position, in order."""
        return self._originals.of(identities, upto=upto)


def _of_them(it: Refusal, message: bytes, names_them: Callable[[bytes], bool]) -> bytes | None:
    try:
        whole = _decode(message)
    except (ValueError, RecursionError):
        several = it.place == _WHOLE or it.reason == _TORN or _SEVERAL.search(message)
        return None if several else message
    theirs = _part(whole, names_them, _DEPTH)
    return None if theirs is None else bytes(theirs)


def _part(told: msgspec.Raw, names_them: Callable[[bytes], bool], depth: int) -> msgspec.Raw | None:
    """Return their part of what was told, all of it where it is of one event, or is shared."""
    first = bytes(told).lstrip()[:1]
    fields = _fields(told) if first == b"{" else {}
    events = fields.get("batch", b"") if fields else told
    if not bytes(events).lstrip().startswith(b"["):
        return told
    if not depth:
        return None
    parts = _events(events)
    named = [part for part in parts if names_them(bytes(part))]
    if not named and len(parts) > 1:
        return told if fields else None  # by what all of them share
    theirs = [_part(part, names_them, depth - 1) for part in named or parts]
    if any(part is None for part in theirs):
        return None
    if theirs == parts:
        return told
    return msgspec.Raw(_encode({**fields, "batch": theirs} if fields else theirs))
