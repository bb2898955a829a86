"""What was refused at the shops' doors: to look at with its reason, and to send again."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final
from uuid import UUID

import structlog
from fastapi import APIRouter, Query, Response

from api.looking import Look, TheLook
from api.parameters import KNOWN_ALONE
from api.responses import Json
from api.security import TheKey
from api.services import Services, TheServices
from commands.shop import Door, NotTaken, refusal_of, translate
from commands.shop.parcel import unpack
from commands.shop.refusals import NotRecorded
from infra.keys import Key
from infra.refused import Packet, Refusal

EXAMPLE: Final = {
    "id": "0d9c3f0a-2b7e-4c44-8a10-5d6e7f809101",
    "received_at": "2026-11-20T10:15:01.204Z",
    "shop": "shop",
    "source": "site",
    "door": "http",
    "reason": "unknown-currency",
    "detail": "Its currency is none of ISO 4217.",
    "place": "event 3",
    "correlation": "0b1c2d3e4f5061728394a5b6c7d8e9f0",
    "resent_at": None,
    "outcome": None,
    "message": None,
}

log = structlog.get_logger("refused")


router = APIRouter(prefix="/api/refused", tags=["tracking"], dependencies=[KNOWN_ALONE])
one: Final[dict[int | str, dict[str, Any]]] = {
    200: {"content": {"application/json": {"example": EXAMPLE}}},
    404: {"description": "There is no such refused event."},
}


@router.get("", summary="Events that were refused, the latest first")
def refused(
    services: TheServices,
    look: TheLook,
    reason: Annotated[str | None, Query(examples=["unknown-currency"])] = None,
    after: Annotated[UUID | None, Query(description="`next` of the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> Response:
    """`reason` is a code, `detail` the sentence for it, `place` where the event stood.

    `message` is what was sent, for keys with the scope `personal`; masked (null) for others.
    """
    found = services.refused.page(after=after, reason=reason, limit=limit)
    packets = _packets(services, found, look)
    more = found[-1].id if len(found) == limit else None
    return Json({"refused": [_told(it, packets.get(it.id)) for it in found], "next": more})


@router.get("/{id}", summary="One refused event", responses=one)
def one_refused(id: UUID, services: TheServices, look: TheLook) -> Response:
    """`message` is what was sent, for keys with the scope `personal`; masked (null) for others."""
    found = services.refused.find(id)
    packets = _packets(services, [found], look)
    return Json(_told(found, packets.get(id)))


@router.post(
    "/{id}/resend",
    summary="Send a refused event again",
    responses={**one, 507: {"description": "The log has no room left; nothing was recorded."}},
)
def resend(id: UUID, services: TheServices, key: TheKey) -> Response:
    """Translate it anew, as if it came in again when it first did, and say what came of it.

    `outcome` is `accepted`, `duplicate` (it was accepted before), `erased` (its period's key is
    gone), or the reason for which it is refused again.
    """
    found = services.refused.find(id)
    packet = services.refused.open([found]).get(id)
    outcome = "erased" if packet is None else _again(services, found, packet, key)
    return Json(_told(services.refused.settle(id, outcome), None))


def _packets(services: Services, found: Sequence[Refusal], look: Look) -> Mapping[UUID, Packet]:
    """Return what was sent, to who may see it; nobody knows whom it tells of."""
    packets = services.refused.open(found) if look.whole is not None else {}
    if packets:
        ids = sorted(map(str, packets))
        look.note(whom=None, conditions={"refused": ids}, count=len(packets))
    return packets


def _again(services: Services, it: Refusal, packet: Packet, key: Key) -> str:
    door = Door(
        shop=it.shop,
        source=it.source,
        actor=key.actor,
        received_at=it.received_at,
        currency=packet.currency,
        system=packet.system,
        clear=services.clear,
        correlation=it.correlation,
    )
    try:
        append = translate(unpack(packet.message, f"refused {it.id}"), door, services.ids)
        receipt = services.log.append(append)
    except NotTaken as refusal:
        return refusal.code
    except Exception as error:  # what it is, refusal_of says
        why = refusal_of(error)
        if isinstance(why, NotRecorded):
            log.exception("not recorded", refused=it.id)
        return why.code
    return "duplicate" if receipt.duplicate else "accepted"


def _told(it: Refusal, packet: Packet | None) -> dict[str, Any]:
    told: dict[str, Any] = {name: getattr(it, name) for name in it.__struct_fields__}
    told["message"] = packet.message.decode(errors="replace") if packet is not None else None
    return told
