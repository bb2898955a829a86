"""A server with one route that answers a constant, on the same libraries as ours."""

import sys
from uuid import UUID

import uvicorn
from fastapi import FastAPI

app = FastAPI()


@app.get("/bare/{id}")
async def bare(id: UUID) -> dict[str, str]:  # noqa: ARG001  # read, as ours is
    return {"status": "ok"}


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
