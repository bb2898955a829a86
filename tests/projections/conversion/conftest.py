"""A real Postgres that shows what a story comes to."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from psycopg import sql

from infra.postgres import Connection
from projections.conversion.projection import conversion
from projections.runtime import schema
from projections.runtime.store import Store, copy_rows
from tests.projections.conversion.story import Story
from tests.projections.runtime.shop import Shop

Show = Callable[[Story], Connection]


@pytest.fixture
def shop(database_url: str, tmp_path: Path) -> Iterator[Shop]:
    with Shop.open(database_url, tmp_path / "keyring.json") as shop:
        yield shop


@pytest.fixture
def show(shop: Shop) -> Show:
    """Write a story's rows to the view's tables, and return a connection that reads them."""

    def show(story: Story) -> Connection:
        schema.prepare(shop.connection, [conversion], 4)
        served = schema.active(shop.connection, conversion.name)
        assert served is not None
        with shop.connection.transaction():
            store = Store(shop.connection, conversion, served.schema, shop.sealer)
            for table, stored in store.tables.items():
                names = sql.Identifier(served.schema, table.name), sql.Identifier(table.key[0])
                again = sql.SQL("delete from {} where {} = any(%s)").format(*names)
                shop.connection.execute(again, (list(story.replay.rows),))
                rows = [r for some in story.replay.rows.values() for r in some.all(table).values()]
                copy_rows(shop.connection, stored.codec, stored.insert, rows)
        return shop.connection

    return show
