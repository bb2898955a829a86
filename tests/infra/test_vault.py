"""The keyring's keys are wrapped by a program of the operator's, and nothing else unwraps them."""

import base64
import json
import os
import traceback
from pathlib import Path
from time import sleep
from typing import Final
from uuid import UUID

import psutil
import pytest

from infra.epochs import prepare_epoch, renew, rewrap
from infra.holders import NotAllUnwrap, keeper_pool
from infra.installation import prepare
from infra.keyring import Keyring, KeyringLost
from infra.postgres import Pool, connect
from infra.sealing import PersonKeys
from infra.vault import Command, VaultFailed
from tests.infra.kms import Kms, program

_OTHERS: Final = """
select from pg_stat_activity where datname = current_database()
and application_name like 'huike:huike_keeper:%'
"""
ADA, BOB = UUID(int=1), UUID(int=2)


@pytest.fixture
def kms(tmp_path: Path) -> Kms:
    return Kms(tmp_path / "kms")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "keyring.json"


def written(file: Path) -> bytes:
    """Return all that could be read in a keyring's file, whatever it is encoded in."""
    held = json.loads(file.read_text())
    entries = [held["secret"], *held["epochs"].values()]
    texts = [one if isinstance(one, str) else one["wrapped"] for one in entries]
    return file.read_bytes() + b"".join(base64.b64decode(text) for text in texts)


def test_a_new_keyring_holds_nothing_that_the_file_alone_opens(file: Path, kms: Kms) -> None:
    keyring = Keyring.open(file, kms.vault)
    assert not keyring.in_the_clear
    assert keyring.secret not in written(file)
    assert kms.names == {"secret", "epoch-1"}
    epoch, wrapped = keyring.wrap(b"a key", b"c")
    again = Keyring.open(file, kms.vault)
    assert again.secret == keyring.secret
    assert again.unwrap(epoch, wrapped, b"c") == b"a key"
    with pytest.raises(KeyringLost, match="set HUIKE_EPOCH_COMMAND"):
        Keyring.open(file)


def test_persons_are_wrapped_without_asking_for_each(file: Path, kms: Kms, keeper: Pool) -> None:
    keys = PersonKeys(keeper, Keyring.open(file, kms.vault))
    asked = len(kms.asked)
    keys.ensure([UUID(int=n) for n in range(100)])
    assert len(kms.asked) == asked


def test_a_new_epoch_is_wrapped_and_the_one_before_is_destroyed(
    file: Path, kms: Kms, keeper: Pool, database_url: str
) -> None:
    running = PersonKeys(keeper, Keyring.open(file, kms.vault), cached=1)
    running.ensure([ADA])
    sealed = running.seal(ADA, b"secret", b"c")
    old = file.read_bytes()
    done = renew(database_url, Keyring.open(file, kms.vault))
    assert done is not None
    assert (done.epoch, done.keys) == (2, 1)
    assert kms.names == {"secret", "epoch-2"}
    running.ensure([BOB])
    assert running.open(ADA, sealed, b"c") == b"secret"
    assert PersonKeys(keeper, Keyring.open(file, kms.vault)).open(ADA, sealed, b"c") == b"secret"
    file.write_bytes(old)  # a copy that somebody kept
    with pytest.raises(VaultFailed, match="did not unwrap epoch-1"):
        Keyring.open(file, kms.vault)


def test_a_renewal_that_could_not_be_ended_is_ended_by_the_next(
    file: Path, kms: Kms, keeper: Pool, database_url: str, tmp_path: Path
) -> None:
    PersonKeys(keeper, Keyring.open(file, kms.vault)).ensure([ADA])
    stubborn = program(tmp_path / "stubborn", f'#!/bin/sh\n[ $1 != destroy ] && {kms.line} "$@"\n')
    with pytest.raises(VaultFailed, match="did not destroy epoch-1"):
        renew(database_url, Keyring.open(file, Command(str(stubborn))))
    assert sorted(Keyring.open(file, kms.vault).held) == [1, 2]
    renew(database_url, Keyring.open(file, kms.vault))
    assert list(Keyring.open(file, kms.vault).held) == [3]
    assert kms.names == {"secret", "epoch-3"}
    assert PersonKeys(keeper, Keyring.open(file, kms.vault)).has_key(ADA)


