"""Erasures as they stand, their certificates, and the page on which customers ask themselves."""

from datetime import timedelta
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from starlette.responses import HTMLResponse

from api.erasure_pages import asked_page, asking_page, certificate_page, lost_page
from api.parameters import KNOWN_ALONE, ReadersLanguage
from api.responses import JSON, Json
from api.services import Services, TheServices
from commands.erasure import RequestErasure
from domain.customer.events import Asker
from domain.shared.log import Actor
from domain.shared.refusals import NotFound, Refused
from infra import clock, erasures
from infra.erasure_certificate import certificate_of
from infra.erasures import Erasure
from infra.links import customer_of
from projections.page import HEADERS

_EXAMPLE: Final[dict[str, Any]] = {
    "erasure": "1d0e3c8e-8d5f-4a0b-9d5e-2f3a4b5c6d7e",
    "customer": "8a4f5f6e-1c1b-8a77-9b53-1f0c7d1a2b3c",
    "shop": "tea",
    "asked_by": "customer",
    "requested_at": "2026-11-23T08:15:00Z",
    "due_at": "2026-11-30T08:15:00Z",
    "state": "waiting",
    "waits_for": ["open-order"],
    "erased_at": None,
    "position": None,
    "refused": 0,
    "answers": 0,
    "certified": False,
}
_CERTIFICATE: Final[dict[str, Any]] = {
    "certified": {
        "format": 1,
        "installation": "5f0c6f1d2b3a4e5d8c7b6a5948372615",
        "erasure": "1d0e3c8e-8d5f-4a0b-9d5e-2f3a4b5c6d7e",
        "customer": "8a4f5f6e-1c1b-8a77-9b53-1f0c7d1a2b3c",
        "shop": "tea",
        "asked_by": "customer",
        "requested_at": "2026-11-23T08:15:00Z",
        "due_at": "2026-11-30T08:15:00Z",
        "erased_at": "2026-11-30T08:15:04Z",
        "position": 2048,
        "keys": [
            {
                "identity": "8a4f5f6e-1c1b-8a77-9b53-1f0c7d1a2b3c",
                "generation": 1,
                "epoch": 1,
                "destroyed_at": "2026-11-30T08:15:02Z",
            }
        ],
        "facts": 31,
        "originals": 12,
        "first": 17,
        "last": 2048,
        "columns": {"profile.person": 1, "profile_note.text": 0, "timeline.private": 9},
        "refused": 1,
        "answers": 2,
        "epoch": 1,
        "made_at": "2026-11-30T08:15:06Z",
    },
    "public_key": "6mZr0m3aFj2yI8Yb0c3F5b6G7h8I9j0KaLbMcNdOePo=",
    "signature": "...",
}
_HTML: Final[dict[int | str, dict[str, Any]]] = {
    200: {"content": {"text/html": {"example": "<!doctype html>..."}}}
}
_NONE: Final[dict[int | str, dict[str, Any]]] = {404: {"description": "There is no such thing."}}
_PAPER: Final[dict[int | str, dict[str, Any]]] = {
    **_NONE,
    409: {"description": "It was altered in the database: its digest is not that of the log."},
}


class NotCertified(NotFound):
    """Erasure {id} has no certificate: {standing}."""


class OtherCertificate(Refused):
    """What is kept of this certificate is not what was made: it was altered in the database."""


Token = Annotated[str, Query(max_length=200, description="What stands in the link.")]

router = APIRouter(prefix="/api/erasures", tags=["privacy"], dependencies=[KNOWN_ALONE])
door = APIRouter(tags=["privacy"], dependencies=[KNOWN_ALONE])


@router.get(
    "",
    summary="Erasures, the latest first",
    responses={200: {"content": {"application/json": {"example": {"erasures": [_EXAMPLE]}}}}},
)
def all_erasures(
    services: TheServices, limit: Annotated[int, Query(ge=1, le=1000)] = 100
) -> Response:
    """`state` is waiting, cancelled, erasing, erased (views let go) or certified.

    `waits_for` says why one that is due waits: `open-order`, `legal-hold`, or `recognised`: the
    visitor whom it was asked for is a customer's since, so take it back and ask for the customer.
    Before it is due, it says `legal-hold` alone.
    """
    with services.writer.connection() as connection:
        erasures.follow(connection)
        found = erasures.latest(connection, limit)
    return Json({"erasures": [_told(it) for it in found]})


