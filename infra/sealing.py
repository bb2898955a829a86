"""Sealing: AES-256-GCM under a key per person, whose destruction is their being forgotten."""

import hmac
import os
import threading
from collections import OrderedDict
from collections.abc import Collection, Mapping
from typing import Final
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from domain.shared.personal import KeyForgotten
from infra.arrays import uuids
from infra.keyring import Keyring
from infra.postgres import Pool

__all__ = ["KeyForgotten", "PersonKeys"]

Period = tuple[str, str, str, str]
"""Purpose, shop, source and month of a key that is not a person's."""

_FORMAT: Final = 1
_HEAD: Final = 14  # format, generation, nonce of 12

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


class _Key:
    """Somebody's key: its secret, its cipher, and the last cipher that was made of it."""

    __slots__ = ("cipher", "last", "secret")

    def __init__(self, secret: bytes) -> None:
        self.secret = secret
        self.cipher = AESGCM(secret)
        self.last: tuple[Period, AESGCM] | None = None
        """That of originals of one period."""


class PersonKeys:
    """Seals and opens under each identity's key; keys are cached, at most `cached` of them.

    Envelope: format (1 byte), the key's generation (1), nonce (12), AES-256-GCM ciphertext and tag;
    associated data is the context: stream id, stored type and field, or view, table and column.
    """

    def __init__(self, pool: Pool, keyring: Keyring, *, cached: int = 100_000) -> None:
        self._pool = pool
        self._keyring = keyring
        self._cached = cached
        self._lock = threading.Lock()
        # by number: hashing a UUID takes ten times as long
        self._keys: OrderedDict[int, _Key | None] = OrderedDict()
        self._unsettled: list[int] = []
        self._periods: dict[Period, bytes] = {}
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
        wrapped = [self._keyring.wrap(made[i.int], i.bytes) for i in missing]
        numbers = uuids(made)
        with self._pool.connection() as connection:
            rows = connection.execute(
                _MAKE_RELAXED if relaxed else _MAKE,
                (numbers, [epoch for epoch, _ in wrapped], [key for _, key in wrapped], numbers),
                binary=True,
            ).fetchall()
        found: dict[UUID, _Key | None] = {}
        for identity, new, epoch, key in rows:
            if new:
                found[identity] = _Key(made[identity.int])
                if relaxed:
                    self._unsettled.append(identity.int)
            else:
                found[identity] = self._unwrapped(identity, epoch, key)
        self._hold(found)
        if len(found) < len(missing):  # somebody else was first
            self.load(missing)

    def settle(self) -> None:
        """Take for durable all keys that were made until now."""
        self._unsettled.clear()

    def doubt(self) -> None:
        """Let go of keys that were made and may be lost; who is asked after next is looked up."""
        with self._lock:
            for number in self._unsettled:
                self._keys.pop(number, None)
            self._unsettled.clear()

    def _unwrapped(self, identity: UUID, epoch: int, wrapped: bytes | None) -> _Key | None:
        if wrapped is None:
            return None
        return _Key(self._keyring.unwrap(epoch, wrapped, identity.bytes))

    def load(self, identities: Collection[UUID]) -> None:
        """Read the keys of these identities into the cache, in one round trip."""
        missing = self._absent(identities)
        if not missing:
            return
        found: dict[UUID, _Key | None] = dict.fromkeys(missing)
        with self._pool.connection() as connection:
            rows = connection.execute(
                "select identity, epoch, wrapped from keeper.person_key where identity = any(%s)",
                (uuids([identity.int for identity in missing]),),
                binary=True,
            ).fetchall()
        for identity, epoch, wrapped in rows:
            found[identity] = self._unwrapped(identity, epoch, wrapped)
        self._hold(found)

    def _hold(self, keys: Mapping[UUID, _Key | None]) -> None:
        with self._lock:
            for identity, key in keys.items():
                if key is not None:
                    self._keys[identity.int] = key
                else:  # it may have been made since that was asked
                    self._keys.setdefault(identity.int, None)
            while len(self._keys) > self._cached:
                self._keys.popitem(last=False)

    def _absent(self, identities: Collection[UUID]) -> list[UUID]:
        keys = self._keys
        return list({i.int: i for i in identities if keys.get(i.int) is None}.values())

    def _key(self, identity: UUID) -> _Key | None:
        key = self._keys.get(identity.int)
        if key is None and identity.int not in self._keys:
            self.load([identity])
            key = self._keys.get(identity.int)
        return key

    def holds(self, identity: UUID) -> bool:
        """Tell whether an identity's key, or that it has none, is known without asking."""
        return identity.int in self._keys

    def has_key(self, identity: UUID) -> bool:
        """Tell whether an identity has a key."""
        return self._key(identity) is not None

    def seal(self, identity: UUID, plain: bytes, context: bytes) -> bytes:
        """Seal under the identity's key. Raises KeyForgotten when it has none."""
        key = self._key(identity)
        if key is None:
            raise KeyForgotten
        return _seal(key.cipher, plain, context)

    def open(self, identity: UUID, sealed: bytes, context: bytes) -> bytes | None:
        """Open what was sealed; None when the key is gone or the envelope is not of this key."""
        key = self._keys.get(identity.int) or self._key(identity)
        return None if key is None else _open(key.cipher, sealed, context)

    def blind(self, kind: str, value: str) -> bytes:
        """Return a keyed index (16 bytes) of a value."""
        mac = self._blind.copy()
        mac.update(f"{kind}\x1f{value}".encode())
        return mac.digest()[:16]

    def seal_original(  # noqa: PLR0913, PLR0917  # two keys, and what they seal
        self, identity: UUID, message: UUID, plain: bytes, shop: str, source: str, month: str
    ) -> bytes:
        """Seal a message as it was sent, under the person's key and the month's together.

        It is bound to `message`, the stream of its facts: nobody can put another in its place.
        """
        key = self._original_key(identity, shop, source, month)
        return _seal(key, plain, b"original|" + message.bytes)

    def open_original(  # noqa: PLR0913, PLR0917  # as it was sealed
        self, identity: UUID, message: UUID, sealed: bytes, shop: str, source: str, month: str
    ) -> bytes | None:
        """Open an original; None when a key is gone, or when it is another message's."""
        try:
            key = self._original_key(identity, shop, source, month)
        except KeyForgotten:
            return None
        return _open(key, sealed, b"original|" + message.bytes)

    def _original_key(self, identity: UUID, shop: str, source: str, month: str) -> AESGCM:
        key = self._key(identity)
        if key is None:
            raise KeyForgotten
        period = ("original", shop, source, month)
        last = key.last
        if last is not None and last[0] == period:
            return last[1]
        # HKDF-SHA256 (RFC 5869): extract with the month's key as salt, one block of expand
        mixed = hmac.digest(self.period_key(*period), key.secret, "sha256")
        made = AESGCM(hmac.digest(mixed, b"huike original\x01", "sha256"))
        key.last = period, made
        return made

    def seal_period(self, purpose: str, shop: str, source: str, month: str, plain: bytes) -> bytes:
        """Seal what belongs to nobody known (a refused event) under its period's key."""
        key = AESGCM(self.period_key(purpose, shop, source, month))
        return _seal(key, plain, purpose.encode())

    def open_period(
        self, purpose: str, shop: str, source: str, month: str, sealed: bytes
    ) -> bytes | None:
        """Open what `seal_period` made; None when it is not of this key."""
        key = AESGCM(self.period_key(purpose, shop, source, month))
        return _open(key, sealed, purpose.encode())

    def period_key(self, purpose: str, shop: str, source: str, period: str) -> bytes:
        """Return the key of a purpose, source and month (`2026-11`), made when it is new."""
        name = (purpose, shop, source, period)
        held = self._periods.get(name)
        if held is not None:
            return held
        context = "\x1f".join(name).encode()
        epoch, wrapped = self._keyring.wrap(os.urandom(32), context)
        with self._pool.connection() as connection:
            connection.execute(
                "insert into keeper.period_key values (%s, %s, %s, %s, %s, %s) "
                "on conflict do nothing",
                (*name, epoch, wrapped),
            )
            row = connection.execute(
                "select epoch, wrapped from keeper.period_key "
                "where (purpose, shop, source, period) = (%s, %s, %s, %s)",
                name,
            ).fetchone()
        if row is None or row[1] is None:
            raise KeyForgotten
        key = self._keyring.unwrap(row[0], row[1], context)
        self._periods[name] = key
        return key


def _seal(key: AESGCM, plain: bytes, context: bytes) -> bytes:
    nonce = os.urandom(12)
    return b"\x01\x01" + nonce + key.encrypt(nonce, plain, context)


def _open(key: AESGCM, sealed: bytes, context: bytes) -> bytes | None:
    if len(sealed) < _HEAD or sealed[0] != _FORMAT:
        return None
    try:
        return key.decrypt(sealed[2:_HEAD], sealed[_HEAD:], context)
    except InvalidTag:
        return None
