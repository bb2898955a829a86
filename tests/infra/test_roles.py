# ruff: noqa: S608  # statements of our own
"""Nobody but the owner can change or delete history: each role tries, table by table."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest

import domain.customer.events  # noqa: F401  # its facts are registered
from domain.shared.events import FACTS
from infra.event_store.chain import first_break
from infra.keys import all_keys
from infra.postgres import KEEPER, OWNER, READER, VIEWS, WRITER, Connection, connect
from infra.seals import seal
from infra.signing import Signer
from projections.runtime import schema
from tests.conftest import run_sql
from tests.infra.event_store import kept
from tests.infra.test_seals import NOON
from tests.keys import make_key

NOBODY = "pg_monitor"
"""Stands for a login that was given nothing of ours: it has what is everybody's."""
ROLES = (WRITER, KEEPER, VIEWS, READER, NOBODY)
HISTORY = ("fact", "batch", "original", "seal", "access", "access_destroyed", "ancestor", "upkeep")
Refused = psycopg.errors.InsufficientPrivilege


@pytest.fixture
def url(database_url: str, tmp_path: Path) -> str:
    """Where a log is with facts, a seal, and views."""
    keyring = tmp_path / "keyring.json"
    with kept.writer(database_url, keyring) as log:
        kept.fill(log)
    with connect(database_url) as admin:
        schema.install(admin)
    with connect(database_url, WRITER) as connection:
        assert seal(connection, Signer.beside(keyring), NOON) is not None
    return database_url


