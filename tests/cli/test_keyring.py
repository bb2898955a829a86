"""`huike keyring`: a new epoch while everything runs, and a keyring that is too old is told."""

import json
from pathlib import Path
from uuid import UUID

import pytest

from infra.keyring import Keyring
from infra.postgres import KEEPER, pool
from infra.sealing import PersonKeys
from tests.cli.running import TRACEBACK, Installation

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
