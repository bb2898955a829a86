"""The keys of persons: what is sealed under them is forgotten with them."""

import hmac
import os
import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from time import monotonic
from typing import Any, Final
from uuid import UUID

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from domain.shared.personal import KeyForgotten
from infra.arrays import uuids
from infra.keyring import EpochKeys, KeyringLost, SpoiledKey
from infra.postgres import Pool
from infra.sealing.at_hand import AtHand
from infra.sealing.envelope import seal, unseal
from infra.sealing.originals import OriginalKeys

FORGOTTEN_WITHIN_SECONDS: Final = 1.0
"""How long a process may go on using a key that another process destroyed."""

_TRUSTED_SECONDS: Final = 0.5

_MADE: Final = """
made as (
  insert into keeper.person_key (identity, epoch, wrapped)
  select k.* from {}unnest(%b::uuid[], %b::int4[], %b::bytea[]) as k order by 1
  on conflict do nothing returning identity
)
select identity, true, null::int4, null::bytea from made
union all
select identity, false, epoch, wrapped from keeper.person_key where identity = any(%b)
"""
_MAKE: Final = "with" + _MADE.format("")
_MAKE_RELAXED: Final = (
    "with relaxed as materialized (select set_config('synchronous_commit', 'off', true)),"
    + _MADE.format("relaxed, ")
)

_LIVING: Final = (
    "select identity, generation from keeper.person_key "
    "where identity = any(%s) and wrapped is not null order by identity for update"
)
_FORGET: Final = """
insert into keeper.person_key as k (identity, epoch, wrapped, forgotten_at)
select i, %s, null, clock_timestamp() from unnest(%s::uuid[]) as i order by i
on conflict (identity) do update set wrapped = null,
  forgotten_at = coalesce(k.forgotten_at, excluded.forgotten_at)
"""

# What is gone is asked after for longer than any of our transactions may take.
_LOOK: Final = """
select statement_timestamp(),
  (select max(epoch) from keeper.epoch where ended_at is not null),
  array(select identity from keeper.person_key
        where forgotten_at > coalesce(%(asked)s, statement_timestamp()) - interval '2 minutes'),
  (select json_agg(json_build_array(purpose, shop, source, period)) from keeper.period_key
   where destroyed_at > coalesce(%(asked)s, statement_timestamp()) - interval '2 minutes')
"""


