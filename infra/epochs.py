"""Epochs: everybody's keys are wrapped anew, and what wrapped them before is destroyed."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec
import psycopg

from infra.holders import check_all_unwrap
from infra.keyring import EpochKeys, Keyring, KeyringLost
from infra.postgres import KEEPER, Connection, connect
from infra.sealing.periods import Period, context_of
from infra.sealing.proof import prove, unspoiled
from infra.vault import Vault

CHUNK: Final = 2_000

_RENEWING: Final = 4_851_105
_EPOCH: Final = 4_851_104
"""The lock that `keeper.refuse_ended_epoch` shares."""

_NOBODY: Final = UUID(int=0)
_NEWEST: Final = "select max(epoch) from keeper.epoch where renewed_at is not null"
_BEGUN: Final = f"select max(epoch), ({_NEWEST}) from keeper.epoch"  # noqa: S608  # of constants
_STANDING: Final = f"""
select epoch, begun_at,
  (select count(*) from keeper.person_key where forgotten_at >= begun_at)
from keeper.epoch where epoch = ({_NEWEST})
"""  # noqa: S608  # of constants
_NEEDED: Final = f"select epoch from keeper.epoch where epoch >= ({_NEWEST})"  # noqa: S608  # too
_WRAPPED: Final = """
select from keeper.person_key where epoch = %s and wrapped is not null
union all select from keeper.period_key where epoch = %s and wrapped is not null
union all select from keeper.refused_key where epoch = %s limit 1
"""
_DUE: Final = """
select from (select max(begun_at) as at, bool_or(renewed_at is null) as open,
                    (array_agg(purged_at order by epoch desc))[1] as purged_at
             from keeper.epoch) as begun
where open or at < clock_timestamp() - %s
and (purged_at is not null
     or exists (select from keeper.person_key where forgotten_at >= begun.at)
     or exists (select from keeper.period_key where destroyed_at >= begun.at))
"""
_PERSONS: Final = """
select identity, epoch, wrapped from keeper.person_key
where identity > %s and epoch < %s and wrapped is not null order by identity limit %s
"""
_WRAP_PERSONS: Final = """
update keeper.person_key as k set epoch = %b, wrapped = n.wrapped
from unnest(%b::uuid[], %b::bytea[]) as n(identity, wrapped)
where k.identity = n.identity and k.wrapped is not null
"""
_REFUSED: Final = """
select id, epoch, wrapped from keeper.refused_key
where id > %s and epoch < %s order by id limit %s
"""
_WRAP_REFUSED: Final = """
update keeper.refused_key as k set epoch = %b, wrapped = n.wrapped
from unnest(%b::uuid[], %b::bytea[]) as n(id, wrapped) where k.id = n.id
"""
_PERIODS: Final = """
select purpose, shop, source, period, epoch, wrapped from keeper.period_key
where (purpose, shop, source, period) > (%s, %s, %s, %s) and epoch < %s and wrapped is not null
order by purpose, shop, source, period limit %s
"""
_WRAP_PERIOD: Final = """
update keeper.period_key set epoch = %s, wrapped = %s
where (purpose, shop, source, period) = (%s, %s, %s, %s) and wrapped is not null
"""

Progress = Callable[[int], None]


class Renewed(msgspec.Struct, frozen=True):
    """A finished renewal: the epoch that is now the only one, and how many keys were wrapped."""

    epoch: int
    keys: int


class Standing(msgspec.Struct, frozen=True):
    """How epochs stand: the newest that all keys are wrapped under, since when, who left since."""

    epoch: int
    begun_at: datetime
    forgotten_since: int


def prepare_epoch(log_url: str, keyring: EpochKeys) -> int | None:
    """Make the next epoch's key, unless that was done; nothing is wrapped under it by this."""
    with _alone(log_url) as connection:
        if connection is None:
            return None
        _finish(connection, keyring)
        return _next(connection, keyring)


def renew(log_url: str, keyring: EpochKeys, progress: Progress = lambda _: None) -> Renewed | None:
    """Wrap all keys under a new epoch and destroy the older ones; None when another does it now.

    Goes on where one that was killed left off. Raises KeyringLost, NotAllUnwrap, VaultFailed,
    OSError, psycopg.Error: then the older epochs' keys are still there, and nothing is lost.
    """
    with _alone(log_url) as connection:
        if connection is None:
            return None
        _finish(connection, keyring)
        prove_epochs(connection, keyring)
        epoch = _next(connection, keyring)
        with connection.transaction():
            connection.execute("select pg_advisory_xact_lock(%s)", (_EPOCH,))
            connection.execute(
                "insert into keeper.epoch (epoch) values (%s) on conflict do nothing", (epoch,)
            )
        connection.execute("set synchronous_commit to off")
        keys = sum(_periods(connection, keyring, epoch))
        for which in ((_REFUSED, _WRAP_REFUSED), (_PERSONS, _WRAP_PERSONS)):
            for wrapped in _each(connection, keyring, epoch, *which):
                keys += wrapped
                progress(keys)
        connection.execute("set synchronous_commit to on")  # with what was written before it
        connection.execute(
            "update keeper.epoch set renewed_at = clock_timestamp() where epoch = %s", (epoch,)
        )
        _finish(connection, keyring)
        return Renewed(epoch, keys)


