"""A home that is found in another state than it was left in."""

import shutil
from pathlib import Path

import pytest

from infra.keyring import Keyring
from tests.cli.running import Installation
from tests.cli.test_up import last_line

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


def test_a_log_is_opened_with_the_keyring_that_it_was_made_with_alone(
    server_folder: Path,
) -> None:
    installation = Installation(server_folder)
    keyring = installation.home / "keyring.json"
    with installation.up():
        other = Installation(server_folder, HUIKE_KEYRING=str(server_folder / "other.json"))
        other.environment["HUIKE_PORT"] = str(installation.port + 1)
        told = last_line(other.run("serve"))
        assert "There is no keyring" in told
        assert not (server_folder / "other.json").exists()  # none is made for a log that has one
        shutil.copy(keyring, server_folder / "kept")
    stopped = last_line(installation.run("keys", "list"))
    assert stopped.startswith(f"The database of {installation.home} does not run: start it")
    keyring.write_text("{}")
    assert "cannot be read" in last_line(installation.run("up"))
    keyring.unlink()
    assert "There is no keyring" in last_line(installation.run("up"))
    _another_keyring(server_folder / "elsewhere" / "keyring.json", keyring)
    assert "put back the one it was made with" in last_line(installation.run("up"))
    doctor = installation.run("doctor")
    assert doctor.returncode == 1
    shutil.copy(server_folder / "kept", keyring)
    with installation.up() as again:
        assert again.poll() is None


def _another_keyring(made: Path, put: Path) -> None:
    Keyring.open(made)
    shutil.copy(made, put)
