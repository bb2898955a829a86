"""A shop is backed up while it serves, loses its disk, and goes on in another home."""

from pathlib import Path

import pytest

from infra.backup.key import BackupKey
from infra.dev.postgres import EmbeddedPostgres
from infra.installation import prepare
from infra.postgres import Connection, connect
from tests.cli.running import TRACEBACK, Done, Installation, await_that, done

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

ADA = {"type": "identify", "userId": "ada", "messageId": "m1", "traits": {"email": "a@example.com"}}


@pytest.fixture
def installation(server_folder: Path) -> Installation:
    (server_folder / "one").mkdir()
    return Installation(server_folder / "one")


def refused(what: Done) -> str:
    assert what.returncode == 2, what.stdout + what.stderr
    assert TRACEBACK not in what.stderr
    return what.stderr.splitlines()[-1]


def knows_ada(home: Installation, key: str) -> bool:
    with home.client(key) as client:
        answer = client.get("/api/customers/by/email/a@example.com")
    return answer.is_success and "a@example.com" in answer.text


def test_a_home_that_was_lost_goes_on_from_its_backup(
    installation: Installation, another: Installation, tmp_path: Path
) -> None:
    backups, key_file = tmp_path / "backups", tmp_path / "backup.key"
    done(installation.run("backup-key", str(key_file)))
    with installation.up():
        key = installation.key("query", "personal", "ingest")
        with installation.client(key) as client:
            assert client.post("/v1/identify", json=ADA).is_success
        await_that(lambda: knows_ada(installation, key), installation.told)
        told = done(installation.run("backup", "--to", str(backups), "--key", str(key_file)))
        assert "up to position" in told
    asked = ("restore", str(backups), "--key", str(key_file))
    try:
        assert "incarnation" in done(another.run(*asked))
        assert "restore into an empty database" in refused(another.run(*asked))
        with another.up():
            await_that(lambda: knows_ada(another, key), another.told)
            done(another.run("verify", "profile"))
            done(another.run("audit", "verify"))
    finally:
        EmbeddedPostgres(another.home / "postgres").stop()


def test_on_a_restore_that_was_killed_nothing_starts_until_it_is_done_again(
    installation: Installation, database_url: str, bare_database_url: str
) -> None:
    done(installation.run("backup-key", "a.key"))
    prepare(database_url, installation.home / "keyring.json")
    backed_up = ("backup", "--to", "backups", "--key", "a.key")
    done(installation.run(*backed_up, HUIKE_LOG_URL=database_url))
    asked = ("restore", "backups", "--key", "a.key")
    with connect(bare_database_url) as holding:
        holding.execute("select pg_advisory_lock(4851101)")  # so that it comes no further
        with installation.running(*asked, HUIKE_LOG_URL=bare_database_url) as process:
            await_that(lambda: begun(holding) or process.poll() is not None, installation.told)
            assert process.poll() is None, installation.told()
            process.kill()
    for started in (["serve"], ["work", "views"], ["keys", "list"], ["up"]):
        assert "run `huike restore` again" in refused(
            installation.run(*started, HUIKE_LOG_URL=bare_database_url)
        )
    done(installation.run(*asked, HUIKE_LOG_URL=bare_database_url))
    done(installation.run("keys", "list", HUIKE_LOG_URL=bare_database_url))


def test_a_drill_that_is_stopped_or_killed_leaves_nothing_in_the_end(
    installation: Installation, database_url: str, server_folder: Path
) -> None:
    done(installation.run("backup-key", "a.key"))
    prepare(database_url, installation.home / "keyring.json")
    there = {"HUIKE_LOG_URL": database_url, "TMPDIR": str(server_folder)}
    installation.environment.update(there)
    done(installation.run("backup", "--to", "backups", "--key", "a.key"))

    def standing() -> list[Path]:
        return list(server_folder.glob("huike-drill-*/postgres/data/postmaster.pid"))

    asked = ("drill", "restore", "backups", "--key", "a.key")
    for end in ("terminate", "kill"):
        with installation.running(*asked) as process:
            await_that(lambda: bool(standing()), installation.told)
            getattr(process, end)()
            process.wait(60)
        assert (end == "terminate") == (list(server_folder.glob("huike-drill-*")) == [])
    assert "The backup is good." in done(installation.run(*asked, within=200))
    assert list(server_folder.glob("huike-drill-*")) == []


def begun(connection: Connection) -> bool:
    found = connection.execute("select to_regclass('public.huike_restore')").fetchone()
    return found != (None,)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (
            ("backup", "--to", "backups", "--key", "none.key"),
            "none.key: No such file. `huike backup-key` makes a key",
        ),
        (("backup", "--to", "backups", "--key", "a.key"), "`huike up`"),
        (("restore", "backups", "--key", "a.key"), "There is no backup in backups"),
        (("restore", "none", "--key", "a.key"), "none: No such file"),
        (("restore", "backups", "--key", "huike.env"), "is no key of backups"),
        (("backup-key", "a.key"), "a.key: File exists"),
    ],
)
def test_what_is_missing_is_named(
    installation: Installation, asked: tuple[str, ...], said: str
) -> None:
    BackupKey.make(installation.folder / "a.key")
    (installation.folder / "huike.env").write_text("")
    (installation.folder / "backups").mkdir()
    assert said in refused(installation.run(*asked))