def renew_if_due(log_url: str, keyring: EpochKeys, every: timedelta) -> Renewed | None:
    """Renew when a key was destroyed that the last epoch may have wrapped, at most once in `every`.

    One that was begun and not finished is finished at once.
    """
    with _alone(log_url) as connection:
        if connection is None:
            return None
        _finish(connection, keyring)
        due = connection.execute(_DUE, (every,)).rowcount > 0
    return renew(log_url, keyring) if due else None


def rewrap(log_url: str, keyring: Keyring, vault: Vault | None) -> bool:
    """Have a vault wrap the keyring's own keys anew; False when another renews them now.

    Raises OSError, KeyringLost, NotAllUnwrap, VaultFailed.
    """
    with _alone(log_url) as connection:
        if connection is None:
            return False
        if vault is not None:
            check_all_unwrap(connection)
        keyring.rewrap(vault)
        return True


@contextmanager
def _alone(log_url: str) -> Iterator[Connection | None]:
    """Connect, and keep others from renewing; None when another one renews."""
    with closing(connect(log_url, KEEPER)) as connection:
        mine = connection.execute("select pg_try_advisory_lock(%s)", (_RENEWING,)).fetchone()
        try:
            yield connection if mine is not None and mine[0] else None
        finally:  # who looks next need not wait until the server has seen the connection go
            with suppress(psycopg.Error):
                connection.execute("select pg_advisory_unlock_all()")


def _finish(connection: Connection, keyring: EpochKeys) -> None:
    """Destroy the keys of the epochs under which nothing is wrapped any more."""
    keyring.look_again()
    check_epochs(connection, keyring)
    row = connection.execute(_NEWEST).fetchone()
    assert row is not None
    if row[0] in keyring.held and min(keyring.held) < row[0]:
        keyring.end(row[0])
    connection.execute(
        "update keeper.epoch set ended_at = clock_timestamp() "
        "where epoch < %s and ended_at is null",
        row,
    )


def check_epochs(connection: Connection, keyring: EpochKeys) -> None:
    """Raise KeyringLost when an epoch that keys are wrapped under is not on the keyring."""
    rows = connection.execute(_NEEDED).fetchall()
    for (epoch,) in rows:
        if epoch not in keyring.held and connection.execute(_WRAPPED, 3 * (epoch,)).rowcount > 0:
            msg = f"Epoch key {epoch} is not on the keyring: put back the keyring's newest copy"
            raise KeyringLost(msg)


def prove_epochs(connection: Connection, keyring: EpochKeys) -> None:
    """Look that the keyring opens what is wrapped. Raises KeyringLost, VaultFailed."""
    check_epochs(connection, keyring)
    for (epoch,) in connection.execute(_NEEDED).fetchall():
        if epoch in keyring.held:
            prove(connection, keyring, epoch)


def standing(connection: Connection) -> Standing:
    """Tell how epochs stand."""
    row = connection.execute(_STANDING).fetchone()
    assert row is not None
    return Standing(*row)


def _next(connection: Connection, keyring: EpochKeys) -> int:
    """Return the epoch to renew to: one that was begun, or a new one, whose key is made here.

    Raises NotAllUnwrap where others could not use it.
    """
    row = connection.execute(_BEGUN).fetchone()
    assert row is not None
    if keyring.by_vault and row[0] == row[1]:
        check_all_unwrap(connection)
    epoch = max(*row, keyring.current)
    if epoch == row[1]:
        epoch += 1
        keyring.begin(epoch)
    return int(epoch)


def _each(
    connection: Connection, keyring: EpochKeys, epoch: int, find: str, wrap: str
) -> Iterable[int]:
    """Wrap chunk after chunk, in the order of ids; yield how many each time."""
    last = _NOBODY
    while rows := connection.execute(find.encode(), (last, epoch, CHUNK), binary=True).fetchall():
        last = rows[-1][0]
        named = ((id_, old, key, id_.bytes) for id_, old, key in rows)
        wrapped = {
            id_: keyring.wrap(key, id_.bytes)[1]
            for id_, key in unspoiled(connection, keyring, named)
        }
        connection.execute(wrap.encode(), (epoch, list(wrapped), list(wrapped.values())))
        yield len(wrapped)


def _periods(connection: Connection, keyring: EpochKeys, epoch: int) -> Iterable[int]:
    last: Period = ("", "", "", "")
    while rows := connection.execute(_PERIODS, (*last, epoch, CHUNK)).fetchall():
        named = [(row[:4], row[4], row[5], context_of(row[:4])) for row in rows]
        last = named[-1][0]
        wrapped = 0
        for name, key in unspoiled(connection, keyring, named):
            connection.execute(_WRAP_PERIOD, (*keyring.wrap(key, context_of(name)), *name))
            wrapped += 1
        yield wrapped
