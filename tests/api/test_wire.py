"""A wire answers as any connection would, or not at all: then it is asked otherwise."""

import asyncio
from collections.abc import Callable, Iterator
from uuid import UUID, uuid4

import psycopg
import pytest

from infra.postgres import READER, connect
from infra.wire import Row, Wires

STATEMENT = b"select $1::uuid, 42::numeric, array['a', 'b'], now() is not null"


@pytest.fixture
def wires(database_url: str) -> Iterator[Callable[..., Wires]]:
    made: list[Wires] = []

    def make(statement: bytes = STATEMENT, most: int = 2) -> Wires:
        made.append(Wires(database_url, READER, statement, most=most))
        return made[-1]

    yield make
    for each in made:
        each.close()


async def ready(wires: Wires) -> list[Row]:
    """Ask until a wire is open."""
    for _ in range(200):
        rows = await wires.ask(uuid4().bytes)
        if rows is not None:
            return rows
        await asyncio.sleep(0.02)
    pytest.fail("no wire was opened")


def test_rows_are_those_of_a_connection(wires: Callable[..., Wires], database_url: str) -> None:
    async def ask() -> list[Row] | None:
        asked = wires()
        assert await asked.ask(UUID(int=7).bytes) is None  # none is open yet
        await ready(asked)
        return await asked.ask(UUID(int=7).bytes)

    statement = STATEMENT.replace(b"$1", b"%s")
    with connect(database_url) as connection:
        expected = connection.execute(statement, (UUID(int=7),), binary=True).fetchall()
    assert asyncio.run(ask()) == expected


def test_answers_never_go_to_another_question(wires: Callable[..., Wires]) -> None:
    async def ask() -> None:
        asked = wires(most=3)
        await ready(asked)
        for _ in range(30):
            ids = [uuid4() for _ in range(10)]
            tasks = [asyncio.ensure_future(asked.ask(i.bytes)) for i in ids]
            await asyncio.sleep(0)
            tasks[0].cancel()
            for i, rows in zip(
                ids[1:], await asyncio.gather(*tasks[1:], return_exceptions=True), strict=True
            ):
                assert rows is None or [row[0] for row in rows] == [i]  # type: ignore[union-attr]  # no errors
            await ready(asked)

    asyncio.run(ask())


def test_a_lost_server_is_asked_otherwise_until_it_is_back(
    wires: Callable[..., Wires], database_url: str
) -> None:
    async def ask() -> None:
        asked = wires(most=1)
        await ready(asked)
        with psycopg.connect(database_url, autocommit=True) as connection:
            connection.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where datname = current_database() and application_name = 'huike:huike_reader'"
            )
        await asyncio.sleep(0.1)
        assert await asked.ask(uuid4().bytes) is None
        await ready(asked)

    asyncio.run(ask())


def test_an_error_is_asked_otherwise(wires: Callable[..., Wires]) -> None:
    async def ask() -> None:
        asked = wires(b"select 1 / (get_byte(uuid_send($1), 15) % 2)")
        odd, even = UUID(int=1), UUID(int=2)
        for _ in range(200):
            if await asked.ask(odd.bytes) == [(1,)]:
                break
            await asyncio.sleep(0.02)
        assert await asked.ask(even.bytes) is None
        for _ in range(200):
            if await asked.ask(odd.bytes) == [(1,)]:
                return
            await asyncio.sleep(0.02)
        pytest.fail("no wire was opened again")

    asyncio.run(ask())


def test_what_cannot_be_prepared_is_asked_otherwise(wires: Callable[..., Wires]) -> None:
    async def ask() -> None:
        asked = wires(b"select $1::uuid from nowhere")
        for _ in range(5):
            assert await asked.ask(uuid4().bytes) is None
            await asyncio.sleep(0.02)

    asyncio.run(ask())


def test_another_event_loop_gets_wires_of_its_own(wires: Callable[..., Wires]) -> None:
    asked = wires()

    async def twice() -> int:
        return len(await ready(asked))

    assert asyncio.run(twice()) == asyncio.run(twice()) == 1