def test_a_keyring_in_the_clear_is_wrapped_by_its_next_epoch(
    file: Path, kms: Kms, keeper: Pool, database_url: str
) -> None:
    clear = Keyring.open(file)
    PersonKeys(keeper, clear).ensure([ADA])
    keyring = Keyring.open(file, kms.vault)
    assert keyring.in_the_clear
    prepare_epoch(database_url, keyring)
    assert not Keyring.open(file, kms.vault).in_the_clear
    assert clear.secret not in written(file)
    renew(database_url, Keyring.open(file, kms.vault))
    later = Keyring.open(file, kms.vault)
    assert later.secret == clear.secret
    assert PersonKeys(keeper, later).has_key(ADA)


def test_keys_go_from_one_vault_to_another_and_back_into_the_clear(
    file: Path, kms: Kms, keeper: Pool, database_url: str, tmp_path: Path
) -> None:
    first = Keyring.open(file)
    running = PersonKeys(keeper, first)
    running.ensure([ADA])
    assert rewrap(database_url, Keyring.open(file), kms.vault)
    other = Kms(tmp_path / "other")
    assert rewrap(database_url, Keyring.open(file, kms.vault), other.vault)
    with pytest.raises(VaultFailed):
        Keyring.open(file, Kms(tmp_path / "third").vault)
    assert Keyring.open(file, other.vault).secret == first.secret
    assert rewrap(database_url, Keyring.open(file, other.vault), None)
    assert Keyring.open(file).secret == first.secret
    assert PersonKeys(keeper, Keyring.open(file)).has_key(ADA)


def test_nothing_is_wrapped_while_a_process_runs_that_could_not_unwrap_it(
    file: Path, kms: Kms, database_url: str
) -> None:
    without = Keyring.open(file)
    with keeper_pool(database_url, without) as keeper:
        PersonKeys(keeper, without).ensure([ADA])
        keyring = Keyring.open(file, kms.vault)
        was = file.read_bytes()
        for wrap in (prepare_epoch, renew, lambda url, it: rewrap(url, it, kms.vault)):
            with pytest.raises(NotAllUnwrap, match="start them anew with HUIKE_EPOCH_COMMAND"):
                wrap(database_url, keyring)
        assert file.read_bytes() == was
        assert renew(database_url, without) is not None  # which it can open
    gone(database_url)
    with keeper_pool(database_url, keyring) as keeper:
        running = PersonKeys(keeper, keyring)
        running.ensure([ADA])
        assert rewrap(database_url, Keyring.open(file, kms.vault), kms.vault)
        done = renew(database_url, Keyring.open(file, kms.vault))
        assert done is not None
        assert (done.epoch, done.keys) == (3, 1)
        running.ensure([BOB])


def test_where_no_vault_is_set_nobody_holds_up_an_epoch(
    file: Path, kms: Kms, database_url: str
) -> None:
    keyring = Keyring.open(file)
    with keeper_pool(database_url, keyring), keeper_pool(database_url, Keyring(file, kms.vault)):
        assert renew(database_url, Keyring.open(file)) is not None


def test_an_epoch_that_began_is_ended_whoever_runs(file: Path, kms: Kms, database_url: str) -> None:
    with keeper_pool(database_url, Keyring.open(file)) as keeper:
        PersonKeys(keeper, Keyring.open(file)).ensure([ADA])

        def killed(_: int) -> None:
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            renew(database_url, Keyring.open(file), killed)
        done = renew(database_url, Keyring.open(file, kms.vault))
    assert done is not None
    assert done.epoch == 2


def gone(url: str) -> None:
    """Wait until Postgres has seen that the others' connections are closed."""
    with connect(url) as connection:
        for _ in range(600):
            if connection.execute(_OTHERS).rowcount == 0:
                return
            sleep(0.1)
    pytest.fail("their connections stay")


def test_a_lost_key_of_the_vault_is_told_at_the_start(
    file: Path, kms: Kms, database_url: str
) -> None:
    prepare(database_url, file, kms.vault)
    (kms.folder / "epoch-1.key").unlink()
    with pytest.raises(VaultFailed, match=r"^kms \(HUIKE_EPOCH_COMMAND\) did not unwrap epoch-1: "):
        prepare(database_url, file, kms.vault)


