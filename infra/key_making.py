"""API keys made, changed and revoked, by the owner of the log's tables alone."""

import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Final
from uuid import uuid4

import msgspec

from domain.shared.money import currency as known_currency
from domain.shared.refusals import Malformed
from domain.shared.text import text
from infra import clock
from infra.keys import Key, Role, Scope, all_keys, digest
from infra.meant_key import meant_key
from infra.postgres import Connection

_PREFIX_LENGTH: Final = 9
_TOLD: Final = "0018_keys_are_the_owners.sql"
_SINCE: Final = "select applied_at from public.huike_migration where name = %s"
_UNTOLD: Final = """
select k.id from log.api_key k where k.created_at < %s and not exists (
  select from log.fact f where f.stream = k.id and f.type not like 'activity.%%'
)
"""


class KeyMaker:
    """Makes keys over a connection in the owner's role, in its transaction if there is one."""

    def __init__(self, owner: Connection) -> None:
        self._owner = owner

    @contextmanager
    def whole(self) -> Iterator[None]:
        """Have what is done within done at its end, or not at all."""
        with self._owner.transaction():
            yield

    def untold(self, since: datetime) -> list[Key]:
        """Return the keys that were made before, and of which no fact tells."""
        untold = {row[0] for row in self._owner.execute(_UNTOLD, (since,))}
        return [key for key in all_keys(self._owner) if key.id in untold]

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
        self._owner.execute(
            "insert into log.api_key (id, name, prefix, hash, roles, scopes, shop, source,"
            " system, currency, created_at, expires_at, per_minute)"
            " values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
            (
                key.id,
                key.name,
                key.prefix,
                digest(secret),
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

    def revoke(self, which: str) -> Key:
        """Revoke the key with this id, or, if only one lives, with this name or prefix.

        What its old secret begins with means it too, while that opens. Every process refuses it
        within a second. Raises NotFound when there is none, Malformed when it ended already, or the
        name fits several.
        """
        revoked = msgspec.structs.replace(self._one(which), revoked_at=clock.now())
        self._owner.execute(
            "update log.api_key set revoked_at = %s where id = %s", (revoked.revoked_at, revoked.id)
        )
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
        self._owner.execute(
            "update log.api_key set prefix = %s, former_prefix = prefix, hash = %s,"
            " former_hash = hash, former_until = %s, expires_at = %s where id = %s",
            (key.prefix, digest(secret), key.former_until, key.expires_at, key.id),
        )
        return key, secret

    def _one(self, which: str) -> Key:
        """Return the key that is meant; within a transaction, nobody else changes it meanwhile."""
        now = clock.now()
        meant = meant_key(all_keys(self._owner), which, now)
        self._owner.execute("select from log.api_key where id = %s for update", (meant.id,))
        return meant_key(all_keys(self._owner), which, now)


def told_since(connection: Connection) -> datetime:
    """Return since when there are facts of keys; those that were made before have none."""
    row = connection.execute(_SINCE, (_TOLD,)).fetchone()
    return clock.now() if row is None else row[0]


def _secret() -> str:
    return f"hk_{secrets.token_urlsafe(32)}"


def _known(what: str, asked: Iterable[str], kind: type[Role | Scope]) -> tuple[str, ...]:
    given = tuple(dict.fromkeys(asked))
    if any(one not in set(kind) for one in given):
        raise Malformed(field=what, why=f"give one or more of {_listed(kind)}")
    return tuple(str(one) for one in given)


def _listed(kind: type[Role | Scope]) -> str:
    return ", ".join(sorted(kind))
