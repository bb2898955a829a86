"""`huike keyring`: a new epoch while everything runs, and a keyring that is too old is told."""

import json
from pathlib import Path
from uuid import UUID

import pytest

from infra.holders import keeper_pool
from infra.keyring import Keyring
from infra.postgres import KEEPER, pool
from infra.sealing import PersonKeys
from tests.cli.running import TRACEBACK, Installation
from tests.infra.kms import Kms, program

pytestmark = pytest.mark.slow


def test_a_new_epoch_is_made_by_command_and_an_old_keyring_is_told_in_a_sentence(
    tmp_path: Path, database_url: str
) -> None:
    here = Installation(tmp_path, HUIKE_LOG_URL=database_url)
    keyring = here.home / "keyring.json"
    with pool(database_url, KEEPER, size=1) as keeper:
        PersonKeys(keeper, Keyring.open(keyring)).ensure([UUID(int=1)])
    first = here.run("keyring", "renew")
    assert first.stdout.startswith("Epoch 2: 1 keys are wrapped under it"), first
    old = keyring.read_bytes()
    assert list(json.loads(old)["epochs"]) == ["2"]
    assert "The key of epoch 3 is on" in here.run("keyring", "renew", "--prepare").stdout
    assert "Epoch 3:" in here.run("keyring", "renew").stdout
    keyring.write_bytes(old)
    for command in (["work", "views"], ["serve"], ["keyring", "renew"]):
        told = here.run(*command)
        assert told.returncode == 2
        assert "Epoch key 3 is not on the keyring" in told.stderr
        assert TRACEBACK not in told.stderr
    assert "Epoch key 3 is not on the keyring" in here.run("doctor").stdout


def test_keys_are_wrapped_by_command_and_a_kms_that_is_away_is_told_in_a_sentence(
    tmp_path: Path, database_url: str
) -> None:
    kms = Kms(tmp_path / "kms")
    here = Installation(tmp_path, HUIKE_LOG_URL=database_url)
    without = Keyring.open(here.home / "keyring.json")
    with pool(database_url, KEEPER, size=1) as keeper:
        PersonKeys(keeper, without).ensure([UUID(int=1)])
    assert here.run("keyring", "wrap").returncode == 2
    there = Installation(tmp_path, HUIKE_LOG_URL=database_url, HUIKE_EPOCH_COMMAND=kms.line)
    assert "not all is wrapped" in there.run("doctor").stdout
    wrapped = there.run("keyring", "wrap")
    assert "wrapped by kms. Replace every copy of it" in wrapped.stdout, wrapped
    assert "; kms unwraps it" in there.run("doctor").stdout
    with keeper_pool(database_url, without, size=1):
        for verb in ("wrap", "renew"):
            told = there.run("keyring", verb)
            assert (told.returncode, TRACEBACK in told.stderr) == (2, False)
            assert "start them anew with HUIKE_EPOCH_COMMAND." in told.stderr
        assert "that could not unwrap" in there.run("doctor").stdout
    assert "Epoch 2: 1 keys" in there.run("keyring", "renew").stdout
    told = here.run("keyring", "renew")
    assert (told.returncode, TRACEBACK in told.stderr) == (2, False)
    assert "is wrapped: set HUIKE_EPOCH_COMMAND" in told.stderr
    (kms.folder / "epoch-2.key").rename(kms.folder / "away")
    for command in (["work", "views"], ["serve"], ["keyring", "renew"]):
        told = there.run(*command)
        assert (told.returncode, TRACEBACK in told.stderr) == (2, False)
        assert "kms (HUIKE_EPOCH_COMMAND) did not unwrap epoch-2: it ended with 1." in told.stderr
    assert "did not unwrap epoch-2" in there.run("doctor").stdout
    (kms.folder / "away").rename(kms.folder / "epoch-2.key")
    assert there.run("keyring", "wrap", "--in-the-clear").returncode == 0
    assert "Epoch 3:" in here.run("keyring", "renew").stdout


def test_another_epoch_key_and_a_kms_that_writes_nothing_are_told_in_a_sentence(
    tmp_path: Path, database_url: str
) -> None:
    kms = Kms(tmp_path / "kms")
    here = Installation(tmp_path, HUIKE_LOG_URL=database_url)
    keyring = here.home / "keyring.json"
    with pool(database_url, KEEPER, size=1) as keeper:
        PersonKeys(keeper, Keyring.open(keyring)).ensure([UUID(int=1)])
    before = keyring.read_text()
    held = json.loads(before)
    held["epochs"]["1"] = held["secret"]
    keyring.write_text(json.dumps(held))
    other = "Epoch key 1 on the keyring is another one than keys are wrapped by"
    for command in (["work", "views"], ["serve"], ["keyring", "renew"]):
        told = here.run(*command)
        assert (told.returncode, TRACEBACK in told.stderr) == (2, False)
        assert other in told.stderr
    assert other in here.run("doctor").stdout
    keyring.write_text(before)
    silent = program(tmp_path / "silent", f'#!/bin/sh\n[ $1 = unwrap ] || {kms.line} "$@"\n')
    there = Installation(tmp_path, HUIKE_LOG_URL=database_url, HUIKE_EPOCH_COMMAND=kms.line)
    assert there.run("keyring", "wrap").returncode == 0
    broken = Installation(tmp_path, HUIKE_LOG_URL=database_url, HUIKE_EPOCH_COMMAND=str(silent))
    nothing = "silent (HUIKE_EPOCH_COMMAND) did not unwrap secret: it wrote 0 bytes, not 32"
    for asked in (broken.run("serve"), found := broken.run("doctor")):
        assert nothing in asked.stdout + asked.stderr
        assert TRACEBACK not in asked.stderr
    assert "mend HUIKE_EPOCH_COMMAND" in found.stdout


def test_the_doctor_speaks_of_the_kms_and_not_of_another_file_where_the_file_is_right(
    tmp_path: Path, database_url: str
) -> None:
    kms = Kms(tmp_path / "kms")
    here = Installation(tmp_path, HUIKE_LOG_URL=database_url)
    there = Installation(tmp_path, HUIKE_LOG_URL=database_url, HUIKE_EPOCH_COMMAND=kms.line)
    assert here.run("keyring", "renew").returncode == 0
    assert there.run("keyring", "wrap").returncode == 0
    other = program(tmp_path / "other", "#!/bin/sh\n[ $1 = unwrap ] && head -c 32 /dev/zero\n")
    failing = program(tmp_path / "failing", "#!/bin/sh\nexit 1\n")
    without, wrong, fails = (
        Installation(tmp_path, HUIKE_LOG_URL=database_url, **more).run("doctor").stdout
        for more in (
            {},
            {"HUIKE_EPOCH_COMMAND": str(other)},
            {"HUIKE_EPOCH_COMMAND": str(failing)},
        )
    )
    for told in (without, wrong, fails):
        assert "HUIKE_EPOCH_COMMAND" in told.partition("Parts")[2]
        assert "put back" not in told
    assert "keyring of this log" not in without + fails
    assert "leave the file where it is" in " ".join(wrong.split())
    (here.home / "keyring.json").unlink()
    lost = there.run("doctor").stdout
    assert "keyring of this log: not there" in lost
    assert "put back the newest copy of it" in lost
