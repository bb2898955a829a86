"""Questions that take longer than a request: asked once, and asked after."""

from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from api.access import anywhere
from api.parameters import KNOWN_ALONE
from api.responses import Json
from api.security import TheKey
from domain.shared.refusals import NotFound
from infra.jobs import Job, Jobs

JOB: Final[dict[int | str, dict[str, Any]]] = {
    202: {
        "description": "It takes longer than a request: ask after the job.",
        "content": {
            "application/json": {
                "example": {
                    "job": "0d9c3f0a-2b7e-4c44-8a10-5d6e7f809101",
                    "state": "waiting",
                    "ask": "/api/jobs/0d9c3f0a-2b7e-4c44-8a10-5d6e7f809101",
                }
            }
        },
    }
}

router = APIRouter(prefix="/api/jobs", tags=["jobs"], dependencies=[KNOWN_ALONE])


async def jobs(request: Request) -> Jobs:
    found: Jobs = request.app.state.services.jobs
    return found


_ASKED: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "content": {
            "application/json": {
                "example": {
                    "id": "0d9c3f0a-2b7e-4c44-8a10-5d6e7f809101",
                    "kind": "lifecycle",
                    "asked": {"at": "2026-03-01T00:00:00Z", "known_at": 1204},
                    "asked_by": "6f2c0b9e-7d0e-4d52-9d5a-0c8f6d2b7a11",
                    "state": "running",
                    "progress": 0.25,
                    "answer": None,
                    "error": None,
                    "created_at": "2026-11-20T10:15:00Z",
                    "finished_at": None,
                }
            }
        }
    },
    404: {"description": "There is no such job, or somebody else asked for it."},
}
TheJobs = Annotated[Jobs, Depends(jobs)]


def accepted(job: Job) -> Response:
    """Answer that a job was queued, and where to ask after it."""
    place = f"/api/jobs/{job.id}"
    return Json(
        {"job": job.id, "state": job.state, "ask": place},
        202,
        headers={"Location": place, "Retry-After": "1"},
    )


@router.get("/{id}", summary="How far a job is, and its answer", responses=_ASKED)
def job(id: UUID, jobs: TheJobs, key: TheKey) -> Response:
    """`state` is waiting, running, done (then `answer` holds it) or failed (then `error` says why).

    Ask again while it is waiting or running; `progress` goes from 0 to 1. A job is told of to the
    key that asked for it, and to administrators.
    """
    found = jobs.find(id)
    if found.asked_by != str(key.id) and not anywhere(key.roles, key.scopes):
        raise NotFound(what="job", id=id)
    return Json(found)
