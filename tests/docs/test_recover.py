"""The pages on backups work as they stand, and so do Postgres' own tools as one of them says."""

import os
import pwd
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import psycopg
import pytest

from infra.dev import unprivileged
from infra.dev.postgres import BINARIES
from infra.installation import prepare
from infra.postgres import connect
from tests.docs.running import DOCS, ROOT, run
from tests.projections.runtime.shop import Shop

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

HOW_TO: Final = DOCS / "how-to"
BASH: Final = re.compile(r"^```bash\n(.*?)^```$", re.MULTILINE | re.DOTALL)
"""What is typed as Postgres' user."""

_SECONDS: Final = 200


def test_a_shop_is_backed_up_and_restored_as_the_pages_say(
    shop: dict[str, str], server_folder: Path
) -> None:
    run(HOW_TO / "back-up.md", server_folder, shop)
    run(HOW_TO / "restore-a-backup.md", server_folder, shop)
    assert (server_folder / "home" / "keyring.json").exists()


@pytest.fixture
def postgres(postgres_url: str, server_folder: Path) -> "Iterator[Postgres]":
    assert postgres_url  # whose start made its programs readable for who runs this one
    postgres = Postgres(server_folder)
    postgres.make()
    yield postgres
    postgres.run(["pg_ctl stop --wait --silent --mode=immediate || true"])


class Postgres:
    """A Postgres that somebody set up by hand, in a folder, and what they type."""

    def __init__(self, folder: Path) -> None:
        user = unprivileged.account()
        self.who: dict[str, Any] = {} if user is None else _as(user)
        self.folder = folder
        if user is not None:
            os.chown(folder, user.pw_uid, user.pw_gid)
        self.environment = {
            "PATH": f"{BINARIES}{os.pathsep}{os.environ['PATH']}",
            "LC_ALL": "C",
            "PGDATA": str(folder / "data"),
            "PGHOST": str(folder),
            "PGUSER": "postgres",
            "PGDATABASE": "postgres",
            "ARCHIVE": str(folder / "archive"),
            "BASE": str(folder / "base"),
        }
        self.url = f"postgresql://postgres@/postgres?host={folder}"

    def make(self) -> None:
        self.run(
            [
                "initdb --username=postgres --auth=trust --encoding=UTF8 --locale=C >initdb.log",
                "echo \"unix_socket_directories = '$PGHOST'\" >> $PGDATA/postgresql.conf",
                "echo \"listen_addresses = ''\" >> $PGDATA/postgresql.conf",
                'pg_ctl start --wait --silent --log="$PGDATA/server.log"',
            ]
        )

    def run(self, commands: list[str], **more: str) -> None:
        done = subprocess.run(
            ["bash", "-c", "\n".join(["set -eu -o pipefail", *commands])],  # noqa: S607
            cwd=self.folder,
            env={**self.environment, **more},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
            **self.who,
        )
        log = Path(self.environment["PGDATA"]) / "server.log"
        told = log.read_text(errors="replace")[-2000:] if log.exists() else ""
        assert done.returncode == 0, f"{commands}\n{done.stdout}\n{done.stderr}\n{told}"


def test_a_log_comes_back_to_the_moment_before_a_mishap(postgres: Postgres, tmp_path: Path) -> None:
    page = HOW_TO / "recover-to-a-point-in-time.md"
    archive, base, recover = BASH.findall(page.read_text(encoding="utf-8"))
    postgres.run([archive])
    keyring = tmp_path / "home" / "keyring.json"
    prepare(postgres.url, keyring)
    with Shop.open(postgres.url, keyring) as shop:
        shop.pay("ada", "before", 1)
        postgres.run([base])
        shop.email("ada", "ada@example.com")
        with connect(postgres.url) as connection:
            row = connection.execute("select clock_timestamp()::text").fetchone()
            assert row is not None
        shop.pay("ada", "a mishap", 1)
    await_archived(postgres.url)
    postgres.run([recover], AT=row[0])
    with Shop.open(postgres.url, keyring) as shop:
        assert shop.reader.last() == 2
        was = shop.reader.incarnation()
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("HUIKE_")},
        "PATH": f"{ROOT / '.venv' / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "HUIKE_LOG_URL": postgres.url,
        "HUIKE_HOME": str(keyring.parent),
    }
    run(page, tmp_path, environment)
    with Shop.open(postgres.url, keyring) as shop:
        assert shop.reader.incarnation() != was
        assert shop.pay("ada", "after", 1) == 3


def await_archived(url: str) -> None:
    """Have the segment in hand archived, with what was committed until now."""
    with closing(psycopg.connect(url, autocommit=True)) as connection:
        row = connection.execute("select pg_walfile_name(pg_switch_wal())").fetchone()
        assert row is not None
        deadline = time.monotonic() + _SECONDS
        while time.monotonic() < deadline:
            last = connection.execute("select last_archived_wal from pg_stat_archiver").fetchone()
            if last is not None and last[0] is not None and last[0] >= row[0]:
                return
            time.sleep(0.1)
    raise AssertionError(f"{row[0]} was not archived")


def _as(user: pwd.struct_passwd) -> dict[str, Any]:
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
