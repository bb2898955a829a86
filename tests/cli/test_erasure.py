"""Somebody is forgotten, the disk is lost: an older backup, restored, has nothing of them."""

import shutil
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from domain.shared.ids import Ids
from infra.dev.postgres import EmbeddedPostgres
from infra.keyring import Keyring
from infra.postgres import KEEPER, connect
from projections.runtime import schema
from tests.cli.running import TRACEBACK, Installation, await_that, done

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

NAMES = ("ada", "bob")


@pytest.fixture
def installation(server_folder: Path) -> Installation:
    (server_folder / "one").mkdir()
    return Installation(server_folder / "one", HUIKE_ERASURE_DAYS="0")


def contradicted(home: Installation, file: Path, **more: Any) -> set[str]:
    """Return what contradicts a certificate."""
    found = home.run("erasure", "verify", str(file), **more)
    assert TRACEBACK not in found.stderr, found.stderr
    lines = found.stdout.splitlines()
    assert lines, found.stderr
    wrong = {line[2:].partition(":")[0] for line in lines if line.startswith("✗")}
    assert (found.returncode, lines[-1]) == (
        (1, "It does not hold.") if wrong else (0, "It holds.")
    ), found.stdout
    return wrong


def of_ada(home: Installation, query: str) -> Any:
    """Ask the home's database something about Ada, or tell it."""
    ada = Ids(Keyring.open(home.home / "keyring.json").secret).user("shop", "ada")
    with closing(connect(home.database, KEEPER if "keeper" in query else None)) as connection:
        asked = connection.execute(query.encode(), {"ada": ada})
        return asked.fetchone() if asked.description else None


def publish(home: Installation) -> None:
    with home.client(home.key("ingest")) as shop:
        for user in NAMES:
            told = {"userId": user, "traits": {"email": f"{user}@example.com"}}
            assert shop.post("/v1/identify", json={**told, "messageId": user}).is_success
            bought = {"userId": user, "event": "Product Viewed", "properties": {"note": user}}
            assert shop.post("/v1/track", json={**bought, "messageId": f"{user} 2"}).is_success


def knows(home: Installation, key: str, *users: str) -> bool:
    with home.client(key) as client:
        told = [client.get(f"/api/customers/by/email/{user}@example.com") for user in NAMES]
    return [user for user, it in zip(NAMES, told, strict=True) if user in it.text] == [*users]


def forget(home: Installation, key: str, certificate: Path) -> None:
    """Have Ada forgotten, and fetch the certificate."""
    with home.client(key) as client:
        erasure = client.post("/api/customers/user:ada/erasure").json()["erasure"]
        place = f"/api/erasures/{erasure}"
        await_that(lambda: client.get(place).json()["certified"], home.told, within=400)
        certificate.write_bytes(client.get(f"{place}/certificate").content)


def test_an_older_backup_that_is_restored_knows_nothing_of_the_forgotten(
    installation: Installation, another: Installation, bare_database_url: str, tmp_path: Path
) -> None:
    backups, key_file = tmp_path / "backups", str(tmp_path / "backup.key")
    certificate, old_keys = tmp_path / "erasure.json", tmp_path / "huike-keys-of-then"
    old_ring = tmp_path / "keyring-of-then.json"
    backup = ("backup", "--to", str(backups), "--key", key_file)
    done(installation.run("backup-key", key_file))
    with installation.up():
        key = installation.key("query", "personal", "admin", "audit")
        publish(installation)
        await_that(lambda: knows(installation, key, *NAMES), installation.told)
        done(installation.run(*backup))
        shutil.copyfile(backups / "huike-keys", old_keys)
        shutil.copyfile(installation.home / "keyring.json", old_ring)
        epoch, wrapped, ada = of_ada(
            installation,
            "select epoch, wrapped, identity from keeper.person_key where identity = %(ada)s",
        )
        forget(installation, key, certificate)
        assert "open until the next epoch" in done(
            installation.run("erasure", "verify", str(certificate))
        )
        done(installation.run("keyring", "renew"))
        assert contradicted(installation, certificate) == set()
        done(installation.run(*backup))
    older = min(backups.glob("*.huike-data"))
    try:
        done(another.run("restore", str(older), "--key", key_file))
        with another.up():
            await_that(lambda: knows(another, key, "bob"), another.told)
            told = done(another.run("erasure", "verify", str(certificate)))
            assert "✓ log: it ends before the erasure: an older one, restored" in told
            assert "✓ older backups: open no more, since epoch 2" in told
            assert "✓ facts: 0 of" in told
            look_at_what_is_put_back(another, certificate, Keyring(old_ring), (epoch, wrapped, ada))
    finally:
        EmbeddedPostgres(another.home / "postgres").stop()

    third: dict[str, Any] = {
        "HUIKE_HOME": str(tmp_path / "third"),
        "HUIKE_LOG_URL": bare_database_url,
    }
    done(another.run("restore", str(older), str(old_keys), "--key", key_file, **third))
    wrong = contradicted(another, certificate, **third)
    assert wrong == {"signature", "keys", "facts", "messages as sent"}  # no view was made yet


def look_at_what_is_put_back(
    home: Installation, certificate: Path, then: Keyring, kept: tuple[int, bytes, Any]
) -> None:
    """Put back by hand what was destroyed, as who has old copies and the database can."""
    epoch, wrapped, ada = kept
    now = Keyring(home.home / "keyring.json")
    again_epoch, again = now.wrap(then.unwrap(epoch, wrapped, ada.bytes), ada.bytes)
    with closing(connect(home.database)) as admin:
        put = "update keeper.person_key set epoch = %s, wrapped = %s where identity = %s"
        admin.execute(put, (again_epoch, again, ada))
        assert contradicted(home, certificate) == {"keys", "facts", "messages as sent"}
        admin.execute(put, (again_epoch, None, ada))
        assert contradicted(home, certificate) == set()
        served = schema.active(admin, "profile")
        assert served is not None
        mask = f"update {served.schema}.profile set email_mask = %s where customer = %s"  # noqa: S608  # a generation's own name
        admin.execute(mask.encode(), ("a•••@e•••.com", ada))
        assert contradicted(home, certificate) == {"views"}
        admin.execute(mask.encode(), (None, ada))
        assert contradicted(home, certificate) == set()
