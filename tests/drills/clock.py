"""The machine's clock is set back an hour and forward a day; shops tell of next week."""

import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from infra.postgres import connect
from infra.settings import Settings
from tests.cli.running import Installation, await_that, kill, part_of, track
from tests.drills.drill import Drill, Findings, Skipped
from tests.drills.ground import Ground, settings_of
from tests.drills.load import Load
from tests.drills.looking import followed, head, look

_LIBRARIES = ("/usr/lib/*/faketime/libfaketimeMT.so.1", "/usr/lib*/faketime/libfaketimeMT.so.1")
_BACK, _FORWARD = "-1h", "+1d"


def run(ground: Ground, found: Findings) -> None:
    """Set the clock of all processes, Postgres too, by libfaketime."""
    library = next((p for where in _LIBRARIES for p in Path("/").glob(where[1:])), None)
    if library is None:
        raise Skipped("libfaketime is not installed (on Debian: apt-get install libfaketime)")
    file = ground.folder / "clock"
    file.write_text("+0\n")
    file.chmod(0o644)
    moved = {
        "LD_PRELOAD": str(library),
        "FAKETIME_TIMESTAMP_FILE": str(file),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    installation = ground.installation()
    with installation.up():  # what makes a cluster sleeps, which libfaketime refuses Python
        pass
    seconds = ground.of(long=20, short=3)
    with installation.up(**moved) as supervisor:
        settings = settings_of(installation)
        with Load(installation.url, installation.key("ingest")) as load:
            for offset in ("+0", _BACK, _FORWARD, "+0"):
                time.sleep(seconds)
                kill(part_of(supervisor, "views"))  # its leases end by the clock as it was
                file.write_text(f"{offset}\n")
                _await_followed(found, installation, settings, offset)
            _tell_of_next_week(installation, load)
        _look_at_times(found, settings)
        look(found, settings, [load])


def _await_followed(
    found: Findings, installation: Installation, settings: Settings, offset: str
) -> None:
    last = head(settings)
    await_that(lambda: head(settings) > last, installation.told)
    last = head(settings)
    began = time.monotonic()
    await_that(lambda: followed(settings) >= last, installation.told)
    found.note(
        f"clock at {offset}: the worker was killed, and every slot followed again "
        f"{time.monotonic() - began:.1f} s later"
    )


def _tell_of_next_week(installation: Installation, load: Load) -> None:
    soon = (datetime.now(UTC) + timedelta(days=7)).isoformat()
    with installation.client(installation.key("ingest")) as client:
        for n in range(10):
            event = track(n, f"customer-{n}") | {"timestamp": soon}
            answer = client.post("/v1/track", json=event).raise_for_status()
            assert answer.json()["success"]
            load.accepted.add(f"message-{n}")


def _look_at_times(found: Findings, settings: Settings) -> None:
    with closing(connect(settings.log_url or "")) as connection:
        rows = connection.execute(
            "select count(*) filter (where recorded_at < before), "
            "count(*) filter (where occurred_at > recorded_at), "
            "count(*) filter (where position <> last + 1), "
            "max(recorded_at) - min(recorded_at) "
            "from (select *, lag(recorded_at) over w as before, lag(position) over w as last "
            "from log.fact window w as (order by position)) facts"
        ).fetchone()
    assert rows is not None
    found.same("facts that were recorded before the one before them", rows[0], 0)
    found.same("facts that occurred after they were recorded", rows[1], 0)
    found.same("gaps in the positions", rows[2], 0)
    found.claim("the log lived through a day", held=rows[3] > timedelta(days=1), found=rows[3])


CLOCK = Drill(
    name="clock",
    must_hold="With the clock set back an hour and forward a day, and events from next week, the "
    "order by position is untouched, no time goes back, and every slot is followed.",
    run=run,
    fits=False,  # beside other tests, what starts under a moved clock may miss its own time-outs
)
