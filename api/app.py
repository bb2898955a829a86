"""The HTTP application: which doors there are, and what stands behind them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Final

from fastapi import FastAPI
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.types import ASGIApp

from api import audit, errors, health, ingest, jobs, openapi, refused
from api.commands import campaign, customer, lifecycle, order, ticket
from api.door import Door
from api.ingest import Ingest
from api.queries import campaigns, customers, quick, stories
from api.queries import lifecycle as lifecycles
from api.services import Services

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


def _shops(services: Services, app: FastAPI) -> ASGIApp:
    """Return the shops' door with the same answers to errors, without a search for its route."""
    told = {kind: tell for kind, tell in app.exception_handlers.items() if kind is not Exception}
    return ExceptionMiddleware(Ingest(services), handlers=told)


def create_app(services: Services) -> FastAPI:
    """Return the application; it starts and stops `services` background work with itself."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        with services.running():
            yield
        services.sources.quick.close()  # in the event loop that they belong to

    app = FastAPI(
        title="Huike",
        summary="The customer who comes back",
        version=version("huike"),
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
    app.state.mark = services.mark
    errors.install(app)
    app.add_middleware(
        Door, keys=services.keys, metrics=services.metrics, shops=_shops(services, app)
    )
    app.router.routes += [quick.QuickCustomer(services.sources), *ingest.routes(services)]
    for router in ROUTERS:
        app.router.routes += router.routes  # one flat list is searched twice as quickly
    app.openapi = lambda: openapi.describe(app)  # type: ignore[method-assign]  # FastAPI's own way to extend
    return app