@pytest.fixture(params=ROLES)
def role(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def connection(url: str, role: str) -> Iterator[Connection]:
    with logged_in(url, role) as connection:
        yield connection


@contextmanager
def logged_in(url: str, role: str) -> Iterator[Connection]:
    """Connect as somebody who has one role, and no way to another."""
    login = f"test_{uuid4().hex}"
    with ExitStack() as stack:
        run_sql(url, "create role {login} login in role {role}", login=login, role=role)
        stack.callback(run_sql, url, "drop role {login}", login=login)
        stack.callback(run_sql, url, "drop owned by {login}", login=login)
        connection: Connection = psycopg.connect(url, user=login, autocommit=True)
        with connection:
            yield connection


def tables(url: str, *schemas: str) -> list[str]:
    """Name all tables of some schemas, partitions too."""
    with connect(url, OWNER) as owner:
        found = owner.execute(
            "select format('%%I.%%I', relnamespace::regnamespace::text, relname) from pg_class "
            "where relkind in ('r', 'p') and relnamespace::regnamespace::text = any(%s) order by 1",
            (list(schemas),),
        )
        return [name for (name,) in found]


def history(url: str) -> list[str]:
    """Name the tables that hold what happened, and each of their partitions."""
    return [
        name
        for name in tables(url, "log")
        if name.removeprefix("log.").rstrip("0123456789_") in HISTORY
    ]


def columns(url: str, table: str) -> list[str]:
    with connect(url, OWNER) as owner:
        return [c.name for c in owner.execute(f"table {table} limit 0".encode()).description or ()]


def harm(table: str, column: str) -> list[str]:
    """Return what could be tried to change what a table holds, or how it is kept."""
    return [
        f"update {table} set {column} = {column}",
        f"update {table} set {column} = default where false",
        f"delete from {table}",
        f"delete from {table} where false",
        f"truncate {table}",
        f"merge into {table} using (select 1) one on true when matched then delete",
        f"select 1 from {table} for update",
        f"do 'begin lock table {table} in access exclusive mode; end'",
        f"drop table {table}",
        f"drop table {table} cascade",
        f"alter table {table} rename to other",
        f"alter table {table} set schema public",
        f"alter table {table} owner to current_user",
        f"alter table {table} drop column {column}",
        f"alter table {table} alter column {column} type text",
        f"alter table {table} add column more text",
        f"alter table {table} add check (true)",
        f"alter table {table} disable trigger all",
        f"alter table {table} enable row level security",
        f"create policy hidden on {table} using (false)",
        f"create rule nothing as on insert to {table} do instead nothing",
        f"create trigger t before insert on {table} execute function tsvector_update_trigger()",
        f"create index on {table} ({column})",
        f"comment on table {table} is 'mine'",
        f"copy {table} from '/dev/null'",
        f"copy {table} to program 'true'",
    ]


AROUND = [
    "set role huike_owner",
    "set session authorization postgres",
    "set session_replication_role = replica",
    "alter role huike_owner login",
    "create role other",
    "drop schema log cascade",
    "alter schema log rename to other",
    "alter schema log owner to current_user",
    "create table log.other ()",
    "create view log.other as select 1",
    "create function log.other() returns int language sql return 1",
    "create or replace function log.slot(uuid, integer) returns integer language sql return 1",
    "create or replace function log.ensure_room(bigint, timestamptz) returns void return null",
    "alter function log.ensure_room security invoker",
    "drop function log.slot",
    "create table log.fact_99 partition of log.fact for values from (495000000) to (500000000)",
    "alter table log.fact detach partition log.fact_0",
    "alter table log.fact detach partition log.fact_0 concurrently",
    "alter table log.batch drop constraint batch_pkey",
    "drop index log.fact_origin",
    "create table pg_temp.child () inherits (log.batch)",
    "update log.installation set incarnation = gen_random_uuid()",
    "insert into log.installation default values",
    "delete from log.installation",
    "update pg_catalog.pg_class set relowner = 0",
    "delete from pg_catalog.pg_attribute",
    "alter system set fsync = off",
    "alter database postgres rename to other",
    "insert into public.huike_migration (name) values ('other')",
    "delete from public.huike_migration",
    "drop table public.huike_migration",
]


def taken(connection: Connection, statements: list[str]) -> list[str]:
    """Return what was not refused for want of the right to it."""
    through: list[str] = []
    for statement in statements:
        try:
            connection.execute(statement.encode())
        except Refused:
            continue
        except psycopg.Error as error:
            through.append(f"{statement}: {error}")
        else:
            through.append(statement)
    return through


def as_it_was(url: str) -> None:
    """Claim that the log is whole, and has what it had."""
    with connect(url, OWNER) as owner:
        assert first_break(owner) is None
        held = owner.execute(
            "select (select count(*) from log.fact), (select count(*) from log.original), "
            "(select count(*) from log.batch), (select count(*) from log.seal)"
        ).fetchone()
    assert held == (18, 6, 6, 1)


def test_history_is_in_these_tables(url: str) -> None:
    found = history(url)
    assert {f"log.{name}" for name in HISTORY} <= set(found)
    assert {"log.fact_0", "log.fact_1"} <= set(found)
    assert sum(name.startswith("log.original_") for name in found) >= 3


def test_nobody_changes_or_removes_history(url: str, connection: Connection) -> None:
    for table in history(url):
        assert taken(connection, harm(table, columns(url, table)[1])) == []
    as_it_was(url)


def test_nobody_changes_how_it_is_kept(url: str, connection: Connection) -> None:
    assert taken(connection, AROUND) == []
    as_it_was(url)


def test_nobody_gives_themselves_more(url: str, connection: Connection) -> None:
    for table in history(url):
        try:  # where somebody has some right, it is a warning that no more was given
            connection.execute(f"grant all on {table} to current_user".encode())
        except Refused:
            continue
        assert taken(connection, [f"delete from {table}", f"truncate {table}"]) == []


@pytest.mark.parametrize("role", [KEEPER, VIEWS, READER, NOBODY], indirect=True)
def test_only_the_writer_sees_or_adds_to_the_log(
    url: str, role: str, connection: Connection
) -> None:
    for table in tables(url, "log", "keeper"):
        if role == KEEPER and table.startswith("keeper."):
            continue
        statements = [f"table {table}", f"insert into {table} default values"]
        statements += [f"copy {table} to stdout", f"copy {table} from stdin"]
        assert taken(connection, statements) == [], role
    more = ["select log.ensure_room(0, now())", "table public.huike_migration"]
    assert taken(connection, more) == []


@pytest.mark.parametrize("role", [WRITER], indirect=True)
def test_the_writer_adds_to_history_by_its_front_door_alone(
    url: str, connection: Connection
) -> None:
    for table in history(url):
        if table.removeprefix("log.") not in HISTORY:
            add = [f"insert into {table} default values", f"copy {table} from stdin"]
            assert taken(connection, add) == []
    for table in tables(url, "keeper"):
        assert taken(connection, [f"table {table}"]) == []


TOLD = (
    "erasure", "customer", "shop", "asked_by", "requested_at", "due_at", "state", "erased_at",
    "position", "identities", "digest",
)  # fmt: skip
"""Of erasures, what facts tell."""


@pytest.mark.parametrize("role", [WRITER], indirect=True)
def test_what_facts_tell_of_erasures_the_writer_does_not_tell(connection: Connection) -> None:
    lies = [f"update log.erasure set {column} = {column}" for column in TOLD]
    for table, column in (("erasure_cursor", "position"), ("legal_hold", "reason")):
        lies.append(f"update log.{table} set {column} = {column}")
    for table in ("erasure", "erasure_cursor", "legal_hold"):
        lies += [f"insert into log.{table} default values", f"delete from log.{table}"]
        lies += [f"truncate log.{table}", f"alter table log.{table} disable trigger all"]
        lies += [f"drop table log.{table}", f"copy log.{table} from stdin"]
    lies += ["create or replace function log.follow_erasures() returns bigint return 0"]
    lies += ["drop function log.follow_erasures", "alter function log.follow_erasures volatile"]
    assert taken(connection, lies) == []
    connection.execute("update log.erasure set waits_for = '{open-order}', refused = 0")
    assert connection.execute("select log.follow_erasures()").fetchone() == (0,)


FORGED = (
    "insert into log.api_key (name, prefix, hash, roles, scopes, shop, source) "
    "values ('ghost', 'hk_ghost1', 'digest', '{privacy-officer}', '{}', 'shop', 'site')"
)


def test_nobody_makes_or_changes_keys(url: str, role: str, connection: Connection) -> None:
    key, _ = make_key(url, "shop", "ingest")
    harms = [FORGED, "insert into log.api_key default values", "copy log.api_key from stdin"]
    harms += [
        f"update log.api_key set {column} = {column}"
        for column in columns(url, "log.api_key")
        if (role, column) != (WRITER, "last_used_at")
    ]
    harms += [
        "update log.api_key set roles = '{privacy-officer}'",
        "update log.api_key set last_used_at = now(), roles = '{admin}'",
        f"{FORGED} on conflict (hash) do update set roles = excluded.roles",
        "merge into log.api_key using (select 1) on true when matched then update set roles = '{}'",
        "delete from log.api_key",
        "truncate log.api_key",
        "drop table log.api_key",
        "alter table log.api_key owner to current_user",
        "alter table log.api_key alter column roles set default '{admin}'",
        "create trigger t before insert on log.api_key execute function tsvector_update_trigger()",
        "create rule more as on update to log.api_key do instead nothing",
        "create table pg_temp.child () inherits (log.api_key)",
    ]
    assert taken(connection, harms) == []
    with connect(url, OWNER) as owner:
        assert all_keys(owner) == [key]


@pytest.mark.parametrize("role", [WRITER], indirect=True)
def test_the_writer_says_when_a_key_was_used(url: str, connection: Connection) -> None:
    make_key(url, "shop", "ingest")
    connection.execute("update log.api_key set last_used_at = now()")
    with connect(url, OWNER) as owner:
        assert all_keys(owner)[0].last_used_at is not None


def test_every_fact_of_erasures_is_told(url: str) -> None:
    about = [n for n in FACTS if n.startswith(("customer.eras", "customer.legal-hold"))]
    with connect(url, OWNER) as owner:
        (source,) = owner.execute(
            "select prosrc from pg_proc where proname = 'follow_erasures'"
        ).fetchone() or ("",)
    assert len(about) == 7
    assert {name for name in about if source.count(f"'{name}'") != 2} == set()


@pytest.mark.parametrize("role", [KEEPER, VIEWS, READER, NOBODY], indirect=True)
def test_nobody_but_the_writer_has_erasures_told(role: str, connection: Connection) -> None:
    assert taken(connection, ["select log.follow_erasures()"]) == [], role


@pytest.mark.parametrize("role", [WRITER], indirect=True)
@pytest.mark.parametrize("type_", ["text", "timestamptz"])
def test_the_owners_function_runs_nothing_of_the_writers(
    url: str, connection: Connection, type_: str
) -> None:
    connection.execute(
        "create function pg_temp.harm() returns boolean language plpgsql as "
        "$$ begin delete from log.batch; return true; end $$"
    )
    domain = f"create domain pg_temp.{type_} as pg_catalog.{type_} check (pg_temp.harm())"
    connection.execute(domain.encode())
    connection.execute("select log.ensure_room(7000000, pg_catalog.now())")
    as_it_was(url)
    assert "log.fact_2" in tables(url, "log")


def test_what_runs_as_its_owner_looks_for_names_in_fixed_places(url: str) -> None:
    with connect(url, OWNER) as owner:
        found: list[tuple[Any, ...]] = owner.execute(
            "select oid::regprocedure::text, proconfig, proacl::text from pg_proc "
            "where prosecdef and pronamespace::regnamespace::text in ('log', 'keeper', 'huike')"
        ).fetchall()
    assert sorted(name for name, _, _ in found) == [
        "log.ensure_room(bigint,timestamp with time zone)",
        "log.follow_erasures()",
    ]
    for name, settings, rights in found:
        assert "search_path=pg_catalog, log, pg_temp" in settings, name
        assert "=X/" not in rights.replace("huike_owner=X/", "").replace("huike_writer=X/", "")


def test_each_role_is_for_itself(url: str) -> None:
    with connect(url, OWNER) as owner:
        members = owner.execute(
            "select member::regrole::text, roleid::regrole::text from pg_auth_members "
            "where member::regrole::text like 'huike%'"
        ).fetchall()
        powers = owner.execute(
            "select rolname from pg_roles where rolname like 'huike%' and (rolsuper or rolcanlogin "
            "or rolcreaterole or rolcreatedb or rolreplication or rolbypassrls)"
        ).fetchall()
    assert (members, powers) == ([], [])
