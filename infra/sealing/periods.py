"""Keys of a purpose, source and month, for what is no known person's."""

import os
from collections.abc import Callable, Iterable
from typing import Any, Final, TypeVar

import psycopg
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from domain.shared.personal import KeyForgotten
from infra.keyring import EpochKeys, KeyringLost, SpoiledKey
from infra.postgres import Pool
from infra.sealing.envelope import seal, unseal
from infra.sealing.proof import Name, prove, unspoiled

T = TypeVar("T")

Period = tuple[str, str, str, str]
"""Purpose, shop, source and month of a key that is not a person's."""

_EPOCH_ENDED: Final = "HK001"


class PeriodKeys:
    """Makes and finds the keys of periods."""

    def __init__(self, pool: Pool, keyring: EpochKeys) -> None:
        self._pool = pool
        self._keyring = keyring
        self._periods: dict[Period, bytes] = {}
        self._proven: int | None = None

    def under_current(self, insert: Callable[[], T]) -> T:
        """Insert keys that are wrapped in `insert`; again when their epoch ended meanwhile.

        Nothing is wrapped by a key that opens nothing of what its epoch wrapped: KeyringLost.
        """
        self._prove()
        try:
            return insert()
        except psycopg.DatabaseError as error:
            if error.sqlstate != _EPOCH_ENDED:
                raise
        self._keyring.look_again()
        self._prove()
        try:
            return insert()
        except psycopg.DatabaseError as error:
            if error.sqlstate != _EPOCH_ENDED:
                raise
            msg = "The keyring has not the newest epoch key: put back its newest copy"
            raise KeyringLost(msg) from error

    def _prove(self) -> None:
        epoch = self._keyring.current
        if epoch == self._proven:
            return
        with self._pool.connection() as connection:
            if prove(connection, self._keyring, epoch):
                self._proven = epoch

    @staticmethod
    def under_any(read: Callable[[bool], T]) -> T:
        """Unwrap keys that `read` reads; again, as their epoch may have ended meanwhile.

        Then, and only then, it is told to leave out those that are spoiled.
        """
        try:
            return read(False)  # noqa: FBT003  # its only argument
        except KeyringLost:
            return read(True)  # noqa: FBT003  # its only argument

    def _unwrap(
        self,
        connection: psycopg.Connection[Any],
        rows: Iterable[tuple[Name, int, bytes, bytes]],
        *,
        leave_out: bool,
    ) -> dict[Name, bytes]:
        """Unwrap keys, each with its name, epoch and context; `leave_out`: but what is spoiled."""
        if leave_out:
            return dict(unspoiled(connection, self._keyring, rows))
        return {
            name: self._keyring.unwrap(epoch, key, context) for name, epoch, key, context in rows
        }

    def seal_period(self, purpose: str, shop: str, source: str, month: str, plain: bytes) -> bytes:
        """Seal what belongs to nobody known (a refused event) under its period's key."""
        key = AESGCM(self.period_key(purpose, shop, source, month))
        return seal(key, plain, purpose.encode())

    def open_period(
        self, purpose: str, shop: str, source: str, month: str, sealed: bytes
    ) -> bytes | None:
        """Open what `seal_period` made; None when the key is gone, or it is not of this key."""
        try:
            key = AESGCM(self.period_key(purpose, shop, source, month))
        except (KeyForgotten, SpoiledKey):
            return None
        return unseal(key, sealed, purpose.encode())

    def period_key(self, purpose: str, shop: str, source: str, period: str) -> bytes:
        """Return the key of a purpose, source and month (`2026-11`), made when it is new.

        Raises KeyForgotten once it was destroyed, SpoiledKey when nothing unwraps it.
        """
        name = (purpose, shop, source, period)
        held = self._periods.get(name)
        if held is None:
            held = self._periods[name] = self._found(name) or self._made(name)
        return held

    def _made(self, name: Period) -> bytes:
        def insert() -> None:
            epoch, wrapped = self._keyring.wrap(os.urandom(32), context_of(name))
            with self._pool.connection() as connection:
                connection.execute(
                    "insert into keeper.period_key values (%s, %s, %s, %s, %s, %s) "
                    "on conflict do nothing",
                    (*name, epoch, wrapped),
                )

        self.under_current(insert)
        found = self._found(name)
        assert found is not None
        return found

    def _found(self, name: Period) -> bytes | None:
        return self.under_any(lambda again: self._read(name, again=again))

    def _read(self, name: Period, *, again: bool) -> bytes | None:
        with self._pool.connection() as connection:
            row = connection.execute(
                "select epoch, wrapped from keeper.period_key "
                "where (purpose, shop, source, period) = (%s, %s, %s, %s)",
                name,
            ).fetchone()
            if row is None:
                return None
            if row[1] is None:
                raise KeyForgotten
            rows = [(name, int(row[0]), bytes(row[1]), context_of(name))]
            held = self._unwrap(connection, rows, leave_out=again)
        if name not in held:
            raise SpoiledKey(SpoiledKey.__doc__)
        return held[name]


def context_of(name: Period) -> bytes:
    return "\x1f".join(name).encode()
