"""The HTTP application: which doors there are, and what stands behind them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from api import audit, errors, health, ingest, ingest_docs, jobs, refused
from api.commands import campaign, customer, lifecycle, order, ticket
from api.door import Door
from api.queries import campaigns, customers, quick, stories
from api.queries import lifecycle as lifecycles
from api.services import Services

DESCRIPTION: Final = """
Shops publish what happened, people ask for something to be done, and everything that is known can
be asked about: now, or as it was at any instant.

Show an API key on every request: `Authorization: Bearer hk_...`. A key has **scopes**: `ingest`,
`query`, `command`, `audit`, `admin`; and `personal`, which opens what says who somebody is.

* **Commands** answer `X-Position`: the place in the log of what they recorded. Give it to a query
  as `position=`, and the query waits until its view has come that far. Repeat a command safely
  with the same `Idempotency-Key`. `If-Match` refuses it when somebody was quicker.
* **Queries** say how fresh they are: `X-View-Position` and `X-View-Age` (seconds).
* **Errors** are problem details (RFC 9457). `409` is a refusal, with its reason in `detail`; `422`
  says which part of a request is malformed. `X-Request-ID` finds a request again in the logs and in
  the facts that it led to (their `correlation`).
"""

TAGS: Final = [
    {"name": "tracking", "description": "What shops publish, in the shape of Segment's SDKs."},
    {"name": "customers", "description": "Who the customers are, and what is known of them."},
    {"name": "orders", "description": "What was bought, paid, sent and given back."},
    {"name": "tickets", "description": "What customers turned to the shop for."},
    {"name": "campaigns", "description": "Who was sent what, and what it brought."},
    {"name": "lifecycle", "description": "Stages and tiers, and the policy that tells them."},
    {"name": "audit", "description": "The facts themselves: who, when, because of what."},
    {"name": "jobs", "description": "Questions that take longer than a request."},
    {"name": "health", "description": "For those who run the service."},
]


ROUTERS: Final = (
    customer.router,
    order.router,
    order.coupons,
    ticket.router,
    campaign.router,
    lifecycle.router,
    lifecycles.router,
    lifecycles.of_one,
    customers.router,
    stories.router,
    campaigns.router,
    audit.router,
    jobs.router,
    refused.router,
    health.router,
)


def create_app(services: Services) -> FastAPI:
    """Return the application; it starts and stops `services` background work with itself."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        with services.running():
            yield

    app = FastAPI(
        title="Huike",
        summary="The customer who comes back",
        description=DESCRIPTION,
        version=version("huike"),
        openapi_tags=TAGS,
        docs_url=None,  # its page would load scripts from elsewhere
        redoc_url=None,
        lifespan=lifespan,
    )
    app.state.services = services
    app.state.crm = services.crm
    app.state.ids = services.ids
    app.state.sources = services.sources
    app.state.clear = services.clear
    app.state.metrics = services.metrics
    app.state.checks = services.checks()
    app.add_middleware(Door, keys=services.keys, metrics=services.metrics)
    errors.install(app)
    app.router.routes += [quick.QuickCustomer(services.sources), *ingest.routes(services)]
    for router in ROUTERS:
        app.router.routes += router.routes  # one flat list is searched twice as quickly
    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign]  # FastAPI's own way to extend
    return app


def _openapi(app: FastAPI) -> dict[str, Any]:
    if app.openapi_schema is None:
        app.openapi_schema = get_openapi(
            title=app.title,
            version=app.version,
            summary=app.summary,
            description=app.description,
            tags=app.openapi_tags,
            routes=app.routes,
        )
        app.openapi_schema["paths"].update(ingest_docs.PATHS)
    return app.openapi_schema
