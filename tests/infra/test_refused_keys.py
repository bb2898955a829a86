"""A refused event opens with its own key and its month's, and is forgotten without the others."""

import json
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest

from domain.shared.personal import KeyForgotten
from infra.epochs import check_epochs, renew, renew_if_due
from infra.keyring import Keyring, KeyringLost
from infra.postgres import KEEPER, OWNER, Pool, connect
from infra.sealing import PersonKeys, RefusedEvent

FIRST = RefusedEvent(UUID(int=1), "shop", "site", "2026-11", b"first")
SECOND = RefusedEvent(UUID(int=2), "shop", "site", "2026-11", b"second")
BOTH = (FIRST, SECOND)


def sealed(keys: PersonKeys) -> list[RefusedEvent]:
    contents = keys.seal_refused(BOTH)
    return [it._replace(content=content) for it, content in zip(BOTH, contents, strict=True)]


def test_one_is_forgotten_and_the_other_opens(
    keys: PersonKeys, keeper: Pool, keyring: Path
) -> None:
    kept = sealed(keys)
    assert keys.open_refused(kept) == [b"first", b"second"]
    keys.forget_refused([FIRST.id])
    for anybody in (keys, PersonKeys(keeper, Keyring.open(keyring))):
        assert anybody.open_refused(kept) == [None, b"second"]


def test_one_that_is_sealed_twice_opens_both_times(keys: PersonKeys) -> None:
    once, again = sealed(keys), sealed(keys)
    assert keys.open_refused(once + again) == 2 * [b"first", b"second"]


def test_one_that_was_forgotten_is_not_sealed_again(keys: PersonKeys) -> None:
    sealed(keys)
    keys.forget_refused([FIRST.id])
    gone, again = keys.seal_refused_again(BOTH)
    assert gone is None
    assert again is not None
    assert keys.open_refused([SECOND._replace(content=again)]) == [b"second"]
    assert keys.open_refused([FIRST._replace(content=again)]) == [None]


def test_one_does_not_open_in_the_place_of_another(keys: PersonKeys) -> None:
    first, second = sealed(keys)
    swapped = [first._replace(content=second.content), first._replace(source="app")]
    assert keys.open_refused(swapped) == [None, None]


def test_the_key_of_its_month_is_needed_too(
    keys: PersonKeys, keeper: Pool, keyring: Path, database_url: str
) -> None:
    kept = sealed(keys)
    with connect(database_url, OWNER) as owner:
        owner.execute("update keeper.period_key set wrapped = null, destroyed_at = now()")
    later = PersonKeys(keeper, Keyring.open(keyring))
    assert later.open_refused(kept) == [None, None]
    with pytest.raises(KeyForgotten):
        later.seal_refused(BOTH)


def test_what_was_kept_when_events_had_no_keys_opens_with_its_months(keys: PersonKeys) -> None:
    old = keys.seal_period("refused", "shop", "site", "2026-11", b"old")
    assert keys.open_refused([FIRST._replace(content=old)]) == [b"old"]


def test_a_new_epoch_wraps_them_anew_and_what_was_wrapped_before_opens_no_more(
    keys: PersonKeys, keeper: Pool, keyring: Path, database_url: str
) -> None:
    kept = sealed(keys)
    with connect(database_url, KEEPER) as connection:
        before = connection.execute("select epoch, wrapped, id from keeper.refused_key").fetchall()
        keys.forget_refused([FIRST.id])
        done = renew(database_url, Keyring.open(keyring))
        assert done is not None
        assert (done.epoch, done.keys) == (2, 2)
        epochs = connection.execute("select epoch from keeper.refused_key").fetchall()
    assert epochs == [(2,)]
    later = Keyring.open(keyring)
    assert PersonKeys(keeper, later).open_refused(kept) == [None, b"second"]
    for epoch, wrapped, id_ in before:
        with pytest.raises(KeyringLost):
            later.unwrap(epoch, wrapped, id_.bytes)


def test_one_that_an_epoch_wrapped_and_is_forgotten_after_makes_a_further_one_due(
    keys: PersonKeys, ring: Keyring, database_url: str
) -> None:
    sealed(keys)
    renew(database_url, ring)
    assert renew_if_due(database_url, ring, timedelta()) is None
    keys.forget_refused([UUID(int=3)])
    assert renew_if_due(database_url, ring, timedelta()) is None
    keys.forget_refused([FIRST.id])
    assert renew_if_due(database_url, ring, timedelta(days=1)) is None
    done = renew_if_due(database_url, ring, timedelta())
    assert done is not None
    assert (done.epoch, done.keys) == (3, 2)
    assert renew_if_due(database_url, ring, timedelta()) is None


def test_a_keyring_that_lacks_their_epoch_is_lost(
    keys: PersonKeys, keyring: Path, database_url: str
) -> None:
    keys.seal_refused(BOTH)
    with connect(database_url, OWNER) as owner:
        owner.execute("delete from keeper.period_key")
        told = json.loads(keyring.read_text())
        told["epochs"] = {"7": told["epochs"]["1"]}
        keyring.write_text(json.dumps(told))
        with pytest.raises(KeyringLost):
            check_epochs(owner, Keyring.open(keyring))
