"""The HTTP application: which doors there are, and what stands behind them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Final

from fastapi import FastAPI
from starlette.types import Receive, Scope, Send

from api import audit, dossier, erasures, errors, health, jobs, openapi, reads, refused, reveal
from api.commands import campaign, customer, erasure, lifecycle, order, ticket
from api.door import Accounts, Door, Shops
from api.ingest import Ingest
from api.queries import campaigns, customers, look_up, quick, stories
from api.queries import lifecycle as lifecycles
from api.security import all_guarded, guarded
from api.services import Services

ROUTERS: Final = (
    customer.router,
    order.router,
    order.coupons,
    ticket.router,
    erasure.router,
    erasures.router,
    erasures.door,
    campaign.router,
    lifecycle.router,
    lifecycles.router,
    lifecycles.of_one,
    look_up.router,
    customers.router,
    reveal.router,
    stories.router,
    dossier.router,
    campaigns.router,
    audit.router,
    reads.router,
    jobs.router,
    refused.router,
    health.router,
)


class Application(FastAPI):
    """The framework, with the shops' door beside it."""

    shops: Shops

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if Shops.takes(scope):
            await self.shops(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


def create_app(services: Services) -> Application:
    """Return the application; it starts and stops `services` background work with itself.

    Raises NoEntry for a route that the table of access does not name.
    """

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        all_guarded(app.routes)
        with services.running():
            yield
        services.sources.quick.close()  # in the event loop that they belong to

    app = Application(
        title="Huike",
        summary="The customer who comes back",
        version=version("huike"),
        docs_url=None,  # its page would load scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,  # it would send people where the Host header says
        lifespan=lifespan,
    )
    app.state.services = services
    app.state.crm = services.crm
    app.state.ids = services.ids
    app.state.sources = services.sources
    app.state.clear = services.clear
    app.state.metrics = services.metrics
    app.state.checks = services.checks()
    app.state.to_rebuild = services.to_rebuild
    app.state.mark = services.mark
    errors.install(app)
    accounts = Accounts(services.metrics)
    app.add_middleware(Door, keys=services.keys, paces=services.paces, accounts=accounts)
    door = Ingest(services)
    app.shops = Shops(door.answer, errors.teller(app), accounts)
    own = [guarded(route) for route in app.router.routes]
    app.router.routes = [*own, quick.QuickCustomer(services.sources), door.route]
    for router in ROUTERS:  # one flat list is searched twice as quickly
        app.router.routes += map(guarded, router.routes)
    all_guarded(app.routes)
    app.openapi = lambda: openapi.describe(app)  # type: ignore[method-assign]  # FastAPI's own way to extend
    return app
