"""A shop in which people ask to be forgotten."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from commands.application import Crm
from commands.erasure import CancelErasure, LiftLegalHold, PlaceLegalHold, RequestErasure
from commands.work import Command
from consumers.erasure.due import carry_out_due
from domain.customer.events import Asker, Person, TraitsAsserted
from domain.shared.log import Actor
from infra import clock, erasures
from infra.erasures import Erasure
from infra.event_store.factory import LogFactory
from infra.postgres import WRITER, connect, pool
from infra.refused import Refusals
from infra.settings import Settings
from projections import catalogue
from tests.consumers.following import eventually, worker
from tests.projections.runtime.shop import Shop
from tests.refused import refused

ADA = Person(name="Ada Lovelace", email="ada@example.com", phone="+44 20 7946 0018")
OFFICER = Actor(kind="key", id="officer")
NO_TIME = timedelta()


class Privacy:
    """What a privacy officer asks, and what becomes of it."""

    def __init__(self, shop: Shop, settings: Settings) -> None:
        self.shop = shop
        self.settings = settings
        self.crm = Crm(LogFactory(shop.log), shop.log, shop.ids, clock.now)
        self.log = connect(shop.url, WRITER)

    def know(self, name: str, person: Person = ADA) -> UUID:
        self.shop.say(TraitsAsserted(person=person, private={"shoe": "38"}), user=name)
        return self.shop.user(name)

    def meet(self) -> UUID:
        """Have a visitor, v1, leave an address; return who that is."""
        self.shop.email(None, "visitor@example.com", "v1")
        return self.shop.visitor("v1")

    def ask(self, command: Command, **how: Any) -> dict[str, Any]:
        about: dict[str, Any] = {"actor": OFFICER, "shop": "tea", "source": "desk", **how}
        answer = self.crm.dispatch(command, **about).answer
        told: dict[str, Any] = msgspec.json.decode(answer or b"{}")
        return told

    def request(self, customer: UUID, after: timedelta = NO_TIME, **how: Any) -> UUID:
        due_at = datetime.now(UTC) + after
        asked = RequestErasure(customer=customer, by=Asker.OFFICER, due_at=due_at)
        return UUID(self.ask(asked, **how)["erasure"])

    def cancel(self, customer: UUID) -> None:
        self.ask(CancelErasure(customer=customer))

    def hold(self, customer: UUID) -> None:
        self.ask(PlaceLegalHold(customer=customer, reason="A claim"))

    def lift(self, customer: UUID) -> None:
        self.ask(LiftLegalHold(customer=customer, reason="Settled"))

    def stands(self, erasure: UUID) -> Erasure:
        erasures.follow(self.log)
        return erasures.find(self.log, erasure)

    def carry_out(self) -> None:
        carry_out_due(self.settings)

    def certified(self, erasure: UUID) -> Erasure:
        """Go on until there is a certificate."""

        def done() -> bool:
            self.carry_out()
            return self.stands(erasure).state == "certified"

        eventually(done, "a certificate")
        return self.stands(erasure)

    def refuse(self, message: bytes) -> UUID:
        """Keep a message as refused; return its id."""
        about, packet = refused(message)
        with pool(self.shop.url, WRITER, size=1) as opened:
            Refusals(opened, self.shop.sealer, self.shop.ids).keep([(about, packet)])
        return about.id

    def kept_refused(self) -> set[UUID]:
        return {row[0] for row in self.log.execute("select id from log.refused")}


@contextmanager
def privacy(shop: Shop, settings: Settings) -> Iterator[Privacy]:
    """Open a shop whose views, all of them, are kept by a worker."""
    here = Privacy(shop, settings)
    try:
        with worker(settings, catalogue.VIEWS):
            yield here
    finally:
        here.log.close()
