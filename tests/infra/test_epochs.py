"""A new epoch wraps the survivors' keys anew, and what it replaced opens nothing any more."""

import base64
import json
import os
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from infra import epochs
from infra.epochs import check_epochs, prepare_epoch, renew, renew_if_due
from infra.installation import prepare
from infra.keyring import Keyring, KeyringLost
from infra.postgres import KEEPER, OWNER, Pool, connect, pool
from infra.sealing import PersonKeys, RefusedEvent

ADA, BOB = UUID(int=1), UUID(int=2)
DAY = timedelta(days=1)


def wrapped_under(url: str) -> dict[int, int]:
    with connect(url, KEEPER) as connection:
        return dict(
            connection.execute(
                "select epoch, count(*) from (select epoch, wrapped from keeper.person_key"
                " union all select epoch, wrapped from keeper.period_key) as k"
                " where wrapped is not null group by epoch"
            ).fetchall()
        )


def test_a_new_epoch_is_all_that_is_left_and_opens_what_was_sealed_before(
    database_url: str, keeper: Pool, ring: Keyring, keyring: Path
) -> None:
    keys = PersonKeys(keeper, ring)
    keys.ensure([ADA, BOB])
    sealed = keys.seal(ADA, b"secret", b"c")
    refused = keys.seal_period("refused", "shop", "site", "2026-11", b"refused")
    done = renew(database_url, Keyring.open(keyring))
    assert done is not None
    assert (done.epoch, done.keys) == (2, 3)
    assert wrapped_under(database_url) == {2: 3}
    assert list(json.loads(keyring.read_text())["epochs"]) == ["2"]
    later = PersonKeys(keeper, Keyring.open(keyring))
    assert later.open(ADA, sealed, b"c") == b"secret"
    assert later.open_period("refused", "shop", "site", "2026-11", refused) == b"refused"


def test_nothing_of_the_old_epoch_opens_what_was_wrapped_under_the_new_one(
    database_url: str, keeper: Pool, ring: Keyring, keyring: Path
) -> None:
    PersonKeys(keeper, ring).ensure([ADA])
    before = json.loads(keyring.read_text())["epochs"]["1"]
    renew(database_url, ring)
    with connect(database_url, KEEPER) as connection:
        row = connection.execute("select wrapped from keeper.person_key").fetchone()
    assert row is not None
    with pytest.raises(InvalidTag):
        AESGCM(base64.b64decode(before)).decrypt(row[0][:12], row[0][12:], ADA.bytes)


def test_a_process_that_goes_on_learns_of_the_new_epoch_by_itself(
    database_url: str, keeper: Pool, ring: Keyring, keyring: Path
) -> None:
    running = PersonKeys(keeper, ring, cached=1)
    running.ensure([ADA])
    sealed = running.seal(ADA, b"secret", b"c")
    renew(database_url, Keyring.open(keyring))
    running.ensure([BOB])  # wraps under an epoch that ended, is refused, and wraps again
    assert wrapped_under(database_url) == {2: 2}
    assert running.open(ADA, sealed, b"c") == b"secret"
    assert list(ring.held) == [2]


def test_the_destroyed_key_leaves_a_running_processs_memory(
    database_url: str, keeper: Pool, ring: Keyring, keyring: Path
) -> None:
    now = 0.0
    running = PersonKeys(keeper, ring, steady=lambda: now)
    running.ensure([ADA])
    renew(database_url, Keyring.open(keyring))
    now = 1.0
    assert running.has_key(ADA)
    assert list(ring.held) == [2]


