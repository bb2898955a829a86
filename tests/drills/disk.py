"""The disk of the database is full: somebody else's file took what was left of it."""

import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from infra.dev.postgres import EmbeddedPostgres
from tests.cli.running import Installation, await_that, track
from tests.drills.asking import Asking
from tests.drills.drill import Drill, Findings, Skipped
from tests.drills.ground import Ground, settings_of
from tests.drills.load import Load
from tests.drills.looking import head, look, settle

ADA = "/api/customers/by/user/ada"
_MEGABYTES = 600
_LEFT = 2 * 1024**2


def run(ground: Ground, found: Findings) -> None:
    """Fill a small file system, look, and make room again."""
    with ExitStack() as stack:
        small = ground.folder / "small"
        stack.enter_context(_mounted(small))
        postgres = ground.postgres_in(small / "postgres")
        _put_wal_apart(postgres, ground.folder)
        stack.enter_context(postgres)
        installation = ground.installation(HUIKE_LOG_URL=ground.database(postgres))
        stack.enter_context(installation.up())
        _run(found, installation, small, ground.of(long=30, short=8))


def _run(found: Findings, installation: Installation, small: Path, seconds: int) -> None:
    settings = settings_of(installation)
    client = installation.client(installation.key("ingest", "query"))
    with client, Load(installation.url, installation.key("ingest"), batch=50) as load:
        client.post("/v1/track", json=track(1, "ada")).raise_for_status()
        load.accepted.add("message-1")
        time.sleep(2)
        settle(settings)
        with Asking(client, ADA) as asking:
            filler = small / "filler"
            _fill(filler)
            found.note(f"{shutil.disk_usage(small).free / 1024**2:.0f} MB were left")
            await_that(lambda: _refused(load) > 0, installation.told, 120)
            time.sleep(seconds)
            filler.unlink()
            found.note(f"the disk was full for {seconds} s; there is room again")
            before = head(settings)
            await_that(lambda: head(settings) > before, installation.told, 120)
        asking.look(found, {"200"})
    found.claim("shops are refused with 507", held=_refused(load) > 0, found=_refused(load))
    found.same("answers to shops", set(load.statuses), {"200", "507"})
    look(found, settings, [load])


def _put_wal_apart(postgres: EmbeddedPostgres, folder: Path) -> None:
    """Keep what is written first on another disk: without room for that, Postgres itself ends."""
    postgres.start()
    postgres.stop()
    wal = postgres.directory / "data" / "pg_wal"
    owner = wal.stat()
    apart = folder / "wal"
    shutil.copytree(wal, apart)
    for path in (apart, *apart.rglob("*")):
        os.chown(path, owner.st_uid, owner.st_gid)
    apart.chmod(0o700)
    shutil.rmtree(wal)
    wal.symlink_to(apart)


def _refused(load: Load) -> int:
    return load.statuses["507"]


def _fill(filler: Path) -> None:
    """Take all but a little of what is left."""
    left = shutil.disk_usage(filler.parent).free - _LEFT
    with filler.open("wb") as file, contextlib.suppress(OSError):
        os.posix_fallocate(file.fileno(), 0, left)


@contextlib.contextmanager
def _mounted(folder: Path) -> Iterator[None]:
    """Mount a small file system in memory. Raises Skipped where that is not allowed."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={_MEGABYTES}m,mode=0711", "drill", str(folder)]
    try:
        made = subprocess.run(mount, capture_output=True, text=True, check=False)
    except FileNotFoundError as missing:
        raise Skipped(str(missing)) from missing
    if made.returncode:
        raise Skipped(f"no small file system can be mounted here: {made.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=False)  # noqa: S607


DISK = Drill(
    name="disk",
    must_hold="While the disk of the database's data is full, shops are refused with 507 and "
    "reads go on; when there is room again it recovers alone, and nothing accepted is lost.",
    run=run,
)
