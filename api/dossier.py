"""What a customer may ask the shop: all that is known of them, and their consents in order."""

from collections.abc import Generator
from enum import StrEnum
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request, Response

from api.facts import SEALED
from api.looking import TheLook
from api.parameters import KNOWN_ALONE, CustomerId, Language
from api.queries.deps import Views
from api.refused import EXAMPLE as REFUSED
from api.responses import HTML, JSON, Json, streamed
from api.services import TheServices
from domain.shared.events import readable
from domain.shared.refusals import NotFound
from infra import clock
from infra.beside import Beside
from projections.dossier.consents import consents_of
from projections.dossier.lines import SECTIONS, Teller
from projections.dossier.making import Dossier
from projections.dossier.page import as_page
from projections.dossier.written import as_json
from projections.page import HEADERS

router = APIRouter(prefix="/api/customers", tags=["customers"], dependencies=[KNOWN_ALONE])

_SOURCE: Final = {
    "position": 17,
    "occurred_at": "2026-11-20T10:15:00Z",
    "recorded_at": "2026-11-20T10:15:01.204Z",
    "shop": "shop",
    "source": "site",
    "by": {"kind": "key", "id": "6f2c0b9e-7d0e-4d52-9d5a-0c8f6d2b7a11", "name": "site"},
}
EXAMPLE: Final = {
    "customer": "8a4f5f6e-1c1b-8a77-9b53-1f0c7d1a2b3c",
    "position": 1204,
    "made_at": "2026-11-23T09:00:00Z",
    "language": "en",
    "erased": False,
    "forgotten_at": None,
    "identities": [
        {
            "identity": "8a4f5f6e-1c1b-8a77-9b53-1f0c7d1a2b3c",
            "kind": "user",
            "id": "42",
            "facts": 31,
            "because": None,
        }
    ],
    "traits": [{"field": "email", "value": "ada@example.com", "origin": _SOURCE}],
    "facts": {
        "consents": [
            {
                "type": "customer.consent-granted",
                "text": "Agreed to newsletter by email (checkout)",
                "stream": "8a4f5f6e-1c1b-8a77-9b53-1f0c7d1a2b3c",
                "number": None,
                "campaign": None,
                "data": {
                    "channel": "email",
                    "purpose": "newsletter",
                    "source": "checkout",
                    "wording": "v3",
                },
                "origin": _SOURCE,
            }
        ]
    },
    "erasures": [],
    "refused": [
        {
            **REFUSED,
            "message": '{"batch":[{"userId":"42","properties":{"currency":"TEA"}}]}',
        }
    ],
    "reads": [
        {
            "at": "2026-11-20T10:15:00Z",
            "by": {"kind": "key", "id": "0b6f2c9e-7d0e-4d52-9d5a-0c8f6d2b7a22", "name": "grace"},
            "operation": "POST /api/customers/{id}/reveal",
            "basis": "revealed",
            "reason": "She asks for a call.",
            "request": "1b1c2d3e4f5061728394a5b6c7d8e9f1",
            "shop": "shop",
            "count": None,
        }
    ],
}
CHANGE: Final = {
    "channel": "email",
    "purpose": "newsletter",
    "granted": True,
    "source": "checkout",
    "wording": "newsletter-2026-01",
    "origin": _SOURCE,
}
CONSENTS: Final = {"customer": EXAMPLE["customer"], "now": [CHANGE], "history": [CHANGE]}


class Format(StrEnum):
    """How a dossier is written."""

    JSON = "json"
    HTML = "html"


@router.get(
    "/{id}/dossier",
    summary="All that is known of a customer, for the customer",
    response_class=Response,
    responses={
        200: {"content": {JSON: {"example": EXAMPLE}, HTML: {}}},
        404: {"description": "Nothing is known of the customer."},
    },
)
def dossier(
    request: Request,
    id: CustomerId,
    services: TheServices,
    look: TheLook,
    format: Annotated[
        Format | None, Query(description="What `Accept` says, where it is not given.")
    ] = None,
    lang: Annotated[Language, Query(description="Of sentences, and of the page.")] = (
        Language.ENGLISH
    ),
    *,
    originals: Annotated[bool, Query(description="Also each message as the shop sent it.")] = False,
) -> Response:
    """Give who they are, traits, consents, orders, tickets, notes, campaigns, and what they did.

    Each thing with where it came from: its position in the log, when, source, and who said it. What
    was erased is `erased`. It is about the moment of `position`, and of any length.

    `refused` holds events that name them and were not taken: why, and what they said (null where
    what is others' cannot be left out). `reads` says who saw their unmasked data, the latest first;
    an export that may have held them is told with the `count` of what it held. `erasures` says how
    each request to forget them stands, with its certificate; `forgotten_at`, since when they are
    forgotten.
    """
    made = Dossier(
        id,
        services.reader,
        services.search.story,
        Beside(services.writer, services.sealer, services.ids),
        at=clock.now(),
        language=lang,
        names=services.keys.names(),
        blind=services.sealer.blind,
        ids=services.ids,
    )
    look.seen.add(made.customer)
    look.note()
    chunks: Generator[Any, None, None]
    if (format or _accepted(request)) is Format.HTML:
        chunks, media = as_page(made, originals=originals), HTML
    else:
        chunks, media = as_json(made, originals=originals), JSON
    return streamed(chunks, media, HEADERS)


@router.get(
    "/{id}/consents",
    summary="What a customer allowed and took back, in order",
    responses={
        200: {"content": {JSON: {"example": CONSENTS}}},
        404: {"description": "Nothing is known of the customer."},
    },
)
def consents(id: CustomerId, services: TheServices, look: TheLook) -> Response:
    """Give what holds now, and every change: for what, by which wording, and how it was said.

    The whole customer's: what was said under each of its ids, before they were known as one too.
    `source` may name somebody: it is "sealed" for who sees masks.
    """
    reader = services.reader
    upto = reader.head().position
    customer = reader.customer_of(id, at=upto)
    origins = tuple(reader.origins_of(customer, at=upto))
    facts = [*readable(services.search.story(origins, SECTIONS["consents"], upto))]
    if not facts and not services.search.is_there(origins):
        raise NotFound(what="customer", id=id)
    teller = Teller(Language.ENGLISH, services.keys.names())
    opened = Views(services.sources, look, None).opens(customer)
    if opened:
        look.saw_facts(facts)
        look.note()
    return Json(consents_of(customer, facts, teller, closed=None if opened else SEALED))


def _accepted(request: Request) -> Format:
    kinds = [
        kind.partition(";")[0].strip() for kind in request.headers.get("accept", "").split(",")
    ]
    return Format.HTML if "text/html" in kinds and JSON not in kinds else Format.JSON
