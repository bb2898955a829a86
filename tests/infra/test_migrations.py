"""Migrations are applied once, whoever comes first."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from domain.shared.ids import Ids
from infra.installation import same_installation
from infra.migrations import OwnerNeeded, known, migrate
from infra.postgres import WRITER, connect
from tests.conftest import run_sql
from tests.logins import service_login


def test_several_processes_may_migrate_at_once(bare_database_url: str) -> None:
    with ThreadPoolExecutor(4) as threads:
        applied = list(threads.map(migrate, [bare_database_url] * 4))
    assert sorted(map(len, applied))[:3] == [0, 0, 0]
    assert "0001_log.sql" in max(applied, key=len)
    assert migrate(bare_database_url) == []


def test_only_where_something_is_missing_the_owner_is_needed(database_url: str) -> None:
    with service_login(database_url) as service:
        assert migrate(service) == []
        run_sql(database_url, "delete from public.huike_migration where name = '0009_seals.sql'")
        with pytest.raises(OwnerNeeded, match="`huike migrate`"):
            migrate(service)
        assert migrate(service, only=set(known()) - {"0009_seals.sql"}) == []


def test_a_log_belongs_to_the_secret_that_came_first(database_url: str) -> None:
    with connect(database_url, WRITER) as connection:
        assert same_installation(connection, Ids(b"ours"))
        assert same_installation(connection, Ids(b"ours"), claim=False)
        assert not same_installation(connection, Ids(b"another"))
