"""Migrations are applied once, whoever comes first."""

import re
from concurrent.futures import ThreadPoolExecutor
from time import sleep
from typing import Final
from uuid import uuid4

import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from domain.shared.ids import Ids
from infra.installation import same_installation
from infra.migrations import LOCK, OwnerNeeded, RolesOfAnother, known, migrate
from infra.postgres import WRITER, connect
from projections.runtime import schema
from tests.conftest import run_sql
from tests.logins import service_login

_GRANTS_ASKED_SINCE: Final = 160_000


def test_several_processes_may_migrate_at_once(bare_database_url: str) -> None:
    with ThreadPoolExecutor(4) as threads:
        applied = list(threads.map(migrate, [bare_database_url] * 4))
    assert sorted(map(len, applied))[:3] == [0, 0, 0]
    assert "0001_log.sql" in max(applied, key=len)
    assert migrate(bare_database_url) == []


def test_who_waited_for_another_finds_what_that_one_applied(bare_database_url: str) -> None:
    with ThreadPoolExecutor(2) as threads, connect(bare_database_url) as first:
        first.execute("select pg_advisory_lock(%s)", (LOCK,))
        applied = [threads.submit(migrate, bare_database_url) for _ in range(2)]
        waiting = "select count(*) from pg_locks where locktype = 'advisory' and not granted"
        while first.execute(waiting).fetchone() != (2,):
            sleep(0.02)
        first.execute("select pg_advisory_unlock(%s)", (LOCK,))
        assert sorted(len(one.result()) for one in applied) == [0, len(known())]


def test_only_where_something_is_missing_the_owner_is_needed(database_url: str) -> None:
    with service_login(database_url) as service:
        assert migrate(service) == []
        run_sql(database_url, "delete from public.huike_migration where name = '0009_seals.sql'")
        with pytest.raises(OwnerNeeded, match="`huike migrate`"):
            migrate(service)
        assert migrate(service, only=set(known()) - {"0009_seals.sql"}) == []


def test_where_another_owner_made_the_roles_it_says_what_to_grant(
    database_url: str, bare_database_url: str
) -> None:
    with connect(database_url) as there:  # whose tables came with the cluster's roles
        assert there.execute("select to_regrole('huike_owner')").fetchone() != (None,)
        if there.info.server_version < _GRANTS_ASKED_SINCE:
            pytest.skip("whoever makes roles may grant any of them")
    login, name = f"test_{uuid4().hex}", str(conninfo_to_dict(bare_database_url)["dbname"])
    run_sql(bare_database_url, "create role {login} login createrole", login=login)
    run_sql(bare_database_url, "alter database {name} owner to {login}", name=name, login=login)
    second = make_conninfo(bare_database_url, user=login)
    try:
        with pytest.raises(RolesOfAnother, match="take a cluster of its own") as refused:
            migrate(second)
        (grant,) = re.findall("`(grant .*?)`", str(refused.value))
        run_sql(bare_database_url, grant)
        assert migrate(second) == known()
        with connect(second) as owner, owner.transaction():
            schema.install(owner)
    finally:
        run_sql(bare_database_url, "drop owned by {login} cascade", login=login)
        run_sql(bare_database_url, "alter database {name} owner to current_user", name=name)
        run_sql(bare_database_url, "drop role {login}", login=login)


def test_a_log_belongs_to_the_secret_that_came_first(database_url: str) -> None:
    with connect(database_url, WRITER) as connection:
        assert same_installation(connection, Ids(b"ours"))
        assert same_installation(connection, Ids(b"ours"), claim=False)
        assert not same_installation(connection, Ids(b"another"))
