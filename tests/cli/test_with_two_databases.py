"""Three workers follow Kafka and keep the views in a second Postgres, while they come and go."""

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, closing
from pathlib import Path
from uuid import uuid4

import pytest

from infra.dev.postgres import EmbeddedPostgres
from infra.postgres import Connection, connect
from infra.settings import Settings
from projections.catalogue import VIEWS
from tests.cli.running import Installation, Running, await_that
from tests.drills.drill import Findings
from tests.drills.ground import settings_of
from tests.drills.load import Load
from tests.drills.looking import head, look, settle

PATIENCE = 120.0
ROUND_SECONDS = 10.0
SLOTS = 6

pytestmark = [pytest.mark.slow, pytest.mark.timeout(500)]

NOTED = """
create table public.moved (
  number bigint generated always as identity,
  session integer not null default pg_backend_pid(),
  view text,
  slot integer
);
create function public.note_move() returns trigger language plpgsql security definer as $$
begin
  insert into public.moved (view, slot) values (new.view, new.slot);
  return null;
end $$;
create trigger note_move after update of position on views.checkpoint for each row
when (new.position > old.position) execute function public.note_move();
"""
"""Each step of a slot, and by whose connection: a worker has one for each view."""

SINCE = """
select view, slot, array_agg(distinct session) from public.moved where number > %s
group by view, slot
"""
HANDED_OVER = """
select coalesce(max(count), 0) from (
  select count(*) filter (where session <> before) from (
    select view, slot, session,
      lag(session) over (partition by view, slot order by number) before
    from public.moved
  ) steps group by view, slot
) slots
"""
CHANGES = 6
"""Three workers begin, one leaves, one dies, two more begin; the first is there before."""


@pytest.fixture
def views_server(server_folder: Path) -> Iterator[str]:
    with EmbeddedPostgres(server_folder / "views", durable=False) as server:
        yield server.database("views")


@pytest.fixture
def installation(
    bare_database_url: str, views_server: str, kafka_bootstrap: str, tmp_path: Path
) -> Installation:
    name = uuid4().hex
    return Installation(
        tmp_path,
        HUIKE_LOG_URL=bare_database_url,
        HUIKE_VIEWS_URL=views_server,
        HUIKE_SLOTS=str(SLOTS),
        HUIKE_KAFKA_BOOTSTRAP=kafka_bootstrap,
        HUIKE_KAFKA_TOPIC_IN=f"{name}.events",
        HUIKE_KAFKA_TOPIC_DEAD=f"{name}.events.dead",
        HUIKE_KAFKA_TOPIC_FACTS=f"{name}.facts",
    )


def test_workers_come_and_go_and_every_slot_is_followed_once(installation: Installation) -> None:
    assert installation.run("topics").returncode == 0
    settings = settings_of(installation)
    with ExitStack() as stack:
        server = stack.enter_context(installation.running("serve"))
        installation.await_ready(server)
        relay = stack.enter_context(installation.running("work", "relay"))
        first, leaving = (stack.enter_context(worker(installation)) for _ in range(2))
        load = Load(installation.url, installation.key("ingest"), lanes=2, batch=10, pause=0.2)
        views = stack.enter_context(closing(noted(settings, installation)))
        with load, worker(installation) as dying:
            await_shared(installation, views, workers=3)
            leaving.terminate()
            assert leaving.wait(PATIENCE) == 0
            await_shared(installation, views, workers=2)
            dying.kill()
            await_shared(installation, views, workers=1)
            joined = [stack.enter_context(worker(installation)) for _ in range(2)]
            await_shared(installation, views, workers=3)
        assert all(p.poll() is None for p in (server, relay, first, *joined)), installation.told()
        assert number(views, HANDED_OVER) <= 2 * CHANGES, "two followed a slot in turn"
        settle(settings)
        look_from_outside(installation, settings)
        rebuilt = installation.run("rebuild", "profile", within=PATIENCE)
        assert rebuilt.returncode == 0, rebuilt.stderr
        assert "are the same as those served" in rebuilt.stderr
        refused = installation.run("slots", str(2 * SLOTS))
        assert refused.returncode == 1
        assert "stop them first" in refused.stderr
    found = Findings(print)
    look(found, settings, [load])
    assert found.held, "\n".join(map(str, found.claims))
    dealt = installation.run("slots", str(2 * SLOTS))
    assert dealt.returncode == 0, dealt.stderr


def worker(installation: Installation) -> AbstractContextManager[Running]:
    return installation.running("work", "views")


def noted(settings: Settings, installation: Installation) -> Connection:
    """Connect to the views' database, and have each step of a slot noted from now on."""
    assert settings.views_url is not None
    views = connect(settings.views_url)
    there = "select count(*) from pg_tables where (schemaname, tablename) = ('views', 'active')"
    await_that(lambda: number(views, there) == 1, installation.told, PATIENCE)
    views.execute(NOTED.encode())
    return views


def await_shared(installation: Installation, views: Connection, workers: int) -> None:
    """Wait until each slot of each view is moved by one worker alone, and so many move slots."""

    def shared() -> bool:
        last = number(views, "select coalesce(max(number), 0) from public.moved")
        held: dict[tuple[str, int], list[int]] = {}
        deadline = time.monotonic() + ROUND_SECONDS
        while len(held) < SLOTS * len(VIEWS) and time.monotonic() < deadline:
            time.sleep(0.1)
            rows = views.execute(SINCE, (last,)).fetchall()
            held = {(view, slot): sessions for view, slot, sessions in rows}
        alone = all(len(sessions) == 1 for sessions in held.values())
        busy = {(view, session) for (view, _), sessions in held.items() for session in sessions}
        return len(held) == SLOTS * len(VIEWS) and alone and len(busy) == workers * len(VIEWS)

    await_that(shared, installation.told, PATIENCE)


def look_from_outside(installation: Installation, settings: Settings) -> None:
    """See that questions are answered from the second database, and that operators see it right."""
    assert settings.log_url is not None
    with closing(connect(settings.log_url)) as log:
        assert number(log, "select count(*) from pg_namespace where nspname = 'huike'") == 0
    last = head(settings)
    with installation.client(installation.key("query", "metrics")) as client:
        found = client.get("/api/customers/by/user/c1", params={"position": last})
        assert found.is_success, found.text
        text = client.get("/metrics").text
    for view in VIEWS:
        assert f'huike_behind_facts{{kind="view",name="{view}"}} 0.0' in text
    assert 'huike_stopped_slots{kind="view",name="profile"} 0.0' in text
    doctor = installation.run("doctor")
    assert doctor.returncode == 0, doctor.stdout


def number(connection: Connection, question: str) -> int:
    row = connection.execute(question.encode()).fetchone()
    assert row is not None
    return int(row[0])
