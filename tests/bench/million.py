"""A shop with a million customers, all of whom one campaign was meant for."""

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from domain.campaign.draw import draw
from domain.campaign.events import Arm, Goal, RecipientAssigned
from domain.message.events import AddressClass, Evidence, MessageOpened, MessageSent
from domain.order.events import Line, OrderPaid, OrderPlaced
from domain.shared.channel import Channel
from domain.shared.ids import Ids
from domain.shared.log import Draft, Who
from infra import clock
from infra.keyring import Keyring
from infra.settings import Settings
from tests.bench.past import NAME, record
from tests.bench.shop import PROCESSES, Shop

SHARE: Final = Decimal("0.2")
SEED: Final = 7

_CATEGORIES: Final = ("tea", "coffee", "cups", "books")
_EVIDENCE: Final = Evidence(delay_ms=40_000, address_class=AddressClass.RESIDENTIAL)


class Million(Shop):
    """Its facts are recorded as drafts, by the log; nothing is written into views but by folds."""

    def fill(self, events: int = 0) -> None:  # noqa: ARG002  # a customer comes to about 2.5 facts
        self._say(f"{self.customers:,} customers into the log")
        self.do(*self.launching())
        anchor = clock.now() - timedelta(days=3)
        self.in_parts(
            _fill,
            [(first, self.customers, anchor) for first in range(PROCESSES)],
        )


def _fill(settings: Settings, first: int, customers: int, anchor: datetime) -> None:
    ids = Ids(Keyring.open(settings.keyring_file).secret)
    record(settings, (_of(number, ids, anchor) for number in range(first, customers, PROCESSES)))


def _of(number: int, ids: Ids, anchor: datetime) -> list[Draft]:
    """Tell one customer: assigned, sent a message in four of five cases, a buyer in three of ten.

    One in ten buyers bought in the days after the anchor, the others in the two years before.
    """
    chance = random.Random(number)  # noqa: S311  # a story, not a secret
    customer, campaign = ids.user(NAME, f"c{number}"), ids.campaign(NAME, "spring")
    who, stream = Who(user=customer), ids.assignment(campaign, customer)
    arm = draw(SEED, customer, SHARE)
    facts = [
        Draft(
            event=RecipientAssigned(
                campaign=campaign, arm=arm, anchor=anchor, goal=Goal(), seed=SEED
            ),
            occurred_at=anchor,
            who=who,
            stream=stream,
        )
    ]
    if arm is Arm.TREATED:
        sent = MessageSent(campaign=campaign, channel=Channel.EMAIL)
        facts.append(Draft(event=sent, occurred_at=anchor, who=who, stream=stream))
        if chance.random() < 0.1:
            opened = MessageOpened(campaign=campaign, evidence=_EVIDENCE)
            at = anchor + timedelta(minutes=chance.randrange(1, 4000))
            facts.append(Draft(event=opened, occurred_at=at, who=who, stream=stream))
    if chance.random() < 0.3:
        facts += _order(number, ids, who, anchor, chance)
    return facts


def _order(
    number: int, ids: Ids, who: Who, anchor: datetime, chance: random.Random
) -> Iterator[Draft]:
    late = chance.random() < 0.1
    since = timedelta(seconds=chance.randrange(1, 3 * 86_400 if late else 730 * 86_400))
    at = anchor + since if late else anchor - since
    amount = Decimal(chance.choice((20, 80, 400, 900, 2500)))
    line = Line(product="p1", category=chance.choice(_CATEGORIES), unit_price=amount)
    placed = OrderPlaced(number=f"o{number}", currency="USD", lines=(line,), total=amount)
    paid = OrderPaid(amount=amount, currency="USD")
    for event in (placed, paid):
        yield Draft(event=event, occurred_at=at, who=who, stream=ids.order(NAME, f"o{number}"))
