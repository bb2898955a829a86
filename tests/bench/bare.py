"""A server as bare as can be, on the same libraries as ours: a constant; one row and a commit."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any, Final
from uuid import UUID, uuid4

import uvicorn
from fastapi import Body, FastAPI
from psycopg import AsyncConnection
from psycopg.types.json import Jsonb
from psycopg_pool import AsyncConnectionPool

TABLE: Final = """
create table if not exists event (
    id uuid primary key, received_at timestamptz not null default now(), body jsonb not null
)
"""

POOL: Final = 16

pool: "AsyncConnectionPool[AsyncConnection[Any]]"


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    global pool
    async with AsyncConnectionPool(
        sys.argv[2], min_size=1, max_size=POOL, open=False, kwargs={"prepare_threshold": 1}
    ) as pool:
        async with pool.connection() as connection:
            await connection.execute(TABLE)
        yield


app = FastAPI(lifespan=lifespan)


@app.get("/bare/{id}")
async def bare(id: UUID) -> dict[str, str]:  # noqa: ARG001  # read, as ours is
    return {"status": "ok"}


@app.post("/events")
async def take(event: Annotated[dict[str, Any], Body()]) -> dict[str, bool]:
    async with pool.connection() as connection:
        await connection.execute(
            "insert into event (id, body) values (%s, %s)", (uuid4(), Jsonb(event))
        )
    return {"success": True}


if __name__ == "__main__":
    uvicorn.run(
        app,
        port=int(sys.argv[1]),
        log_level="warning",
        access_log=False,
        server_header=False,
        loop="uvloop",
        http="httptools",
    )