BAD = {
    "fails": ("cat; exit 3", "it ended with 3"),
    "wraps nothing": ("cat > /dev/null", "it wrote 0 bytes"),
    "gives back": ("cat", "it gave back what it was given"),
    "forgets": ("[ $1 = wrap ] && openssl rand 48", "did not unwrap"),
    "mistakes": ("openssl rand 48", "is unwrapped to something else"),
    "hangs": ("cat > /dev/null; sleep 600", "it took longer than 0.5 seconds"),
    "tells": ("k=$(base64); echo $k; echo $k >&2; exit 1", "it ended with 1"),
}


@pytest.mark.parametrize("how", BAD)
def test_a_program_that_does_otherwise_leaves_no_keyring_and_no_secret_in_the_error(
    file: Path, tmp_path: Path, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    body, why = BAD[how]
    made = os.urandom(32)
    monkeypatch.setattr("secrets.token_bytes", lambda _: made)
    line = str(program(tmp_path / how.replace(" ", "-"), f"#!/bin/sh\n{body}\n"))
    with pytest.raises(VaultFailed) as caught:
        Keyring.open(file, Command(line, seconds=0.5 if how == "hangs" else 30))
    assert why in str(caught.value)
    told = "".join(traceback.format_exception(caught.value))
    assert made.hex() not in told
    assert base64.b64encode(made).decode() not in told
    assert not file.exists()
    assert not [
        one for one in psutil.Process().children(recursive=True) if one.name() in {"sh", "sleep"}
    ]


@pytest.mark.parametrize("name", ["secret", "epoch-1"])
@pytest.mark.parametrize(
    ("body", "length"),
    [(":", 0), ('{line} "$@" | head -c 16', 16), ('echo noise; {line} "$@"', 38)],
    ids=["nothing", "cut off", "noise before it"],
)
def test_a_program_that_unwraps_to_what_is_no_key_is_told_by_its_name(  # noqa: PLR0913, PLR0917  # both parts of the case
    file: Path, kms: Kms, tmp_path: Path, body: str, length: int, name: str
) -> None:
    Keyring.open(file, kms.vault)
    spoils = body.format(line=kms.line)
    script = f'#!/bin/sh\nif [ "$2" = {name} ]; then {spoils}; else {kms.line} "$@"; fi\n'
    line = str(program(tmp_path / "spoiler", script))
    why = f"spoiler .* did not unwrap {name}: it wrote {length} bytes, not 32"
    with pytest.raises(VaultFailed, match=why):
        Keyring.open(file, Command(line))


def test_a_program_that_unwraps_to_another_key_is_told_at_the_start(
    file: Path, kms: Kms, keeper: Pool, database_url: str, tmp_path: Path
) -> None:
    PersonKeys(keeper, prepare(database_url, file, kms.vault)).ensure([ADA])
    script = f'#!/bin/sh\n[ "$2" = secret ] && exec {kms.line} "$@"\nopenssl rand 32\n'
    other = Command(str(program(tmp_path / "other", script)))
    with pytest.raises(KeyringLost, match="Epoch key 1 on the keyring is another one"):
        prepare(database_url, file, other)


def test_a_program_that_is_not_there_is_told(file: Path, tmp_path: Path) -> None:
    with pytest.raises(VaultFailed, match="it does not start: No such file or directory"):
        Keyring.open(file, Command(str(tmp_path / "none")))


def test_a_program_is_told_no_secret_but_by_its_input(
    file: Path, kms: Kms, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUIKE_KAFKA_PASSWORD", "hush")
    body = f'#!/bin/sh\nenv >> {tmp_path}/environment\n{kms.line} "$@"\n'
    Keyring.open(file, Command(f"{program(tmp_path / 'nosy', body)}"))
    assert "hush" not in (tmp_path / "environment").read_text()
    assert set(kms.asked) == {
        f"{verb} {name}" for verb in ("wrap", "unwrap") for name in ("secret", "epoch-1")
    }


def test_a_program_has_arguments_of_its_own(file: Path, kms: Kms) -> None:
    Keyring.open(file, Command(f"env -u HOME '{kms.line}'"))
    assert "wrap secret" in kms.asked
