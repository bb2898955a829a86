"""A key that nothing unwraps holds up nobody else's, and the keyring that opens those is right."""

import os
from pathlib import Path
from uuid import UUID

import pytest

from infra.epochs import renew
from infra.installation import prepare
from infra.keyring import Keyring, KeyringLost, SpoiledKey
from infra.postgres import OWNER, Connection, Pool, connect
from infra.sealing import PersonKeys, RefusedEvent

ADA, BOB = UUID(int=1), UUID(int=2)
FIRST = RefusedEvent(UUID(int=1), "shop", "site", "2026-11", b"first")
SECOND = RefusedEvent(UUID(int=2), "shop", "site", "2026-11", b"second")
OTHER = RefusedEvent(UUID(int=3), "shop", "site", "2026-10", b"other")
ALL = (FIRST, SECOND, OTHER)


@pytest.fixture
def kept(database_url: str, keeper: Pool, keyring: Path) -> list[RefusedEvent]:
    """Refused events, the first of which has a spoiled key, and the last of a spoiled month."""
    keys = PersonKeys(keeper, prepare(database_url, keyring))
    keys.ensure([ADA, BOB])
    contents = keys.seal_refused(ALL)
    with connect(database_url, OWNER) as owner:
        spoil(owner, "keeper.person_key", f"identity = '{BOB}'")
        spoil(owner, "keeper.refused_key", f"id = '{FIRST.id}'")
        spoil(owner, "keeper.period_key", "period = '2026-10'")
    return [it._replace(content=content) for it, content in zip(ALL, contents, strict=True)]


def spoil(owner: Connection, table: str, where: str) -> None:
    """Write a key as another epoch key would have wrapped it."""
    query = f"update {table} set wrapped = %s where {where}"  # noqa: S608  # the tests' own
    assert owner.execute(query.encode(), (os.urandom(60),)).rowcount == 1


def test_those_beside_it_open(
    database_url: str, keeper: Pool, keyring: Path, kept: list[RefusedEvent]
) -> None:
    later = PersonKeys(keeper, prepare(database_url, keyring))
    assert later.open_refused(kept) == [None, b"second", None]
    later.load([ADA, BOB])
    assert later.open(ADA, later.seal(ADA, b"secret", b"c"), b"c") == b"secret"


def test_who_has_one_is_refused_and_may_be_forgotten(
    keeper: Pool, keyring: Path, kept: list[RefusedEvent]
) -> None:
    assert kept
    later = PersonKeys(keeper, Keyring.open(keyring))
    later.ensure([ADA, BOB])
    with pytest.raises(SpoiledKey):
        later.seal(BOB, b"secret", b"c")
    assert later.has_key(BOB)
    assert later.forget([BOB]) == {BOB: 1}
    assert not later.has_key(BOB)


def test_new_epochs_wrap_the_others(
    database_url: str, keeper: Pool, keyring: Path, kept: list[RefusedEvent]
) -> None:
    for epoch in (2, 3):  # the second finds what the first left
        done = renew(database_url, Keyring.open(keyring))
        assert done is not None
        assert (done.epoch, done.keys) == (epoch, 4)
    later = PersonKeys(keeper, prepare(database_url, keyring))
    assert later.has_key(ADA)
    assert later.open_refused(kept) == [None, b"second", None]


def test_a_keyring_that_opens_none_takes_nothing_for_spoiled(
    database_url: str, keeper: Pool, keyring: Path, kept: list[RefusedEvent]
) -> None:
    with connect(database_url, OWNER) as owner:
        for table in ("person_key", "period_key", "refused_key"):
            owner.execute(f"update keeper.{table} set wrapped = '\\x00'".encode())  # noqa: S608  # the tests' own
    later = PersonKeys(keeper, Keyring.open(keyring))
    with pytest.raises(KeyringLost, match="another one than keys are wrapped by"):
        later.open_refused(kept)
    with pytest.raises(KeyringLost, match="another one than keys are wrapped by"):
        later.has_key(ADA)
    with pytest.raises(KeyringLost, match="another one than keys are wrapped by"):
        renew(database_url, Keyring.open(keyring))
