"""What a growing log costs: append, event to view, profile, timeline, against a million facts."""

import shutil
from collections.abc import Callable
from contextlib import ExitStack
from statistics import median
from typing import Final

from infra import clock, erasures
from infra.postgres import Connection
from projections.profile import queries as profiles
from projections.timeline import queries as timelines
from projections.timeline.queries import Asked
from tests.bench.asking import timed
from tests.bench.chart import chart
from tests.bench.ground import YEAR, Ground
from tests.bench.load import Load, Publish
from tests.bench.measure import Figure, Measure, Side, ratio_at_most
from tests.bench.measures import append
from tests.bench.multiply import Multiplier
from tests.bench.shop import Shop

ROUNDS: Final = 3
STEPS: Final = (1, 2, 5, 10, 20)
"""Millions of facts."""

_SPARE: Final = 8 * 1024**3
"""Bytes that must stay free: Postgres writes ahead."""

_MICRO: Final = 1e6
_ABOUT: Final = {
    "append": "one fact of 400 bytes, appended in bulk",
    "view": "one event in batches of 100, from the request until every view shows it",
    "profile": "a customer by id",
    "timeline": "the last 50 lines of a customer's story",
    "blocks": "blocks of 8 kB that Postgres looks into for these lines, by its own count",
}
_BLOCKS: Final = """
select coalesce(sum(pg_stat_get_xact_blocks_fetched(oid)), 0)::float8
from pg_class where starts_with(relname, 'timeline')
"""
"""Of tables and indexes, by this connection, before and in the transaction that goes on."""

Look = Callable[[int], float]


def run(ground: Ground) -> list[Figure]:
    found: dict[str, list[Side]] = {name: [] for name in _ABOUT}
    sizes: list[int] = []
    with (
        ground.another_shop("growth", ground.size(40_000, 100)) as shop,
        ground.publisher() as publish,
        shop.connect(None) as admin,
    ):
        shop.fill(ground.part(YEAR, 1_000))
        assert shop.served
        facts = shop.head
        multiplier = Multiplier(admin, facts)
        for step in STEPS:
            if step > max(2, ground.sizes.facts / 1_000_000):
                break
            if sizes and not _room(ground, admin, step * facts / sizes[-1]):
                ground.warn(f"The disk is too short for {step} million facts.")
                break
            ground.say(f"a log of {facts * step:,} facts")
            while shop.head + facts / 2 < facts * step:
                multiplier.once_more()
            _settle(admin)
            sizes.append(shop.head)
            for name, side in _all(ground, shop, publish).items():
                found[name].append(side)
            shop.running.stop()
            if ground.quick and step > 1:
                break
    _draw(ground, sizes, found)
    return [_figure(name, sizes, sides) for name, sides in found.items()]


def _settle(admin: Connection) -> None:
    """Do what copies leave to be done, which would else be done while we measure."""
    erasures.follow(admin)  # the worker looks for them in all facts that it has not seen
    admin.execute("vacuum analyze")
    admin.execute("checkpoint")


def _room(ground: Ground, admin: Connection, times: float) -> bool:
    """Say whether the database may become so many times as large."""
    row = admin.execute("select pg_database_size(current_database())").fetchone()
    assert row is not None
    needed: float = (times - 1) * row[0] + _SPARE
    return shutil.disk_usage(ground.folder).free > needed


def _figure(name: str, sizes: list[int], sides: list[Side]) -> Figure:
    steps = ", ".join(
        f"{side.median:,.3g} at {size / 1e6:.2g} M" for size, side in zip(sizes, sides, strict=True)
    )
    return Figure(
        name=f"growth-{name}",
        about=f"{_ABOUT[name]}, at {sizes[-1] / 1e6:.2g} million facts",
        unit="blocks" if name == "blocks" else "us",
        ours=sides[-1],
        against=sides[0],
        other=f"itself at {sizes[0] / 1e6:.2g} million",
        goals=ratio_at_most(1.5),
        note=steps,
    )


def _draw(ground: Ground, sizes: list[int], found: dict[str, list[Side]]) -> None:
    curves = {
        name: [side.median / sides[0].median for side in sides] for name, sides in found.items()
    }
    ground.charts.mkdir(exist_ok=True)
    drawn = chart(
        "Time for one, against the same at a million facts",
        [size / 1e6 for size in sizes],
        curves,
        limit=1.5,
    )
    (ground.charts / "growth.svg").write_text(drawn, encoding="utf-8")


def _all(ground: Ground, shop: Shop, publish: Publish) -> dict[str, Side]:
    """Measure everything at the size that the log now has."""
    rounds = ground.size(ROUNDS, 1)
    with ExitStack() as stack:
        looks = {
            "view": _view(ground, shop, publish),
            "profile": _profile(ground, shop, stack),
            "timeline": _timeline(ground, shop, stack),
            "blocks": _blocks(ground, shop, stack),
            "append": _append(ground, shop, stack),
        }
        return {
            name: Side(tuple([look(n) for n in range(rounds + 1)][1:]))
            for name, look in looks.items()
        }


def _append(ground: Ground, shop: Shop, stack: ExitStack) -> Look:
    side = append.into(ground.log(shop.url, stack), ground.size(30_000, 100))

    def look(number: int) -> float:
        shop.running.leave()
        return _MICRO / side(number)

    return look


def _view(ground: Ground, shop: Shop, publish: Publish) -> Look:
    shop.follow("log")

    def look(number: int) -> float:
        load = Load(
            address=shop.address,
            key=shop.key,
            seed=f"grown-{clock.now().timestamp()}-{number}",
            count=ground.part(150, 2),
            customers=shop.customers,
        )
        published = publish(load).result()
        shown = shop.reach(published.position)
        return (shown - published.driven.began) / published.events * _MICRO

    return look


def _profile(ground: Ground, shop: Shop, stack: ExitStack) -> Look:
    connection = stack.enter_context(shop.connect())
    count = ground.size(3_000, 10)
    return lambda _: (
        median(timed(lambda c: profiles.by_id(connection, c), shop.some_customers(count))) * _MICRO
    )


def _timeline(ground: Ground, shop: Shop, stack: ExitStack) -> Look:
    connection = stack.enter_context(shop.connect())
    asked = Asked(limit=50)
    count = ground.size(1_000, 10)
    return lambda _: (
        median(timed(lambda c: timelines.page(connection, c, asked), shop.some_customers(count)))
        * _MICRO
    )


def _blocks(ground: Ground, shop: Shop, stack: ExitStack) -> Look:
    connection = stack.enter_context(shop.connect())
    asked = Asked(limit=50)
    count = ground.size(500, 10)

    def counted() -> float:
        row = connection.execute(_BLOCKS.encode()).fetchone()
        assert row is not None
        return float(row[0])

    def look(_: int) -> float:
        customers = shop.some_customers(count)
        with connection.transaction():
            before = counted()
            for customer in customers:
                timelines.page(connection, customer, asked)
            return (counted() - before) / count

    return look


MEASURE: Final = Measure(
    "growth", "append, event to view, profile and timeline as the log grows", run, 7
)
