"""Processes of two versions side by side: the newer one writes what the older cannot read."""

from contextlib import ExitStack, closing
from typing import Any
from uuid import UUID

from domain.shared.ids import Ids
from infra.keyring import Keyring
from infra.postgres import READER, connect
from infra.settings import Settings
from projections.catalogue import VIEWS
from projections.projection import slot_of
from tests.cli.running import Installation, Running, await_that, end
from tests.drills.drill import Drill, Findings
from tests.drills.ground import Ground, settings_of
from tests.drills.looking import head, settle
from tests.drills.newer import NAME
from tests.drills.stopping import program
from tests.ports import free_port

_OLD = [f"old-{n}" for n in range(40)]
_NEW = [f"new-{n}" for n in range(2)]


def run(ground: Ground, found: Findings) -> None:
    """Deploy the newer server first, then its worker, then end the older ones."""
    older = ground.installation(HUIKE_LOG_URL=ground.database(ground.postgres()))
    with ExitStack() as stack:
        server = stack.enter_context(older.running("serve"))
        older.await_ready(server)
        key = older.key("ingest", "query")
        settings = settings_of(older)
        worker = stack.enter_context(older.running("work", "views"))
        _identify(older, key, _OLD, 1)
        settle(settings)
        _newer(older, stack, key)
        _identify(older, key, _OLD, 2)
        _look_at_older(found, older, settings, key)
        stack.enter_context(program(older, "tests.drills.newer", "work", "views"))
        _end(found, worker)
        settle(settings)
        found.note("the newer worker took over every slot")
        found.same("versions of the fact in the log", _versions(settings), {1: 80, 2: 2})
        with closing(connect(settings.log_url or "")) as connection:

            def trouble() -> list[Any]:
                return connection.execute("select * from views.trouble").fetchall()

            await_that(lambda: not trouble(), older.told)
            found.same("slots that stand still", trouble(), [])
        for view in VIEWS:
            with program(older, "tests.drills.newer", "verify", view) as verified:
                verified.wait(120)
            found.same(f"exit status of the newer `verify {view}`", verified.returncode, 0)


def _newer(older: Installation, stack: ExitStack, key: str) -> None:
    """Start the newer server beside the older one, and publish by it."""
    port = older.environment["HUIKE_PORT"], older.url
    older.port = free_port()
    older.environment["HUIKE_PORT"] = str(older.port)
    older.url = f"http://127.0.0.1:{older.port}"
    server = stack.enter_context(program(older, "tests.drills.newer", "serve"))
    older.await_ready(server)
    _identify(older, key, _NEW, 1)
    older.environment["HUIKE_PORT"], older.url = port
    older.port = int(port[0])


def _identify(installation: Installation, key: str, users: list[str], number: int) -> None:
    told = [
        {
            "type": "identify",
            "userId": user,
            "messageId": f"{user}/{number}",
            "traits": {"email": f"{user}.{number}@example.com"},
        }
        for user in users
    ]
    with installation.client(key) as client:
        answer = client.post("/v1/batch", json={"batch": told}).raise_for_status().json()
        assert answer["success"], answer


def _look_at_older(found: Findings, older: Installation, settings: Settings, key: str) -> None:
    """Claim that the older worker stands still where it must, says why, and goes on elsewhere."""
    ids = Ids(Keyring.open(settings.keyring_file).secret)
    mine: set[UUID] = {ids.user("shop", user) for user in _NEW}
    wanted = {(view, slot_of(who, settings.slots)) for who in mine for view in VIEWS}
    last = head(settings)

    def stopped() -> dict[tuple[str, int], str]:
        with closing(connect(settings.log_url or "")) as connection:
            rows = connection.execute("select view, slot, why from views.trouble").fetchall()
        return {(view, slot): why for view, slot, why in rows}

    def others() -> set[int]:
        with closing(connect(settings.log_url or "", READER)) as connection:
            rows = connection.execute("select view, slot, position from huike.checkpoint")
            return {position for view, slot, position in rows if (view, slot) not in wanted}

    await_that(lambda: stopped().keys() >= wanted and others() == {last}, older.told)
    whys = stopped()
    found.same(
        "slots that the older worker stopped beside those of that fact", set(whys) - wanted, set()
    )
    clear = f"{NAME} v2 is a newer Huike's; this one knows v1"
    found.claim("each says why", held=all(clear in why for why in whys.values()), found=clear)
    found.claim("the other slots have everything", held=others() == {last}, found=last)
    with older.client(key) as client:
        found.same(
            "the older server answers about the others",
            client.get(f"/api/customers/by/user/{_OLD[0]}").status_code,
            200,
        )
    doctor = older.run("doctor")
    printed = " ".join(doctor.stdout.split())
    found.claim("`doctor` says it", held="is a newer Huike's" in printed)


def _end(found: Findings, worker: Running) -> None:
    alive = worker.poll() is None
    end(worker)
    found.claim("the older worker ran on until it was ended", held=alive)


def _versions(settings: Settings) -> dict[int, int]:
    with closing(connect(settings.log_url or "")) as connection:
        rows = connection.execute(
            "select type_version, count(*) from log.fact where type = %s group by 1", (NAME,)
        ).fetchall()
    return dict(rows)


VERSIONS = Drill(
    name="versions",
    must_hold="While old and new processes run side by side and the new write a new version of a "
    "fact, the old stop its slots with a clear word, serve the others, and the new take over.",
    run=run,
)