@router.get(
    "/{id}",
    summary="One erasure",
    responses={**_NONE, 200: {"content": {"application/json": {"example": _EXAMPLE}}}},
)
def one_erasure(id: UUID, services: TheServices) -> Response:
    """Say how it stands; `refused` and `answers` are what was destroyed besides keys."""
    return Json(_told(_found(services, id)))


@router.get(
    "/{id}/certificate",
    summary="The certificate of an erasure",
    responses={**_PAPER, 200: {"content": {"application/json": {"example": _CERTIFICATE}}}},
)
def certificate(id: UUID, services: TheServices) -> Response:
    """Say what was destroyed where, signed; `huike erasure verify FILE` checks it."""
    name = f'attachment; filename="erasure-{id}.json"'
    headers = {"Content-Disposition": name}
    return Response(_certificate(services, id), media_type=JSON, headers=headers)


@router.get(
    "/{id}/certificate/page",
    summary="The certificate, to print",
    response_class=HTMLResponse,
    responses={**_PAPER, **_HTML},
)
def printed(id: UUID, services: TheServices, lang: ReadersLanguage) -> Response:
    """Show the certificate as a page, in English (`en`) or Chinese (`zh`)."""
    page = certificate_page(certificate_of(_certificate(services, id)), lang)
    return HTMLResponse(page, headers=HEADERS)


@door.get(
    "/forget-me",
    summary="The page of a customer's own link",
    response_class=HTMLResponse,
    responses=_HTML,
)
def forget_me(services: TheServices, lang: ReadersLanguage, token: Token = "") -> HTMLResponse:
    """Ask the customer whether they mean it; needs no key but the link's own."""
    if customer_of(services.ids, token, clock.now()) is None:
        return HTMLResponse(lost_page(token, lang), headers=HEADERS)
    return HTMLResponse(asking_page(token, lang), headers=HEADERS)


@door.post(
    "/forget-me",
    summary="A customer asks to be forgotten",
    response_class=HTMLResponse,
    responses=_HTML,
)
def ask_to_be_forgotten(
    services: TheServices, request: Request, lang: ReadersLanguage, token: Token = ""
) -> HTMLResponse:
    """Keep the request of who holds the link; it is carried out after the days of grace."""
    customer = customer_of(services.ids, token, clock.now())
    if customer is None:
        return HTMLResponse(lost_page(token, lang), headers=HEADERS)
    days = services.settings.erasure_days
    try:
        services.crm.dispatch(
            RequestErasure(
                customer=customer, by=Asker.CUSTOMER, due_at=clock.now() + timedelta(days=days)
            ),
            actor=Actor(kind="person", id=str(customer)),
            shop="",
            source="link",
            correlation=request.scope["request_id"],
            anywhere=True,
        )
    except NotFound:
        return HTMLResponse(lost_page(token, lang), headers=HEADERS)
    return HTMLResponse(asked_page(days, lang), headers=HEADERS)


def _found(services: Services, id: UUID) -> Erasure:
    with services.writer.connection() as connection:
        erasures.follow(connection)
        return erasures.find(connection, id)


def _certificate(services: Services, id: UUID) -> bytes:
    found = _found(services, id)
    if found.certificate is None or found.state != "certified":
        raise NotCertified(id=id, standing=_standing(found), state=found.state)
    if found.proof is None:
        raise OtherCertificate
    return found.proof


def _standing(it: Erasure) -> str:
    if it.state == "cancelled":
        return "it was taken back"
    if it.state != "waiting":
        return "it is being carried out, and the certificate comes when it is done"
    due = f"it is still waiting, due {it.due_at:%Y-%m-%d %H:%M} UTC"
    return f"{due}, and waits for: {', '.join(it.waits_for)}" if it.waits_for else due


def _told(it: Erasure) -> dict[str, Any]:
    told: dict[str, Any] = {name: getattr(it, name) for name in it.__struct_fields__}
    del told["certificate"], told["digest"]
    return {**told, "certified": it.state == "certified"}
