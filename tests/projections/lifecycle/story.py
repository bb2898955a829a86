"""One customer's life told by days, and the lifecycle view of it."""

from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from domain.activity.events import PageViewed
from domain.customer.events import CustomerRegistered
from domain.lifecycle.events import LifecyclePolicyAdopted
from domain.order.events import OrderPaid, OrderRefunded
from domain.shared.events import Event, Fact
from projections.lifecycle.answers import Standing, standing_of
from projections.lifecycle.projection import lifecycle
from projections.lifecycle.tables import MOVE
from projections.runtime.replay import Replay
from tests.facts import fact_of
from tests.projections.histories import IDS, SHOP, START, USERS, stream_of

ADA = USERS[0]
Move = tuple[float, str | None, str, int | None]


def at(day: float) -> datetime:
    return START + timedelta(days=day)


class Life:
    """Facts of one customer, in the order in which they are recorded."""

    def __init__(self, *, registered: float | None = 0) -> None:
        self.facts: list[Fact] = []
        self.live = Replay(lifecycle)
        if registered is not None:
            self.tell(registered, CustomerRegistered())

    def tell(self, day: float, event: Event, stream: UUID | None = None) -> int:
        """Record a fact; return its position."""
        position = len(self.facts) + 1
        who = None if isinstance(event, LifecyclePolicyAdopted) else ADA
        fact = fact_of(
            event,
            position=position,
            stream=stream or stream_of(event, who, 0),
            shop=SHOP,
            origin=who,
            occurred_at=at(day),
            recorded_at=at(10_000),
        )
        self.facts.append(fact)
        self.live.fold(who, fact)
        return position

    def looks(self, day: float) -> int:
        return self.tell(day, PageViewed(content=b""))

    def buys(self, day: float, amount: str = "10", order: str = "", currency: str = "USD") -> int:
        paid = OrderPaid(amount=Decimal(amount), currency=currency)
        return self.tell(day, paid, IDS.order(SHOP, order or f"on day {day}"))

    def refunds(self, day: float, amount: str | None, order: str) -> int:
        money = None if amount is None else Decimal(amount)
        return self.tell(day, OrderRefunded(amount=money, currency="USD"), IDS.order(SHOP, order))

    def adopts(self, day: float, policy: LifecyclePolicyAdopted) -> int:
        return self.tell(day, policy)

    def on(self, day: float) -> Standing:
        """Return how the customer stands on a day, by what had happened until then."""
        replay = Replay(lifecycle)
        for fact in self.facts:
            if fact.occurred_at <= at(day):
                replay.fold(fact.subject, fact)
        replay.settle(at(day))
        standing = standing_of(replay.rows[ADA], at(day))
        assert standing is not None
        return standing

    def stage(self, day: float) -> str:
        return self.on(day).stage.place

    def moves(self, day: float, dimension: str = "stage") -> list[Move]:
        """Let time pass up to a day; return its moves: when, from, to, because of which fact."""
        self.live.settle(at(day))
        moves = self.live.rows[ADA].all(MOVE).values()
        return [
            ((m.at - START) / timedelta(days=1), m.was, m.became, m.cause)
            for m in sorted(moves, key=lambda move: move.at)
            if m.dimension == dimension
        ]
