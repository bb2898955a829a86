"""Postgres is killed and restarted under load."""

import random
import time
from functools import partial

import psycopg

from infra.settings import Settings
from tests.cli.running import Installation, await_that, kill, track
from tests.drills.asking import Asking
from tests.drills.drill import Drill, Findings
from tests.drills.ground import Ground, settings_of
from tests.drills.load import Load
from tests.drills.looking import head, look, settle

ADA = "/api/customers/by/user/ada"


def run(ground: Ground, found: Findings) -> None:
    """Kill the server process of Postgres; `huike up` starts it again."""
    kills = ground.of(long=5, short=2)
    chance = random.Random(5)  # noqa: S311  # when to kill, not a secret
    installation = ground.installation()
    with installation.up():
        settings = settings_of(installation)
        client = installation.client(installation.key("ingest", "query"))
        load = Load(installation.url, installation.key("ingest"), pause=ground.pause)
        with client:
            client.post("/v1/track", json=track(1, "ada")).raise_for_status()
            load.accepted.add("message-1")
            settle(settings)  # so that no view has more to say of her
            with load, Asking(client, ADA) as asking:
                for _ in range(kills):
                    time.sleep(chance.uniform(1, 3))
                    before = head(settings)
                    kill(_postgres(installation))
                    await_that(partial(_moved_on, settings, before), installation.told, 120)
        found.note(f"Postgres was killed {kills} times; nobody but `huike up` started it again")
        asking.look(found)
        found.same("publishers whose connection was lost", load.statuses["lost"], 0)
        look(found, settings, [load])


def _postgres(installation: Installation) -> int:
    file = installation.home / "postgres" / "data" / "postmaster.pid"
    return int(file.read_text().split("\n", 1)[0])


def _moved_on(settings: Settings, last: int) -> bool:
    try:
        return head(settings) > last
    except psycopg.OperationalError:
        return False


POSTGRES = Drill(
    name="postgres",
    must_hold="When Postgres is killed under load, clients get a right answer, or a 503 that says "
    "when to come back; nothing accepted is lost, and it recovers alone.",
    run=run,
)
