"""Whether the service lives and works, the only routes without a key, and its metrics."""

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request, Response

from api.responses import Json
from infra.metrics import CONTENT_TYPE, Metrics

Check = Callable[[], object]

Waiting = Callable[[], Sequence[str]]

_READY: Final = {
    "status": "ready",
    "checks": {"log": "ok", "views": "ok"},
    "to_rebuild": ["lifecycle"],
    "installation": "0f6d7f0e6c1b4a779b531f0c7d1a2b3c",
}

router = APIRouter(tags=["health"])


def checks(request: Request) -> Mapping[str, Check]:
    found: Mapping[str, Check] = request.app.state.checks
    return found


def to_rebuild(request: Request) -> Waiting:
    found: Waiting = request.app.state.to_rebuild
    return found


def mark(request: Request) -> str:
    found: str = request.app.state.mark
    return found


def metrics(request: Request) -> Metrics:
    found: Metrics = request.app.state.metrics
    return found


@router.get("/health", summary="Is the process alive?")
async def health() -> Response:
    """Answers without asking anything else, so that a supervisor restarts only what hangs."""
    return Json({"status": "alive"})


@router.get(
    "/ready",
    summary="Can it answer requests now?",
    responses={
        200: {
            "description": "It can.",
            "content": {"application/json": {"example": _READY}},
        },
        503: {"description": "Something it needs is missing; `checks` says what."},
    },
)
def ready(
    needed: Annotated[Mapping[str, Check], Depends(checks)],
    waiting: Annotated[Waiting, Depends(to_rebuild)],
    installation: Annotated[str, Depends(mark)],
) -> Response:
    """Asks each database; `installation` is the same for all servers of one keyring.

    Questions to the views of `to_rebuild` are refused, `other-version`: this version of Huike keeps
    them by other rules than they were kept by. All else is answered, so it is ready.
    """
    found = {name: _outcome(check) for name, check in needed.items()}
    working = all(outcome == "ok" for outcome in found.values())
    status = "ready" if working else "not ready"
    told = {
        "status": status,
        "checks": found,
        "to_rebuild": waiting() if working else [],
        "installation": installation,
    }
    return Json(told, 200 if working else 503)


@router.get("/favicon.ico", include_in_schema=False)
async def icon() -> Response:
    """Browsers ask for one by themselves; there is none."""
    return Response(status_code=204)


@router.get(
    "/metrics",
    summary="Metrics for Prometheus",
    response_class=Response,
    responses={200: {"content": {"text/plain": {}}}},
)
def read_metrics(measured: Annotated[Metrics, Depends(metrics)]) -> Response:
    """Say how far each view and the relay are behind the log, in facts and in seconds.

    Also sizes of appends and commits, what was refused by reason, requests by route, and when the
    last backup, drill and seal were done (`huike_upkeep_timestamp_seconds`), how many facts each
    does not cover (`huike_upkeep_facts_since`), and whether it failed since.
    """
    return Response(measured.text(), media_type=CONTENT_TYPE)


def _outcome(check: Check) -> str:
    try:
        check()
    except Exception as error:  # noqa: BLE001  # whatever is wrong is the answer
        return type(error).__name__
    return "ok"
