"""Servers and workers run as a login that owns nothing; what is the owner's is refused to it."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.running import TRACEBACK, Installation, await_that, done
from tests.logins import service_login

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]


def test_a_login_that_owns_nothing_serves_folds_and_forgets(
    bare_database_url: str, tmp_path: Path
) -> None:
    home = Installation(tmp_path, HUIKE_LOG_URL=bare_database_url, HUIKE_ERASURE_DAYS="0")
    assert "0001_log" in done(home.run("migrate"))
    key = home.key("ingest", "query", "personal", "admin", "audit")
    certificate = tmp_path / "erasure.json"
    with service_login(bare_database_url) as address:
        serving: dict[str, Any] = {"HUIKE_LOG_URL": address, "HUIKE_RETENTION": "*=24"}
        with home.running("serve", **serving) as server, home.running("work", "views", **serving):
            home.await_ready(server)
            with home.client(key) as client:
                ada = "/api/customers/by/email/ada@example.com"
                said = {"userId": "ada", "traits": {"email": "ada@example.com"}, "messageId": "1"}
                client.post("/v1/identify", json=said).raise_for_status()
                await_that(lambda: "ada@example.com" in client.get(ada).text, home.told)
                asked = client.post("/api/customers/user:ada/erasure").json()
                place = f"/api/erasures/{asked['erasure']}"
                await_that(lambda: client.get(place).json()["certified"], home.told, within=200)
                certificate.write_bytes(client.get(f"{place}/certificate").content)
                assert "ada@example.com" not in client.get(ada).text
            done(home.run("erasure", "verify", str(certificate), **serving))
            done(home.run("keyring", "renew", **serving))
            done(home.run("audit", "verify", **serving))
            told = done(home.run("doctor", **serving))
            assert "✓ login: test_" in told
            assert "who cannot change history" in told
            assert "✓ retention: * 24 months" in told
            assert "who is a superuser" in done(home.run("doctor"))
        for owners in (["keys", "add", "site", "--scope", "ingest"], ["retention"]):
            refused = home.run(*owners, **serving)
            assert (refused.returncode, TRACEBACK in refused.stderr) == (2, False)
            assert refused.stderr.strip().endswith("Its user must own the database.")
    assert json.loads(certificate.read_bytes())


def test_a_login_that_owns_nothing_says_who_makes_the_tables(
    database_url: str, bare_database_url: str, tmp_path: Path
) -> None:
    with service_login(database_url) as somewhere:
        address = f"{somewhere} dbname={bare_database_url.rpartition('/')[2].partition('?')[0]}"
        home = Installation(tmp_path, HUIKE_LOG_URL=address)
        refused = home.run("serve")
        told = home.run("doctor").stdout
    assert (refused.returncode, TRACEBACK in refused.stderr) == (2, False)
    assert "`huike migrate`" in refused.stderr
    assert "may make none" in told
    assert "run `huike migrate` by the address of the database's owner" in " ".join(told.split())


def test_where_no_view_was_made_all_is_not_well(database_url: str, tmp_path: Path) -> None:
    told = Installation(tmp_path, HUIKE_LOG_URL=database_url).run("doctor")
    assert told.returncode == 1
    assert "start `huike up`, or `huike serve` and `huike work views`" in told.stdout


def test_who_makes_the_keyring_says_so(database_url: str, tmp_path: Path) -> None:
    home = Installation(tmp_path, HUIKE_LOG_URL=database_url)
    first, second = (home.run("keys", "add", "site", "--scope", "ingest") for _ in range(2))
    assert f"Made the keyring {home.home / 'keyring.json'}" in first.stderr
    assert first.stdout.startswith("hk_")
    assert "keyring" not in second.stderr
