"""Customers are dealt into twice as many slots by one command."""

from contextlib import closing

from psycopg import sql

from infra.postgres import READER, connect
from infra.settings import Settings
from projections.catalogue import VIEWS
from tests.cli.running import Installation, await_that
from tests.drills.drill import Drill, Findings
from tests.drills.ground import Ground, settings_of
from tests.drills.load import Load
from tests.drills.looking import look, settle

BEFORE, AFTER = 32, 64


def run(ground: Ground, found: Findings) -> None:
    """Load, deal anew while nothing runs, and load again."""
    installation = ground.installation()
    installation.environment |= {
        "HUIKE_LOG_URL": ground.database(ground.postgres()),
        "HUIKE_SLOTS": str(BEFORE),
    }
    with installation.up():
        key = installation.key("ingest")
        with Load(installation.url, key, name="before") as before:
            _until(before, ground.of(long=20_000, short=1_000))
        settle(settings_of(installation))
        refused = installation.run("slots", str(AFTER))
        found.claim(
            "it refuses while workers run",
            held=refused.returncode == 1 and "stop them first" in refused.stderr,
            found=refused.stderr.strip(),
        )
    rows = _rows(settings_of(installation))
    dealt = installation.run("slots", str(AFTER), within=120)
    found.same(f"exit status of `huike slots {AFTER}`", dealt.returncode, 0)
    for line in (dealt.stdout + dealt.stderr).strip().splitlines():
        found.note(line)
    found.same("tables whose rows are other than before", _changed(installation, rows), [])
    _look_at_the_old_number(found, installation)
    installation.environment["HUIKE_SLOTS"] = str(AFTER)
    settings = settings_of(installation)
    with installation.up():
        with Load(installation.url, key, name="after") as after:
            _until(after, ground.of(long=20_000, short=1_000))
        look(found, settings, [before, after])
        with closing(connect(settings.log_url or "", READER)) as connection:
            slots = connection.execute("select distinct slots from huike.freshness").fetchall()
        found.same("slots of the views", slots, [(AFTER,)])


def _look_at_the_old_number(found: Findings, installation: Installation) -> None:
    stopped = installation.run("work", "views", within=60)
    found.claim(
        "a worker with the old number stops with a clear word",
        held=stopped.returncode == 2 and "HUIKE_SLOTS" in stopped.stderr,
        found=stopped.stderr.strip().splitlines()[-1:],
    )


def _until(load: Load, events: int) -> None:
    await_that(lambda: len(load.accepted) >= events, within=300)


def _rows(settings: Settings) -> dict[str, str]:
    """Return a digest of each table's rows."""
    tables = [table.name for view in VIEWS.values() for table in view.tables]
    digest = "select md5(coalesce(string_agg(t::text, '' order by t::text), '')) from huike.{} t"
    with closing(connect(settings.log_url or "")) as connection:
        return {
            table: str(connection.execute(sql.SQL(digest).format(sql.Identifier(table))).fetchone())
            for table in tables
        }


def _changed(installation: Installation, before: dict[str, str]) -> list[str]:
    after = _rows(settings_of(installation))
    return [table for table in before if before[table] != after[table]]


SLOTS = Drill(
    name="slots",
    must_hold=f"From {BEFORE} slots to {AFTER} by one command: the same rows, and all goes on.",
    run=run,
)
