"""Migrations are applied once, whoever comes first."""

from concurrent.futures import ThreadPoolExecutor

from domain.shared.ids import Ids
from infra.installation import same_installation
from infra.migrations import migrate
from infra.postgres import WRITER, connect


def test_several_processes_may_migrate_at_once(bare_database_url: str) -> None:
    with ThreadPoolExecutor(4) as threads:
        applied = list(threads.map(migrate, [bare_database_url] * 4))
    assert sorted(map(len, applied))[:3] == [0, 0, 0]
    assert "0001_log.sql" in max(applied, key=len)
    assert migrate(bare_database_url) == []


def test_a_log_belongs_to_the_secret_that_came_first(database_url: str) -> None:
    with connect(database_url, WRITER) as connection:
        assert same_installation(connection, Ids(b"ours"))
        assert same_installation(connection, Ids(b"ours"), claim=False)
        assert not same_installation(connection, Ids(b"another"))
