"""Questions that take longer than a request: asked once, and asked after."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from api.responses import Json
from api.security import Needs
from infra.jobs import Job, Jobs
from infra.keys import Scope

router = APIRouter(prefix="/api/jobs", tags=["jobs"], dependencies=[Depends(Needs(Scope.QUERY))])


async def jobs(request: Request) -> Jobs:
    found: Jobs = request.app.state.services.jobs
    return found


TheJobs = Annotated[Jobs, Depends(jobs)]


def accepted(job: Job) -> Response:
    """Answer that a job was queued, and where to ask after it."""
    place = f"/api/jobs/{job.id}"
    return Json(
        {"job": job.id, "state": job.state, "ask": place},
        202,
        headers={"Location": place, "Retry-After": "1"},
    )


@router.get("/{id}", summary="How far a job is, and its answer")
def job(id: UUID, jobs: TheJobs) -> Response:
    """`state` is waiting, running, done (then `answer` holds it) or failed (then `error` says why).

    Ask again while it is waiting or running; `progress` goes from 0 to 1.
    """
    return Json(jobs.find(id))
