"""Years of old orders that come in after a month of live events, against the right order."""

import random
import time
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from threading import Event, Thread
from typing import Final, Literal

from consumers.views import run_views
from domain.order.events import Line, OrderPaid, OrderPlaced
from domain.shared.ids import Ids
from domain.shared.log import Draft, Who
from infra import clock
from infra.keyring import Keyring
from infra.settings import Settings
from projections import catalogue
from tests.bench import story
from tests.bench.ground import Ground
from tests.bench.measure import Figure, Measure, in_turn, ratio_at_most
from tests.bench.past import NAME, record
from tests.bench.shop import PROCESSES, Shop, wait_for

ROUNDS: Final = 1
EACH: Final = 10
"""Old orders of a customer, and live events of one."""
MONTH: Final = timedelta(days=30)
YEARS: Final = timedelta(days=3 * 365)

VIEW: Final = "lifecycle"

Way = Literal["late", "timely", "rebuilt"]
WAYS: Final[tuple[Way, ...]] = ("late", "timely", "rebuilt")
_SAID: Final[dict[Way, str]] = {
    "late": "old ones late",
    "timely": "in order",
    "rebuilt": "old ones late, rebuilt",
}

_HISTORY: Final = """
select md5(string_agg(move, '|' order by move)), count(*) from (
  select concat_ws(' ', customer, dimension, at, was, became) as move from huike.lifecycle_move
  where at < %s
) moves
"""
"""Until that month ended: time goes on meanwhile, and moves customers."""


class NotExact(Exception):
    """The history of late orders is not that of orders in time."""


def run(ground: Ground) -> list[Figure]:
    orders = ground.size(ground.sizes.orders, 300)
    ending = clock.now()
    histories: dict[tuple[Way, int], tuple[str, int]] = {}

    def side(way: Way, number: int) -> float:
        with ground.another_shop(f"{way}-{number}", orders // EACH) as shop:
            took = _import(ground, shop, orders, ending, way)
            histories[way, number] = _history(shop, ending)
            return took

    late, timely, rebuilt = in_turn(
        *(partial(side, way) for way in WAYS), rounds=ground.size(ROUNDS, 1)
    )
    if len(set(histories.values())) > 1:
        raise NotExact(f"{NotExact.__doc__} {histories}")
    moves = next(iter(histories.values()))[1]
    about = f"{orders:,} orders of three years for {orders // EACH:,} customers"
    return [
        Figure(
            name=name,
            about=f"{about}, {how} after a month of live events",
            unit="s",
            ours=ours,
            against=timely,
            other="the same orders folded before that month",
            goals=ratio_at_most(1.5),
            note=f"all {moves:,} moves from stage to stage and tier to tier are the same",
        )
        for name, how, ours in (
            ("late", "folded", late),
            ("late-rebuilt", f"rebuilt with it by {PROCESSES} processes", rebuilt),
        )
    ]


def _import(ground: Ground, shop: Shop, orders: int, ending: datetime, way: Way) -> float:
    """Have a month and the years before it folded; return how long the years took."""
    took = {}
    for part in ("years", "month") if way == "timely" else ("month", "years"):
        ground.say(f"a {part} of facts, {_SAID[way]}")
        if part == "month":
            shop.happens(orders, ending=ending, lasting=MONTH)
        else:
            years = (orders, shop.customers, ending - MONTH)
            shop.in_parts(_years, [(n, *years) for n in range(PROCESSES)])
        if way == "rebuilt" and part == "years":
            took[part] = shop.rebuild(VIEW, serve=True)
        else:
            took[part] = _follow(ground, shop)
    return took["years"]


def _years(settings: Settings, part: int, orders: int, customers: int, ending: datetime) -> None:
    """Record the old orders of a part of the customers, the oldest first."""
    ids = Ids(Keyring.open(settings.keyring_file).secret)

    def order(number: int) -> list[Draft]:
        chance = random.Random(number)  # noqa: S311  # a story, not a secret
        customer = chance.randrange(customers)
        if customer % PROCESSES != part:
            return []
        who = Who(user=ids.user(NAME, f"c{customer}"))
        at = ending - YEARS + YEARS * number / orders
        amount = Decimal(chance.choice((20, 80, 400, 900)))
        category = story.CATEGORIES[number % len(story.CATEGORIES)]
        line = Line(product="p1", category=category, unit_price=amount)
        events = (
            OrderPlaced(number=f"old{number}", currency="USD", lines=(line,), total=amount),
            OrderPaid(amount=amount, currency="USD"),
        )
        stream = ids.order(NAME, f"old{number}")
        return [Draft(event=e, occurred_at=at, who=who, stream=stream) for e in events]

    record(settings, map(order, range(orders)))


def _follow(ground: Ground, shop: Shop) -> float:
    """Let the lifecycle view alone follow to the log's end, in a process; return the seconds."""
    with ground.another_process() as another:
        return another.submit(_followed, shop.settings, shop.head).result()


def _followed(settings: Settings, position: int) -> float:
    stop = Event()
    worker = Thread(target=run_views, args=(settings, stop, {VIEW: catalogue.VIEWS[VIEW]}))
    began = time.perf_counter()
    worker.start()
    try:
        wait_for(settings.log_url or "", position, (VIEW,))
        return time.perf_counter() - began
    finally:
        stop.set()
        worker.join()


def _history(shop: Shop, ending: datetime) -> tuple[str, int]:
    with shop.connect() as connection:
        row = connection.execute(_HISTORY, (ending,)).fetchone()
    assert row is not None
    return row[0], row[1]


MEASURE: Final = Measure(
    "late", "three years of orders imported after a month of live events, history exact", run, 2
)