@pytest.mark.parametrize("dies_at", ["begin", "first", "second", "end"])
def test_a_renewal_that_was_killed_anywhere_is_finished_by_the_next(  # noqa: PLR0913, PLR0917  # it stands on all of them
    database_url: str,
    keeper: Pool,
    ring: Keyring,
    keyring: Path,
    dies_at: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(epochs, "CHUNK", 4)
    people = [uuid4() for _ in range(10)]
    keys = PersonKeys(keeper, ring)
    keys.ensure(people)
    sealed = {person: keys.seal(person, person.bytes, b"c") for person in people}

    def killed_by(keys_done: int) -> None:
        if keys_done >= {"first": 4, "second": 8}.get(dies_at, 99):
            raise KeyboardInterrupt

    class Mortal(Keyring):
        def begin(self, epoch: int) -> None:
            super().begin(epoch)
            if dies_at == "begin":
                raise KeyboardInterrupt

        def end(self, before: int) -> None:
            if dies_at == "end":
                raise KeyboardInterrupt
            super().end(before)

    with pytest.raises(KeyboardInterrupt):
        renew(database_url, Mortal(keyring), killed_by)
    meanwhile = PersonKeys(keeper, Keyring.open(keyring))
    assert all(meanwhile.open(p, s, b"c") == p.bytes for p, s in sealed.items())
    meanwhile.ensure([ADA])
    renew(database_url, Keyring.open(keyring))
    held = Keyring.open(keyring).held
    assert len(held) == 1
    assert wrapped_under(database_url) == {max(held): 11}
    later = PersonKeys(keeper, Keyring.open(keyring))
    assert all(later.open(p, s, b"c") == p.bytes for p, s in sealed.items())
    assert later.has_key(ADA)


def test_of_two_who_renew_at_once_one_does_it(
    database_url: str, ring: Keyring, keyring: Path
) -> None:
    with pool(database_url, KEEPER) as keeper:
        PersonKeys(keeper, ring).ensure([ADA])
    others = []
    done = renew(
        database_url, ring, lambda _: others.append(renew(database_url, Keyring.open(keyring)))
    )
    assert done is not None
    assert others == [None]


def test_the_forgotten_are_not_wrapped_again(
    database_url: str, keeper: Pool, ring: Keyring
) -> None:
    keys = PersonKeys(keeper, ring)
    keys.ensure([ADA, BOB])
    keys.forget([ADA])
    renew(database_url, ring)
    assert wrapped_under(database_url) == {2: 1}
    assert not PersonKeys(keeper, ring).has_key(ADA)


def test_a_day_in_which_somebody_was_forgotten_ends_with_a_new_epoch(
    database_url: str, keeper: Pool, ring: Keyring
) -> None:
    keys = PersonKeys(keeper, ring)
    keys.ensure([ADA])
    assert renew_if_due(database_url, ring, timedelta()) is None
    keys.forget([ADA])
    assert renew_if_due(database_url, ring, DAY) is None
    done = renew_if_due(database_url, ring, timedelta())
    assert done is not None
    assert done.epoch == 2
    assert renew_if_due(database_url, ring, timedelta()) is None


def test_a_key_that_was_prepared_is_the_one_that_is_renewed_to(
    database_url: str, ring: Keyring, keyring: Path
) -> None:
    assert prepare_epoch(database_url, ring) == 2
    assert prepare_epoch(database_url, ring) == 2
    prepared = json.loads(keyring.read_text())["epochs"]["2"]
    renew(database_url, ring)
    assert json.loads(keyring.read_text())["epochs"] == {"2": prepared}


def test_a_keyring_from_before_the_last_epoch_is_told_by_its_number(
    database_url: str, keeper: Pool, ring: Keyring, keyring: Path
) -> None:
    PersonKeys(keeper, ring).ensure([ADA])
    old = keyring.read_bytes()
    renew(database_url, ring)
    keyring.write_bytes(old)
    with connect(database_url, KEEPER) as connection:
        with pytest.raises(KeyringLost, match="Epoch key 2"):
            check_epochs(connection, Keyring.open(keyring))
        with pytest.raises(KeyringLost, match="Epoch key 2"):
            renew(database_url, Keyring.open(keyring))


def test_a_new_database_takes_a_keyring_that_was_renewed_elsewhere(
    database_url: str, keeper: Pool, keyring: Path
) -> None:
    Keyring.open(keyring).begin(7)
    Keyring.open(keyring).end(7)
    keys = PersonKeys(keeper, Keyring.open(keyring))
    with connect(database_url, KEEPER) as connection:
        check_epochs(connection, Keyring.open(keyring))
    keys.ensure([ADA])
    sealed = keys.seal(ADA, b"secret", b"c")
    assert renew_if_due(database_url, Keyring.open(keyring), timedelta()) is None
    renew(database_url, Keyring.open(keyring))
    later = PersonKeys(keeper, Keyring.open(keyring))
    assert later.open(ADA, sealed, b"c") == b"secret"


def test_an_old_keyring_without_which_nothing_is_lost_is_renewed_and_never_emptied(
    database_url: str, ring: Keyring, keyring: Path
) -> None:
    old = keyring.read_bytes()
    renew(database_url, ring)  # before anybody had a key
    keyring.write_bytes(old)
    assert renew_if_due(database_url, Keyring.open(keyring), timedelta()) is None
    assert list(Keyring.open(keyring).held) == [1]
    renew(database_url, Keyring.open(keyring))
    assert list(Keyring.open(keyring).held) == [3]


def changed(keyring: Path, *, epoch: str = "1", to: bytes) -> bytes:
    """Put another epoch key on a keyring; return what the file held."""
    before = keyring.read_bytes()
    held = json.loads(before)
    held["epochs"][epoch] = base64.b64encode(to).decode()
    keyring.write_bytes(json.dumps(held).encode())
    return before


@pytest.mark.parametrize("of", ["person", "month", "refused event"])
def test_another_epoch_key_of_the_same_number_is_told_and_wraps_nothing(
    database_url: str, keeper: Pool, keyring: Path, of: str
) -> None:
    keys = PersonKeys(keeper, prepare(database_url, keyring))
    match of:
        case "person":
            keys.ensure([ADA])
        case "month":
            keys.seal_period("refused", "shop", "site", "2026-11", b"refused")
        case _:
            keys.seal_refused([RefusedEvent(BOB, "shop", "site", "2026-11", b"refused")])
            with connect(database_url, OWNER) as owner:
                owner.execute("delete from keeper.period_key")
    before = changed(keyring, to=os.urandom(32))
    with pytest.raises(KeyringLost, match="Epoch key 1 on the keyring is another one"):
        prepare(database_url, keyring)
    wrong = PersonKeys(keeper, Keyring.open(keyring))
    for make in (
        lambda: wrong.ensure([BOB]),
        lambda: wrong.seal_period("refused", "shop", "site", "2026-10", b"refused"),
        lambda: wrong.seal_refused([RefusedEvent(ADA, "shop", "site", "2026-11", b"refused")]),
        lambda: renew(database_url, Keyring.open(keyring)),
    ):
        with pytest.raises(KeyringLost):
            make()
    keyring.write_bytes(before)
    assert prepare(database_url, keyring).current == 1
    PersonKeys(keeper, Keyring.open(keyring)).ensure([ADA, BOB])
    assert wrapped_under(database_url)[1] >= 2


def test_a_running_process_takes_no_other_key_of_an_epoch_that_it_knows(
    keeper: Pool, ring: Keyring, keyring: Path
) -> None:
    running = PersonKeys(keeper, ring)
    running.ensure([ADA])
    before = changed(keyring, to=os.urandom(32))
    with pytest.raises(KeyringLost, match="holds another epoch key 1 than before"):
        ring.look_again()
    running.ensure([BOB])  # by what it holds
    keyring.write_bytes(before)
    ring.look_again()
    assert PersonKeys(keeper, Keyring.open(keyring)).has_key(BOB)


def test_a_next_epochs_key_is_looked_at_before_it_wraps(
    database_url: str, keeper: Pool, ring: Keyring, keyring: Path
) -> None:
    running = PersonKeys(keeper, ring)
    running.ensure([ADA])
    elsewhere = keyring.with_name("elsewhere.json")
    elsewhere.write_bytes(keyring.read_bytes())
    renew(database_url, Keyring.open(elsewhere))
    changed(keyring, epoch="2", to=os.urandom(32))
    with pytest.raises(KeyringLost, match="Epoch key 2 on the keyring is another one"):
        running.ensure([BOB])
    keyring.write_bytes(elsewhere.read_bytes())
    PersonKeys(keeper, Keyring.open(keyring)).ensure([BOB])
    assert wrapped_under(database_url) == {2: 2}


@pytest.mark.parametrize("length", [0, 16, 24, 31, 33])
def test_a_key_of_another_length_is_told_by_its_name(keyring: Path, length: int) -> None:
    Keyring.open(keyring)
    changed(keyring, to=bytes(length))
    with pytest.raises(KeyringLost, match=f"holds {length} bytes as epoch-1, not 32"):
        Keyring.open(keyring)


def test_a_lost_epoch_key_destroys_nothing(database_url: str, keeper: Pool, keyring: Path) -> None:
    PersonKeys(keeper, Keyring.open(keyring)).ensure([ADA])
    held = json.loads(keyring.read_text())
    held["epochs"]["1"] = held["secret"]
    keyring.write_text(json.dumps(held))
    with pytest.raises(KeyringLost):
        renew(database_url, Keyring.open(keyring))
    assert "1" in json.loads(keyring.read_text())["epochs"]


def test_what_the_file_held_is_wiped_and_drafts_of_the_killed_are_too(
    database_url: str, ring: Keyring, keyring: Path
) -> None:
    left = keyring.with_name(f"{keyring.name}.123.0a1b2c3d")
    left.write_bytes(keyring.read_bytes())
    held_open = keyring.open("rb")
    with held_open, left.open("rb") as of_draft:
        renew(database_url, ring)
        assert not held_open.read().strip(b"\0")
        assert not of_draft.read().strip(b"\0")
    assert list(keyring.parent.iterdir()) == [keyring]
    assert keyring.stat().st_mode & 0o077 == 0