class PersonKeys(OriginalKeys):
    """Seals and opens under each identity's key.

    At most `cached` keys are at hand, and so many `ciphers` made of them. A key is used as long as
    it was asked lately whether it is forgotten: whoever cannot ask opens nothing. Associated data
    is the context: stream id, stored type and field, or view, table and column.
    """

    def __init__(
        self,
        pool: Pool,
        keyring: EpochKeys,
        *,
        cached: int = 20_000,
        ciphers: int = 10_000,
        steady: Callable[[], float] = monotonic,
    ) -> None:
        super().__init__(pool, keyring, AtHand(cached, ciphers))
        self._steady = steady
        self._trusted_until = float("-inf")
        self._asked_at: datetime | None = None
        self._asking = threading.Lock()
        self._unsettled: list[int] = []
        self._blind = hmac.new(keyring.secret, b"blind\x1f", digestmod="sha256")

    def ensure(self, identities: Collection[UUID], *, relaxed: bool = False) -> None:
        """Make sure that each identity has a key, making those that are new, in one round trip.

        `relaxed`: the new ones are durable as soon as anything that is committed after them, which
        `settle` then says; until then a server that is lost may lose them, which `doubt` says.
        """
        missing = self._absent(identities)
        if not missing:
            return
        made = {identity.int: os.urandom(32) for identity in missing}
        numbers = uuids(made)

        def insert() -> list[tuple[Any, ...]]:
            wrapped = [self._keyring.wrap(made[i.int], i.bytes) for i in missing]
            with self._pool.connection() as connection:
                return connection.execute(
                    _MAKE_RELAXED if relaxed else _MAKE,
                    (numbers, [e for e, _ in wrapped], [key for _, key in wrapped], numbers),
                    binary=True,
                ).fetchall()

        rows = self.under_current(insert)
        new = [row[0] for row in rows if row[1]]
        self._hold({identity: made[identity.int] for identity in new})
        if relaxed:
            self._unsettled += [identity.int for identity in new]
        try:
            self._hold(self._unwrapped((i, epoch, key) for i, new, epoch, key in rows if not new))
        except KeyringLost:  # of an epoch that ended while they were read, perhaps
            self.load(missing)
        if len(rows) < len(missing):  # somebody else was first
            self.load(missing)

    def settle(self) -> None:
        """Take for durable all keys that were made until now."""
        self._unsettled.clear()

    def doubt(self) -> None:
        """Let go of keys that were made and may be lost; who is asked after next is looked up."""
        self._at_hand.let_go(self._unsettled)
        self._unsettled.clear()

    def load(self, identities: Collection[UUID]) -> None:
        """Read the keys of these identities into the cache, in one round trip."""
        self._load(identities)

    def _load(self, identities: Collection[UUID]) -> set[UUID]:
        """Return those whose keys are spoiled, which are not in the cache."""
        missing = self._absent(identities)
        if not missing:
            return set()
        found = self.under_any(lambda again: self._looked_up(missing, again=again))
        self._hold(found)
        return set(missing) - found.keys()

    def _looked_up(self, identities: Collection[UUID], *, again: bool) -> dict[UUID, bytes | None]:
        """Return keys, None where there is none; what is spoiled is left out."""
        rows = self._wrapped(identities)
        if not again:
            return dict.fromkeys(identities) | self._unwrapped(rows)
        living = [(i, epoch, wrapped, i.bytes) for i, epoch, wrapped in rows if wrapped is not None]
        with self._pool.connection() as connection:
            held = self._unwrap(connection, living, leave_out=True)
        none = set(identities) - {row[0] for row in living}
        return dict.fromkeys(none) | held

    def _wrapped(self, identities: Collection[UUID]) -> list[tuple[Any, ...]]:
        with self._pool.connection() as connection:
            return connection.execute(
                "select identity, epoch, wrapped from keeper.person_key where identity = any(%s)",
                (uuids([identity.int for identity in identities]),),
                binary=True,
            ).fetchall()

    def _unwrapped(self, rows: Iterable[tuple[Any, ...]]) -> dict[UUID, bytes | None]:
        return {
            identity: None
            if wrapped is None
            else self._keyring.unwrap(epoch, wrapped, identity.bytes)
            for identity, epoch, wrapped in rows
        }

    def forget(self, identities: Collection[UUID]) -> dict[UUID, int]:
        """Destroy these identities' keys for ever; return whose there were, and the generations.

        Who had none never gets one. This process lets go of them at once, every other one within
        FORGOTTEN_WITHIN_SECONDS.
        """
        numbers = uuids({i.int for i in identities})

        def destroy() -> list[tuple[Any, ...]]:
            with self._pool.connection() as connection, connection.transaction():
                living = connection.execute(_LIVING, (numbers,), binary=True).fetchall()
                connection.execute(_FORGET, (self._keyring.current, numbers))
                return living

        destroyed = self.under_current(destroy)
        self._at_hand.let_go([identity.int for identity in identities])
        return dict(destroyed)

    def _let_go_of_periods(self, past: Iterable[Sequence[str]]) -> None:
        held = [name for one in past if (name := (one[0], one[1], one[2], one[3])) in self._periods]
        if not held:
            return
        for name in held:
            del self._periods[name]
        self._at_hand.let_go_of_originals()

    def period_key(self, purpose: str, shop: str, source: str, period: str) -> bytes:
        if self._steady() > self._trusted_until:
            self._look()
        return super().period_key(purpose, shop, source, period)

    def _look(self) -> None:
        """Ask what keys were destroyed lately. Raises what keeps us from knowing."""
        with self._asking:
            now = self._steady()
            if now <= self._trusted_until:  # somebody else asked
                return
            with self._pool.connection() as connection:
                row = connection.execute(_LOOK, {"asked": self._asked_at}).fetchone()
            assert row is not None
            self._asked_at, ended, forgotten, past = row
            self._at_hand.let_go([identity.int for identity in forgotten])
            self._let_go_of_periods(past or ())
            if ended is not None and ended in self._keyring.held:
                self._keyring.look_again()
            self._trusted_until = now + _TRUSTED_SECONDS

    def _hold(self, keys: Mapping[UUID, bytes | None]) -> None:
        self._at_hand.hold({identity.int: key for identity, key in keys.items()})

    def _absent(self, identities: Collection[UUID]) -> list[UUID]:
        if self._steady() > self._trusted_until:
            self._look()
        key = self._at_hand.key
        return list({i.int: i for i in identities if key(i.int) is None}.values())

    def _key(self, identity: UUID) -> bytes | None:
        if self._steady() > self._trusted_until:
            self._look()
        key = self._at_hand.key(identity.int)
        if key is None and not self._at_hand.knows(identity.int):
            if self._load([identity]):
                raise SpoiledKey(SpoiledKey.__doc__)
            key = self._at_hand.key(identity.int)
        return key

    def _cipher(self, identity: UUID) -> AESGCM | None:
        """Return somebody's cipher, if they have a key: the one at hand, if that may be trusted."""
        if self._steady() > self._trusted_until:
            self._look()
        return self._at_hand.cipher(identity.int) or self._made_cipher(identity)

    def _made_cipher(self, identity: UUID) -> AESGCM | None:
        key = self._key(identity)
        if key is None:
            return None
        cipher = AESGCM(key)
        self._at_hand.hold_cipher(identity.int, key, cipher)
        return cipher

    def holds(self, identity: UUID) -> bool:
        """Tell whether an identity's key, or that it has none, is known without asking."""
        return self._at_hand.knows(identity.int)

    def forgotten(self, identities: Collection[UUID]) -> set[UUID]:
        """Return those whose keys were destroyed, in one round trip, whatever is cached."""
        with self._pool.connection() as connection:
            rows = connection.execute(
                "select identity from keeper.person_key"
                " where identity = any(%s) and wrapped is null",
                (uuids([identity.int for identity in identities]),),
                binary=True,
            ).fetchall()
        return {identity for (identity,) in rows}

    def gone(self, identities: Collection[UUID]) -> set[UUID]:
        """Return those who were forgotten; who has a key at hand was not, and is not asked for."""
        absent = self._absent(identities) if identities else []
        return self.forgotten(absent) if absent else set()

    def has_key(self, identity: UUID) -> bool:
        """Tell whether an identity has a key, be it one that is spoiled."""
        try:
            return self._key(identity) is not None
        except SpoiledKey:
            return True

    def seal(self, identity: UUID, plain: bytes, context: bytes) -> bytes:
        """Seal under the identity's key. Raises KeyForgotten when it has none."""
        cipher = self._cipher(identity)
        if cipher is None:
            raise KeyForgotten
        return seal(cipher, plain, context)

    def open(self, identity: UUID, sealed: bytes, context: bytes) -> bytes | None:
        """Open what was sealed; None when the key is gone or the envelope is not of this key."""
        cipher = self._cipher(identity)
        return None if cipher is None else unseal(cipher, sealed, context)

    def blind(self, kind: str, value: str) -> bytes:
        """Return a keyed index (16 bytes) of a value."""
        mac = self._blind.copy()
        mac.update(f"{kind}\x1f{value}".encode())
        return mac.digest()[:16]
