"""API keys: what machines show at the door. Only their digests are kept."""

import hashlib
import secrets
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final
from uuid import UUID, uuid4

import msgspec
from psycopg.rows import kwargs_row

from domain.shared.log import Actor
from domain.shared.money import currency as known_currency
from domain.shared.refusals import Malformed
from domain.shared.text import text
from infra import clock
from infra.meant_key import meant_key
from infra.postgres import Pool

REVOKED_WITHIN_SECONDS: Final = 1.0
"""How long a process may go on trusting a key that another process revoked."""

_NAMES_SECONDS: Final = 30.0
_REMEMBERED: Final = 10_000
_PREFIX_LENGTH: Final = 9
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
    """The keys of one installation."""

    def __init__(self, pool: Pool, steady: Callable[[], float] = time.monotonic) -> None:
        self._pool = pool
        self._steady = steady
        self._known: dict[bytes, tuple[float, Key | None]] = {}
        self._lock = threading.Lock()
        self._names: tuple[Mapping[str, str], float] = {}, -_NAMES_SECONDS

    def add(  # noqa: PLR0913  # what a key says of its facts
        self,
        name: str,
        scopes: Iterable[str] = (),
        *,
        roles: Iterable[str] = (),
        shop: str = "shop",
        source: str = "site",
        system: bool = False,
        currency: str = "USD",
        expires: timedelta | None = None,
        per_minute: int | None = None,
    ) -> tuple[Key, str]:
        """Make a key; its secret is returned here and never again. `expires`: from now.

        Raises Malformed for a scope or role that there is not, without either, or for a name that
        is none; UnknownCurrency.
        """
        secret = _secret()
        now = clock.now()
        known_roles, known_scopes = _known("role", roles, Role), _known("scope", scopes, Scope)
        if not (known_roles or known_scopes):
            raise Malformed(field="scope", why=f"give one or more of {_listed(Scope)}, or a role")
        key = Key(
            id=uuid4(),
            name=text("name", name),
            prefix=secret[:_PREFIX_LENGTH],
            roles=known_roles,
            scopes=known_scopes,
            shop=text("shop", shop),
            source=text("source", source),
            system=system,
            currency=known_currency(currency),
            created_at=now,
            expires_at=now + expires if expires else None,
            per_minute=per_minute,
        )
        with self._pool.connection() as connection:
            connection.execute(
                "insert into log.api_key (id, name, prefix, hash, roles, scopes, shop, source,"
                " system, currency, created_at, expires_at, per_minute)"
                " values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
                (
                    key.id,
                    key.name,
                    key.prefix,
                    _digest(secret),
                    list(key.roles),
                    list(key.scopes),
                    key.shop,
                    key.source,
                    key.system,
                    key.currency,
                    key.created_at,
                    key.expires_at,
                    key.per_minute,
                ),
            )
        return key, secret

    def all(self) -> list[Key]:
        """Return every key ever made, the latest first."""
        with self._pool.connection() as connection, connection.cursor(row_factory=_KEY) as cursor:
            cursor.execute(f"select {_COLUMNS} from log.api_key order by created_at desc, id")  # noqa: S608  # constant columns
            return cursor.fetchall()

    def names(self) -> Mapping[str, str]:
        """Return the name of each key, living or not, by its id."""
        known, read_at = self._names
        if self._steady() - read_at > _NAMES_SECONDS:
            known = {str(key.id): key.name for key in self.all()}
            self._names = known, self._steady()
        return known

    def revoke(self, which: str) -> Key:
        """Revoke the key with this id, or, if only one lives, with this name or prefix.

        What its old secret begins with means it too, while that opens. Every process refuses it
        within a second. Raises NotFound when there is none, Malformed when it ended already, or the
        name fits several.
        """
        revoked = msgspec.structs.replace(self._one(which), revoked_at=clock.now())
        with self._pool.connection() as connection:
            connection.execute(
                "update log.api_key set revoked_at = %s where id = %s and revoked_at is null",
                (revoked.revoked_at, revoked.id),
            )
        self._forget()
        return revoked

    def rotate(
        self, which: str, overlap: timedelta, *, expires: timedelta | None = None
    ) -> tuple[Key, str]:
        """Give a living key a new secret; the one that it has opens for as long as `overlap`.

        A secret before that ends at once. `expires`: when the key ends, from now; None: as it was.
        Id, name and what it may do stay. Raises NotFound and Malformed as `revoke` does.
        """
        secret, now = _secret(), clock.now()
        old = self._one(which)
        key = msgspec.structs.replace(
            old,
            prefix=secret[:_PREFIX_LENGTH],
            former_prefix=old.prefix,
            former_until=now + overlap,
            expires_at=now + expires if expires else old.expires_at,
        )
        with self._pool.connection() as connection:
            connection.execute(
                "update log.api_key set prefix = %s, former_prefix = prefix, hash = %s,"
                " former_hash = hash, former_until = %s, expires_at = %s where id = %s",
                (key.prefix, _digest(secret), key.former_until, key.expires_at, key.id),
            )
        self._forget()
        return key, secret

    def _one(self, which: str) -> Key:
        return meant_key(self.all(), which, clock.now())

    def _forget(self) -> None:
        with self._lock:
            self._known.clear()

    def remembered(self, secret: str) -> Key | None:
        """Return a living key that was looked up within the last second, without any wait."""
        known = self._known.get(_digest(secret))
        if known is None or self._steady() - known[0] > REVOKED_WITHIN_SECONDS:
            return None
        return known[1]

    def check(self, secret: str) -> Key | None:
        """Return the living key of a secret, None if there is none such. May ask the database."""
        digest = _digest(secret)
        known = self._known.get(digest)
        asked = self._steady()
        if known is not None and asked - known[0] <= REVOKED_WITHIN_SECONDS:
            return known[1]
        key = self._look_up(digest)
        with self._lock:
            if len(self._known) >= _REMEMBERED:  # somebody is trying keys: don't keep them all
                self._known.clear()
            self._known[digest] = asked, key
        return key

    def _look_up(self, digest: bytes) -> Key | None:
        with self._pool.connection() as connection, connection.cursor(row_factory=_KEY) as cursor:
            cursor.execute(
                _LIVING,
                (digest, digest),
            )
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


def _secret() -> str:
    return f"hk_{secrets.token_urlsafe(32)}"


def _digest(secret: str) -> bytes:
    """Digest once, not slowly: nobody guesses 256 random bits, however quick each guess is."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def _known(what: str, asked: Iterable[str], kind: type[Role | Scope]) -> tuple[str, ...]:
    given = tuple(dict.fromkeys(asked))
    if any(one not in set(kind) for one in given):
        raise Malformed(field=what, why=f"give one or more of {_listed(kind)}")
    return tuple(str(one) for one in given)


def _listed(kind: type[Role | Scope]) -> str:
    return ", ".join(sorted(kind))
