"""API keys: what machines show at the door. Only their digests are kept."""

import hashlib
import threading
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from enum import StrEnum
from math import inf
from typing import Any, Final
from uuid import UUID

import msgspec
from psycopg.rows import kwargs_row

from domain.shared.log import Actor
from infra.postgres import Connection, Pool

REVOKED_WITHIN_SECONDS: Final = 1.0
"""How long a process may go on trusting a key that another process revoked."""

_NAMES_SECONDS: Final = 30.0
_REMEMBERED: Final = 10_000
_COLUMNS: Final = (
    "id, name, prefix, roles, scopes, shop, source, system, currency, created_at, revoked_at,"
    " last_used_at, expires_at, per_minute, former_until, former_prefix"
)


_LIVING: Final = (
    f"select {_COLUMNS} from log.api_key where"  # noqa: S608  # constant columns
    " (hash = %s or (former_hash = %s and former_until > now()))"
    " and revoked_at is null and (expires_at is null or expires_at > now())"
)


class Role(StrEnum):
    """What somebody does for the shop: a person, or a key that works for one."""

    ADMIN = "admin"
    MARKETER = "marketer"
    AGENT = "agent"
    SALES = "sales"
    ANALYST = "analyst"
    AUDITOR = "auditor"
    PRIVACY_OFFICER = "privacy-officer"


class Scope(StrEnum):
    """What a machine's key may do."""

    INGEST = "ingest"
    QUERY = "query"
    COMMAND = "command"
    AUDIT = "audit"
    ADMIN = "admin"
    PERSONAL = "personal"
    METRICS = "metrics"


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """A key as it is kept: everything but the secret.

    `shop` and `source` are whose facts it records: what is another shop's, its commands do not find
    (unless it is an admin's); `system`: the reports come from a machine of the
    shop (an ERP), not from what the customer does; `currency` is meant where a report names none.
    `per_minute` bounds its requests, or the events of a shop, at each server; until `former_until`
    the secret before its last change, which began with `former_prefix`, opens too.
    """

    id: UUID
    name: str
    prefix: str
    roles: tuple[str, ...] = ()
    scopes: tuple[str, ...]
    shop: str
    source: str
    system: bool = False
    currency: str = "USD"
    created_at: datetime
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None
    expires_at: datetime | None = None
    per_minute: int | None = None
    former_until: datetime | None = None
    former_prefix: str | None = None

    @property
    def actor(self) -> Actor:
        return Actor(kind="key", id=str(self.id))

    def may(self, scope: str) -> bool:
        return scope in self.scopes


class Keys:
    """The keys of one installation, as those who check them see them."""

    def __init__(self, pool: Pool, steady: Callable[[], float] = time.monotonic) -> None:
        self._pool = pool
        self._steady = steady
        self._known: dict[bytes, tuple[float, Key | None]] = {}
        self._lock = threading.Lock()
        self._names: tuple[Mapping[str, str], float] = {}, -inf

    def all(self) -> list[Key]:
        """Return every key ever made, the latest first."""
        with self._pool.connection() as connection:
            return all_keys(connection)

    def names(self) -> Mapping[str, str]:
        """Return the name of each key, living or not, by its id."""
        known, read_at = self._names
        if self._steady() - read_at > _NAMES_SECONDS:
            known = {str(key.id): key.name for key in self.all()}
            self._names = known, self._steady()
        return known

    def remembered(self, secret: str) -> Key | None:
        """Return a living key that was looked up within the last second, without any wait."""
        known = self._known.get(digest(secret))
        if known is None or self._steady() - known[0] > REVOKED_WITHIN_SECONDS:
            return None
        return known[1]

    def check(self, secret: str) -> Key | None:
        """Return the living key of a secret, None if there is none such. May ask the database."""
        shown = digest(secret)
        known = self._known.get(shown)
        asked = self._steady()
        if known is not None and asked - known[0] <= REVOKED_WITHIN_SECONDS:
            return known[1]
        key = self._look_up(shown)
        with self._lock:
            if len(self._known) >= _REMEMBERED:  # somebody is trying keys: don't keep them all
                self._known.clear()
            self._known[shown] = asked, key
            if key is not None and str(key.id) not in self._names[0]:
                self._names = {}, -inf  # one that was made since: who asks next is told its name
        return key

    def _look_up(self, shown: bytes) -> Key | None:
        with self._pool.connection() as connection, connection.cursor(row_factory=_KEY) as cursor:
            cursor.execute(_LIVING, (shown, shown))
            key = cursor.fetchone()
            if key is not None:
                cursor.execute(
                    "update log.api_key set last_used_at = now() where id = %s"
                    " and (last_used_at is null or last_used_at < now() - interval '1 minute')",
                    (key.id,),
                )
        return key


def _key(**columns: Any) -> Key:
    lists = {name: tuple(columns[name]) for name in ("roles", "scopes")}
    return Key(**columns | lists)


_KEY: Final = kwargs_row(_key)


def all_keys(connection: Connection) -> list[Key]:
    """Return every key ever made, the latest first."""
    with connection.cursor(row_factory=_KEY) as cursor:
        cursor.execute(f"select {_COLUMNS} from log.api_key order by created_at desc, id")  # noqa: S608  # constant columns
        return cursor.fetchall()


def digest(secret: str) -> bytes:
    """Digest once, not slowly: nobody guesses 256 random bits, however quick each guess is."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
